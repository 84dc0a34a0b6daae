"""The record of one saved reading: what it is a reading of, and where its bytes lie.

A manifest is written last and replaced whole, so it never names bytes that are
not on the disk. It carries its own checksum; whatever does not parse, does not
add up or was written by another version raises CacheError. Reading and writing
the bytes themselves is left to `persist.py`, choosing among entries to `disk.py`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from longdoc.cache.kv_dtypes import from_stored
from longdoc.errors import CacheError
from longdoc.files import sha256_text

FORMAT = 1
_EXTENT_NAME = re.compile(r"\d{9,12}-\d{9,12}\.kv")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Extent:
    """Keys and values of tokens start .. end of every layer, in one file that never changes."""

    start: int
    end: int
    n_bytes: int
    checksum: str  # CRC-32 of the file, eight hexadecimal digits

    @property
    def file(self) -> str:
        return f"{self.start:09d}-{self.end:09d}.kv"


@dataclass(frozen=True)
class Snapshot:
    """Recurrent state after `n_tokens`, in one file that never changes (see `snapshots.py`)."""

    n_tokens: int
    n_bytes: int
    checksum: str  # CRC-32 of the file, eight hexadecimal digits

    @property
    def file(self) -> str:
        return f"{self.n_tokens:09d}.state"


@dataclass(frozen=True)
class Manifest:
    """One saved reading. `layers` holds (num_kv_heads, key_dim, value_dim) of every layer."""

    owner: str
    fingerprint: str  # of everything that changes keys and values
    tokens_sha256: str  # of the planned token ids, int32 little endian
    n_planned: int  # tokens of the whole prefix; an interrupted reading holds fewer
    dtype: str  # of keys and values as stored: "bfloat16", "int8/bfloat16" (see `kv_dtypes`)
    layers: tuple[tuple[int, int, int], ...]
    documents: tuple[str, ...] = ()  # ids of the documents in the prefix; the entry goes when one of them goes
    about: dict[str, str] = field(default_factory=dict)  # for people: model, method
    created_at: float = 0.0
    extents: tuple[Extent, ...] = ()
    state_bytes: int = 0  # of one recurrent state, about; 0 for models without
    snapshots: tuple[Snapshot, ...] = ()  # by number of tokens

    @property
    def key(self) -> str:
        return make_key(self.owner, self.fingerprint, self.tokens_sha256)

    @property
    def n_tokens(self) -> int:
        return self.extents[-1].end if self.extents else 0

    @property
    def whole(self) -> bool:
        return self.n_tokens == self.n_planned

    @property
    def token_bytes(self) -> int:
        """Bytes of keys and values of one token in all layers."""
        stored = from_stored(self.dtype)
        return sum(stored.token_bytes(heads, key, value) for heads, key, value in self.layers)

    def usable(self, n_tokens: int) -> int:
        """Return how many of the first `n_tokens` can be loaded: recurrent readings end where a state is kept."""
        if not self.state_bytes:
            return n_tokens
        return max((snapshot.n_tokens for snapshot in self.snapshots if snapshot.n_tokens <= n_tokens), default=0)

    def extended(self, extents: tuple[Extent, ...]) -> Manifest:
        return replace(self, extents=self.extents + extents)

    def to_bytes(self) -> bytes:
        body = json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True, separators=(",", ":"))
        return f"{hashlib.sha256(body.encode()).hexdigest()}\n{body}\n".encode()


def make_key(owner: str, fingerprint: str, tokens_sha256: str) -> str:
    """Return an entry's name. Owners never share one, so that timing tells nothing of others' documents."""
    return sha256_text(str(FORMAT), owner, fingerprint, tokens_sha256)[:40]


def parse_manifest(data: bytes) -> Manifest:
    """Return the manifest in `data`.

    Raises CacheError: `version` when another version of LongDoc wrote it, `damaged` for anything else.
    """
    head, _, body = data.partition(b"\n")
    body = body.removesuffix(b"\n")
    if head.decode("ascii", "replace") != hashlib.sha256(body).hexdigest():
        raise _damaged("its manifest is damaged")
    try:
        fields: dict[str, Any] = json.loads(body)
        version = fields.pop("format")
        if version != FORMAT:
            raise CacheError(
                f"it is stored in format {version}, and this version of LongDoc uses {FORMAT}", code="version"
            )
        extents = tuple(Extent(**extent) for extent in fields.pop("extents"))
        snapshots = tuple(Snapshot(**snapshot) for snapshot in fields.pop("snapshots", ()))
        layers = tuple((int(h), int(k), int(v)) for h, k, v in fields.pop("layers"))
        documents = tuple(str(name) for name in fields.pop("documents"))
        manifest = Manifest(layers=layers, extents=extents, snapshots=snapshots, documents=documents, **fields)
        _check(manifest)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _damaged("its manifest cannot be understood") from error
    return manifest


def _check(manifest: Manifest) -> None:
    """Raise CacheError where the figures do not add up."""
    from_stored(manifest.dtype)
    if not _HASH.fullmatch(manifest.tokens_sha256):
        raise _damaged("its manifest cannot be understood")
    at = 0
    for extent in manifest.extents:
        n_bytes = (extent.end - extent.start) * manifest.token_bytes
        if (
            extent.start != at
            or extent.end <= at
            or extent.n_bytes != n_bytes
            or not _EXTENT_NAME.fullmatch(extent.file)
        ):
            raise _damaged("the parts in its manifest do not add up")
        at = extent.end
    places = [snapshot.n_tokens for snapshot in manifest.snapshots]
    if places != sorted(set(places)) or not all(0 < place <= at for place in places):
        raise _damaged("the states in its manifest do not add up")
    if at > manifest.n_planned:
        raise _damaged("the parts in its manifest do not add up")


def _damaged(why: str) -> CacheError:
    return CacheError(why, code="damaged")
