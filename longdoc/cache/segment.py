"""Keys and values of one read prefix, and the small tail of a question on top of it.

A `Reading` is sized before reading and filled once: document tokens are written in
place, never moved, and nothing that happens in the tail touches them. Its layers
lie in memory (`buffer.py`) or in mapped files (`mapped.py`). Knows tensors and token
ids; who computes them (`longdoc.backends`), who attends over them
(`longdoc.attention`) and who keeps them on disk (`longdoc.cache.disk`) stay outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from longdoc.cache import mapped
from longdoc.cache.buffer import Buffer, Layer, plain
from longdoc.cache.kv_dtypes import KVDtype
from longdoc.cache.layout import LayerShape, Layout
from longdoc.cache.quantise import dtype_of
from longdoc.cache.state import States
from longdoc.errors import CacheError, ModelError

__all__ = ["Buffer", "Layer", "LayerShape", "Reading", "Tail", "new_reading"]

_TAIL_TOKENS = 256


class Reading:
    """The document segment of every layer, the token ids it was computed from, and a tail.

    `layers[i]` holds positions 0 .. n_tokens of layer i; what lies beyond is undefined. Token i stands
    at position i. `dtype` is what attention computes in, `kv` how keys and values are stored, `store`
    the files of a reading on the disk tier, `states` what recurrent layers keep beside keys and values.
    """

    def __init__(
        self,
        shapes: Sequence[LayerShape],
        capacity: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        *,
        kv: KVDtype | None = None,
        home: torch.device | str | None = None,
        store: mapped.Store | None = None,
    ) -> None:
        """Reserve room for `capacity` document tokens, in `home` or `store` where that is not the device.

        Raises ModelError when memory refuses.
        """
        self.kv = kv or plain(dtype)
        self.shapes = tuple(shapes)
        self.layout = Layout(self.shapes, self.kv)
        self.capacity = capacity
        self.dtype = dtype_of(self.kv.compute)
        self.device = torch.device(device)
        self.store = store
        self.token_ids: list[int] = []
        self.states: States | None = None  # of a model that keeps recurrent state as well
        try:
            self.layers = self._layers(torch.device(home or device))
            self.tail = Tail(self.shapes, self.dtype, self.device)
        except (RuntimeError, MemoryError) as error:  # torch raises RuntimeError when an allocation fails
            raise ModelError(
                f"There is not enough memory to keep {capacity:,} tokens of this model.",
                code="memory",
                next_step="Close other programs, leave out a source, or use a smaller model.",
            ) from error

    def _layers(self, home: torch.device) -> list[Layer]:
        if self.store is not None:
            return [
                mapped.MappedLayer(self.store, index, shape, self.kv, self.dtype, self.device)
                for index, shape in enumerate(self.shapes)
            ]
        return [Buffer(shape, self.capacity, self.dtype, self.device, self.kv, home) for shape in self.shapes]

    @property
    def n_tokens(self) -> int:
        """Tokens in the document segment."""
        return len(self.token_ids)

    @property
    def nbytes(self) -> int:
        """Bytes of memory reserved, tail included; files do not count."""
        states = 0 if self.states is None else self.states.nbytes
        return sum(layer.nbytes for layer in self.layers) + self.tail.nbytes + states

    @property
    def kept_bytes(self) -> int:
        """Bytes of keys, values and states, tail included, in memory or in files."""
        return self.nbytes + (0 if self.store is None else self.n_tokens * self.layout.token_bytes)

    def commit(self, token_ids: Sequence[int]) -> None:
        """Declare the next `len(token_ids)` tokens of every layer written."""
        if self.n_tokens + len(token_ids) > self.capacity:
            raise CacheError(
                f"A reading with room for {self.capacity:,} tokens cannot take {self.n_tokens + len(token_ids):,}.",
                code="capacity",
            )
        self.token_ids.extend(token_ids)
        if self.states is not None:
            self.states.advance()

    def checkpoint(self, *, last: bool = False) -> int:
        """Return how many tokens a writer that comes later may save; in files only whole ones before the `last`."""
        if self.states is not None:
            self.states.checkpoint(self.n_tokens)
        elif self.store is not None and not last:
            return self.store.whole_until(self.n_tokens)
        return self.n_tokens

    def reachable(self, n_tokens: int) -> int:
        """Return the most tokens, at most `n_tokens`, to which the reading can be cut back."""
        if self.states is None or n_tokens >= self.n_tokens:
            return min(n_tokens, self.n_tokens)
        return self.states.reachable(n_tokens)

    def truncate(self, n_tokens: int) -> None:
        """Keep the first `n_tokens` document tokens, or as many as are `reachable`; the tail is dropped."""
        if not 0 <= n_tokens <= self.n_tokens:
            raise CacheError(f"A reading of {self.n_tokens:,} tokens cannot be cut to {n_tokens:,}.", code="capacity")
        n_tokens = self.reachable(n_tokens)
        if self.states is not None and n_tokens < self.n_tokens:
            self.states.cut(n_tokens)
        if self.store is not None and n_tokens < self.n_tokens:
            self.store.truncate(n_tokens)
        del self.token_ids[n_tokens:]
        self.tail.drop()

    def grown(self, capacity: int) -> Reading | None:
        """Return a reading with more room that takes over these files; None for a reading in memory.

        This one is not to be used after that.
        """
        if self.store is None:
            return None
        self.store.capacity = capacity
        larger = Reading(self.shapes, capacity, device=self.device, kv=self.kv, store=self.store)
        larger.token_ids, larger.states = self.token_ids, self.states
        return larger

    def reserve(self) -> None:
        """Take the room on the disk that the rest of this reading needs. Raises ModelError `disk`."""
        if self.store is not None:
            self.store.reserve()

    def copy_from(self, other: Reading, n_tokens: int) -> None:
        """Take over the first tokens of another reading of the same shapes and form; this one is still empty."""
        for start in range(0, n_tokens, other.layout.file_tokens()):
            end = min(start + other.layout.file_tokens(), n_tokens)
            for target, source in zip(self.layers, other.layers, strict=True):
                target.restore(start, source.stored(start, end))
        self.commit(other.token_ids[:n_tokens])
        if self.states is not None and other.states is not None:
            self.states.inherit(other.states, n_tokens)


def new_reading(
    shapes: Sequence[LayerShape],
    capacity: int,
    kv: KVDtype,
    tier: str,
    *,
    device: torch.device | str = "cpu",
    working: Path | None = None,
    resident_bytes: int | None = None,
) -> Reading:
    """Return an empty reading on a tier: "device" (with the model), "ram" (pinned, beside an accelerator) or "disk".

    working: the folder in which readings on disk are made. resident_bytes: of their pages, how many may
    stay in memory. Raises ModelError when memory refuses.
    """
    layout = Layout(tuple(shapes), kv)
    if tier == "disk" and layout.token_bytes:
        assert working is not None
        store = mapped.Store(mapped.new_folder(working), layout, capacity)
        if resident_bytes is not None:
            store.resident_bytes = resident_bytes
        return Reading(shapes, capacity, device=device, kv=kv, store=store)
    return Reading(shapes, capacity, device=device, kv=kv, home="cpu" if tier == "ram" else None)


class Tail:
    """Question and answer on top of a document segment; grows by doubling and is dropped after each turn."""

    def __init__(self, shapes: Sequence[LayerShape], dtype: torch.dtype, device: torch.device) -> None:
        self._shapes, self._dtype, self._device = tuple(shapes), dtype, device
        self.n_tokens = 0
        self.layers = [Buffer(shape, _TAIL_TOKENS, dtype, device) for shape in self._shapes]
        # Document keys that a position method meets elsewhere than they are kept, while an answer is
        # written: (layer, branch, end) -> (start, keys).
        self.moved: dict[tuple[int, int, int], tuple[int, torch.Tensor]] = {}

    @property
    def nbytes(self) -> int:
        return sum(layer.nbytes for layer in self.layers)

    def reserve(self, n_tokens: int) -> None:
        """Make room for `n_tokens` in all, keeping what is there."""
        capacity = self.layers[0].capacity
        if n_tokens <= capacity:
            return
        while capacity < n_tokens:
            capacity *= 2
        for index, (shape, old) in enumerate(zip(self._shapes, self.layers, strict=True)):
            new = Buffer(shape, capacity, self._dtype, self._device)
            new.restore(0, old.stored(0, self.n_tokens))
            self.layers[index] = new

    def drop(self) -> None:
        """Forget the question and the answer, and give grown memory back."""
        self.n_tokens = 0
        self.moved.clear()
        if self.layers and self.layers[0].capacity > _TAIL_TOKENS:
            self.layers = [Buffer(shape, _TAIL_TOKENS, self._dtype, self._device) for shape in self._shapes]
