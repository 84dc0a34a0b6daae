"""Recurrent state of one read prefix: what a state-space model keeps in place of keys and values.

A state is a few megabytes whatever the length, and belongs to exactly the tokens
it was computed from: it cannot be cut back. A `StateReading` therefore keeps the
states of some earlier places as well (ends of documents, checkpoints), and can be
cut back to those. Hybrid models keep keys and values of their attention layers
beside it, as any `Reading` does. Which files hold states is for `snapshots.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from longdoc.cache.segment import Buffer, LayerShape, Reading
from longdoc.errors import CacheError

KEPT_BYTES = 256 << 20  # of earlier states in memory; the oldest go first
_UNLIMITED = 1 << 40  # tokens: a state has room for any number
_KEPT_CHECKPOINTS = 2  # the newest, which may still be on their way to the disk


@dataclass(frozen=True)
class State:
    """The recurrent tensors of all layers after some token, by name; never changed once made."""

    tensors: Mapping[str, Tensor]

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.tensors.values())

    @property
    def layout(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Name to dtype and shape: what another state must have to take this one's place."""
        return {name: (str(tensor.dtype), tuple(tensor.shape)) for name, tensor in sorted(self.tensors.items())}

    def to_bytes(self) -> bytes:
        """Return the tensors in safetensors form: names, dtypes and shapes, then raw numbers."""
        from safetensors.torch import save

        return save({name: tensor.contiguous().cpu() for name, tensor in self.tensors.items()})

    @staticmethod
    def from_bytes(data: bytes, device: torch.device) -> State:
        """Return a state from `to_bytes`. Raises CacheError `damaged`."""
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            return State({name: tensor.to(device) for name, tensor in load(data).items()})
        except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
            raise CacheError("its state cannot be understood", code="damaged") from error


class StateReading(Reading):
    """A reading whose later tokens need the state after the earlier ones.

    `layers` hold keys and values where the model has attention; layers without have shape (0, 0, 0).
    `empty` is the layout of a state of this model. Room is made on demand by `reserve`.
    """

    def __init__(
        self,
        shapes: Sequence[LayerShape],
        capacity: int,
        dtype: torch.dtype,
        device: torch.device | str,
        layout: Mapping[str, tuple[str, tuple[int, ...]]],
    ) -> None:
        super().__init__(shapes, capacity, dtype, device)
        self._room = capacity
        self.capacity = _UNLIMITED
        self.layout = dict(layout)
        self.state: State | None = None  # after the last token; None before the first
        self.pending: State | None = None  # after the tokens that the next `commit` declares
        self.kept: dict[int, State] = {}  # tokens read to the state after them
        self._checkpoints: list[int] = []

    @property
    def state_bytes(self) -> int:
        """Bytes of one state."""
        return sum(_size(dtype, shape) for dtype, shape in self.layout.values())

    @property
    def nbytes(self) -> int:
        held = {id(state): state.nbytes for state in (self.state, *self.kept.values()) if state is not None}
        return super().nbytes + sum(held.values())

    def reserve(self, n_tokens: int) -> None:
        """Make room for `n_tokens` keys and values in all, keeping what is there."""
        if n_tokens <= self._room:
            return
        for index, (shape, old) in enumerate(zip(self.shapes, self.layers, strict=True)):
            new = Buffer(shape, n_tokens, self.dtype, self.device)
            new.write(0, old.keys[:, : self.n_tokens], old.values[:, : self.n_tokens])
            self.layers[index] = new
        self._room = n_tokens

    def commit(self, token_ids: Sequence[int]) -> None:
        """Declare the next tokens read; `pending` is the state after them."""
        super().commit(token_ids)
        self.state, self.pending = self.pending, None

    def restore(self, state: State) -> None:
        """Take a stored state for the one after the last token. Raises CacheError `shapes` for another model's."""
        if state.layout != self.layout:
            raise CacheError("its state has other shapes than this model's", code="shapes")
        self.state = state
        self.keep()

    def keep(self) -> None:
        """Remember the state after the last token, so that the reading can be cut back to here."""
        if self.state is not None:
            self.kept[self.n_tokens] = self.state
        while len(self.kept) > 1 and len(self.kept) * self.state_bytes > KEPT_BYTES:
            del self.kept[min(self.kept)]

    def checkpoint(self) -> int:
        """Remember the state for the writer, which may come to it later; return the tokens read."""
        if self.n_tokens not in self.kept:
            self._checkpoints.append(self.n_tokens)
        self.keep()
        while len(self._checkpoints) > _KEPT_CHECKPOINTS:
            self.kept.pop(self._checkpoints.pop(0), None)
        return self.n_tokens

    def reachable(self, n_tokens: int) -> int:
        """Return the most tokens, at most `n_tokens`, to which the reading can be cut back."""
        if n_tokens >= self.n_tokens:
            return self.n_tokens
        return latest(self.kept, n_tokens)

    def truncate(self, n_tokens: int) -> None:
        """Keep the first `n_tokens` document tokens, or fewer where no state is known; the tail is dropped."""
        n_tokens = self.reachable(n_tokens)
        if n_tokens < self.n_tokens:
            self.state = self.kept.get(n_tokens)
            self.kept = {at: state for at, state in self.kept.items() if at <= n_tokens}
            self._checkpoints = [at for at in self._checkpoints if at <= n_tokens]
        super().truncate(n_tokens)


def latest(places: Iterable[int], n_tokens: int) -> int:
    """Return the last of `places` that is at most `n_tokens`, 0 where there is none."""
    return max((at for at in places if at <= n_tokens), default=0)


def _size(dtype: str, shape: tuple[int, ...]) -> int:
    itemsize: int = getattr(torch, dtype.removeprefix("torch.")).itemsize
    return itemsize * int(torch.Size(shape).numel())
