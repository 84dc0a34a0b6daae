"""The forms in which keys and values are stored, by name; sizes only, no tensors.

Keys and values may take different forms, written `keys/values`: "int8/bf16". A
narrow form keeps one scale for each token and head beside its numbers, so that
tokens stay independent: they are written, cut and shared one by one. Who turns
numbers into a form and back is `quantise.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from longdoc.errors import UserError

SCALE_BYTES = 2  # a scale is a bfloat16
SCALE_DTYPE = "bfloat16"


@dataclass(frozen=True)
class Form:
    """One way to store a row of numbers. `largest` is above 0 where rows carry a scale."""

    name: str  # as people write it
    dtype: str  # torch's name of the stored numbers
    item_bytes: int
    largest: float = 0.0  # stored number that the largest of a row becomes

    @property
    def scaled(self) -> bool:
        return self.largest > 0

    def row_bytes(self, width: int) -> int:
        """Return the bytes of one token of one head."""
        return width * self.item_bytes + (SCALE_BYTES if self.scaled else 0)

    def strips(self, width: int) -> list[tuple[str, int]]:
        """Return (dtype, numbers) of what is stored for one token of one head, in order."""
        return [(self.dtype, width), *([(SCALE_DTYPE, 1)] if self.scaled else [])]


_FORMS = (
    Form("bf16", "bfloat16", 2),
    Form("fp8", "float8_e4m3fn", 1, 448.0),
    Form("int8", "int8", 1, 127.0),
    Form("float32", "float32", 4),
    Form("float16", "float16", 2),
    Form("float64", "float64", 8),
)
_BY_NAME = {form.name: form for form in _FORMS}
_BY_DTYPE = {form.dtype: form for form in _FORMS}
OFFERED = ("bf16", "fp8", "int8")  # what people choose among; the others are exact references


@dataclass(frozen=True)
class KVDtype:
    """The forms of keys and of values."""

    keys: Form
    values: Form

    @property
    def name(self) -> str:
        return self.keys.name if self.keys == self.values else f"{self.keys.name}/{self.values.name}"

    @property
    def stored(self) -> str:
        """The same in torch's names, as manifests have it."""
        return self.keys.dtype if self.keys == self.values else f"{self.keys.dtype}/{self.values.dtype}"

    @property
    def compute(self) -> str:
        """torch's name of the dtype that attention computes in: the widest unscaled form, bfloat16 without one."""
        plain = [form for form in (self.keys, self.values) if not form.scaled]
        return max(plain, key=lambda form: form.item_bytes).dtype if plain else "bfloat16"

    @property
    def narrow(self) -> bool:
        """Whether keys or values must be turned back before they can be computed with."""
        return any(form.scaled or form.dtype != self.compute for form in (self.keys, self.values))

    def token_bytes(self, num_kv_heads: int, key_dim: int, value_dim: int) -> int:
        """Return the bytes of one token in one layer."""
        return num_kv_heads * (self.keys.row_bytes(key_dim) + self.values.row_bytes(value_dim))

    def strips(self, key_dim: int, value_dim: int) -> list[tuple[str, int]]:
        """Return (dtype, numbers) for one token of one head: of keys, then of values."""
        return self.keys.strips(key_dim) + self.values.strips(value_dim)


def parse(name: str) -> KVDtype:
    """Return the forms that people write as "int8" or "int8/bf16". Raises UserError for an unknown name."""
    parts = name.split("/")
    if len(parts) > 2 or any(part not in _BY_NAME for part in parts):
        raise UserError(
            f"Keys and values cannot be kept as {name!r}.",
            code="kv_dtype",
            next_step=f"Use {', '.join(OFFERED)} or two of them, such as int8/bf16 (keys/values).",
        )
    return KVDtype(_BY_NAME[parts[0]], _BY_NAME[parts[-1]])


def from_stored(name: str) -> KVDtype:
    """Return the forms of a manifest's dtype. Raises ValueError for an unknown one."""
    parts = name.split("/")
    if len(parts) > 2 or any(part not in _BY_DTYPE for part in parts):
        raise ValueError(f"unknown dtype {name!r}")
    return KVDtype(_BY_DTYPE[parts[0]], _BY_DTYPE[parts[-1]])
