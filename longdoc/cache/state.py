"""Recurrent state of one read prefix: what a state-space model keeps in place of keys and values.

A state is a few megabytes whatever the length, and belongs to exactly the tokens
it was computed from: it cannot be cut back. `States` therefore keeps the states of
some earlier places of a reading as well (ends of documents, checkpoints), and the
reading can be cut back to those. Hybrid models keep keys and values of their
attention layers beside it, as any `Reading` does. Which files hold states is for
`snapshots.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from longdoc.errors import CacheError

KEPT_BYTES = 256 << 20  # of earlier states in memory; the oldest go first
_KEPT_CHECKPOINTS = 2  # the newest, which may still be on their way to the disk

Layout = Mapping[str, tuple[str, tuple[int, ...]]]
"""Name to dtype and shape of every tensor of a state: what another must have to take its place."""


@dataclass(frozen=True)
class State:
    """The recurrent tensors of all layers after some token, by name; never changed once made."""

    tensors: Mapping[str, Tensor]

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.tensors.values())

    @property
    def layout(self) -> Layout:
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


class States:
    """The states of one reading: after its last token, and after the places it can be cut back to.

    `pending` is the state after the tokens that the reading's next `commit` declares.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = dict(layout)
        self.marks: frozenset[int] = frozenset()  # tokens after which to keep the state: ends of documents
        self.current: State | None = None  # None before the first token
        self.pending: State | None = None
        self.kept: dict[int, State] = {}  # tokens read to the state after them
        self._checkpoints: list[int] = []

    @property
    def state_bytes(self) -> int:
        """Bytes of one state."""
        return sum(_size(dtype, shape) for dtype, shape in self.layout.values())

    @property
    def nbytes(self) -> int:
        held = {id(state): state.nbytes for state in (self.current, *self.kept.values()) if state is not None}
        return sum(held.values())

    def advance(self) -> None:
        """The tokens that `pending` was computed from have been declared read."""
        self.current, self.pending = self.pending, None

    def keep(self, n_tokens: int) -> None:
        """Remember the state after `n_tokens`, the last token read, so that the reading can be cut back to here."""
        if self.current is not None:
            self.kept[n_tokens] = self.current
        while len(self.kept) > 1 and len(self.kept) * self.state_bytes > KEPT_BYTES:
            del self.kept[min(self.kept)]

    def checkpoint(self, n_tokens: int) -> None:
        """As `keep`, for a writer that comes to it later; forgotten after a few more."""
        if n_tokens not in self.kept:
            self._checkpoints.append(n_tokens)
        self.keep(n_tokens)
        while len(self._checkpoints) > _KEPT_CHECKPOINTS:
            self.kept.pop(self._checkpoints.pop(0), None)

    def restore(self, state: State, n_tokens: int) -> None:
        """Take a stored state for the one after the last of `n_tokens`. Raises CacheError `shapes`."""
        if state.layout != self.layout:
            raise CacheError("its state has other shapes than this model's", code="shapes")
        self.current = state
        self.keep(n_tokens)

    def reachable(self, n_tokens: int) -> int:
        """Return the most tokens, at most `n_tokens`, after which the state is kept."""
        return latest(self.kept, n_tokens)

    def cut(self, n_tokens: int) -> None:
        """Go back to a reachable place."""
        self.current = self.kept.get(n_tokens)
        self.kept = {at: state for at, state in self.kept.items() if at <= n_tokens}
        self._checkpoints = [at for at in self._checkpoints if at <= n_tokens]

    def inherit(self, other: States, n_tokens: int) -> None:
        """Take over what another reading knows of its first `n_tokens`, which are reachable there."""
        self.kept = {at: state for at, state in other.kept.items() if at <= n_tokens}
        self.current = self.kept.get(n_tokens, other.current)


def latest(places: Iterable[int], n_tokens: int) -> int:
    """Return the last of `places` that is at most `n_tokens`, 0 where there is none."""
    return max((at for at in places if at <= n_tokens), default=0)


def _size(dtype: str, shape: tuple[int, ...]) -> int:
    itemsize: int = getattr(torch, dtype.removeprefix("torch.")).itemsize
    return itemsize * int(torch.Size(shape).numel())
