"""What attention and the disk ask of one layer's keys and values, and the kind that lies in memory.

A `Layer` is written in place and never moves its tokens. Attention asks it for
runs and for chosen blocks in the dtype it computes in; the disk asks for what is
stored, byte for byte. `Buffer` keeps all of it in one piece: in RAM, on an
accelerator, or in pinned RAM beside one. Layers in files are `mapped.py`.
"""

from __future__ import annotations

import itertools
import mmap
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from longdoc.cache.kv_dtypes import KVDtype, from_stored
from longdoc.cache.layout import LayerShape, rows_of
from longdoc.cache.quantise import decode, decode_pair, dtype_of, encode_pair

LONGEST_TOKENS = 8192  # a run that must be converted, joined or moved is given in pieces of at most this many
BLOCK_TOKENS = 64
_LAZY_BYTES = 1 << 20  # from here on memory comes from the system, zero and untouched


class Layer(ABC):
    """Keys and values of one layer for `capacity` tokens; the owner says how many are valid.

    `kv` says how they are stored, `dtype` and `device` where and in what attention computes.
    """

    def __init__(self, shape: LayerShape, capacity: int, kv: KVDtype, dtype: torch.dtype, device: torch.device) -> None:
        self.shape, self.capacity, self.kv, self.dtype, self.device = shape, capacity, kv, dtype, device

    @property
    def away(self) -> bool:
        """Whether keys and values lie elsewhere than where attention computes."""
        return self.device.type != "cpu"

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Bytes of memory it takes; pages of files do not count."""

    @abstractmethod
    def restore(self, start: int, strips: Sequence[Tensor]) -> None:
        """Store what `stored` of another layer of this form returned, from token `start` on."""

    @abstractmethod
    def stored(self, start: int, end: int) -> list[Tensor]:
        """Return tokens start .. end as they are stored: strips [num_kv_heads, n, width], see `layout`."""

    @abstractmethod
    def cuts(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return start .. end in the pieces that `run` gives best, in order."""

    @abstractmethod
    def chosen(self, blocks: Tensor, block: int) -> list[Tensor]:
        """Return chosen blocks [num_kv_heads, m] as they are stored: strips [num_kv_heads, m * block, width]."""

    def write(self, start: int, keys: Tensor, values: Tensor) -> None:
        """Store keys and values [num_kv_heads, n, head_dim] of tokens start .. start + n."""
        self.restore(start, encode_pair(self.kv, keys, values))

    def run(self, start: int, end: int) -> tuple[Tensor, Tensor]:
        """Return keys and values [num_kv_heads, end - start, head_dim] to compute with; views where possible."""
        return self._to_compute(self.stored(start, end))

    def keys_run(self, start: int, end: int) -> Tensor:
        """Return keys alone, as `run` does."""
        n = 2 if self.kv.keys.scaled else 1
        strips = [strip.to(self.device, non_blocking=True) for strip in self.stored(start, end)[:n]]
        return decode(self.kv.keys, strips, self.dtype)

    def gather(self, blocks: Tensor, block: int = BLOCK_TOKENS) -> tuple[Tensor, Tensor]:
        """Return keys and values [num_kv_heads, m * block, head_dim] of chosen blocks of tokens.

        blocks: [num_kv_heads, m] block numbers, each head its own. What was never written comes back
        as some finite number, in place of tokens past the capacity too: the caller masks it.
        """
        return self._to_compute(self.chosen(blocks, block))

    def _to_compute(self, strips: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        if strips[0].device != self.device:
            strips = [strip.to(self.device, non_blocking=True) for strip in strips]
        return decode_pair(self.kv, strips, self.dtype)


class Buffer(Layer):
    """A layer in memory. `home` is where it lies when that is not where attention computes."""

    def __init__(
        self,
        shape: LayerShape,
        capacity: int,
        dtype: torch.dtype,
        device: torch.device,
        kv: KVDtype | None = None,
        home: torch.device | None = None,
    ) -> None:
        super().__init__(shape, capacity, kv or plain(dtype), dtype, device)
        self._home = home or device
        rows = -(-max(capacity, 1) // BLOCK_TOKENS) * BLOCK_TOKENS  # whole blocks, so that they can be gathered as rows
        self._strips = [
            _zeros((shape.num_kv_heads, rows, width), dtype_of(name), self._home, pinned=self._home != device)
            for name, width in self.kv.strips(shape.key_dim, shape.value_dim)
        ]

    @property
    def nbytes(self) -> int:
        return sum(strip.nbytes for strip in self._strips)

    @property
    def away(self) -> bool:
        return self._home != self.device

    @property
    def keys(self) -> Tensor:
        """The stored numbers of keys, [num_kv_heads, capacity, key_dim]."""
        return self._strips[0][:, : self.capacity]

    @property
    def values(self) -> Tensor:
        """The stored numbers of values, [num_kv_heads, capacity, value_dim]."""
        return self._strips[2 if self.kv.keys.scaled else 1][:, : self.capacity]

    def restore(self, start: int, strips: Sequence[Tensor]) -> None:
        for own, new in zip(self._strips, strips, strict=True):
            own[:, start : start + new.shape[1]] = new

    def stored(self, start: int, end: int) -> list[Tensor]:
        return [strip[:, start:end] for strip in self._strips]

    def cuts(self, start: int, end: int) -> list[tuple[int, int]]:
        return short_cuts(start, end) if self.kv.narrow or self._home != self.device else [(start, end)]

    def chosen(self, blocks: Tensor, block: int) -> list[Tensor]:
        blocks = blocks.to(self._home)
        return [rows_of(strip, blocks, block) for strip in self._strips]


def plain(dtype: torch.dtype) -> KVDtype:
    """Return keys and values stored as they are computed with."""
    return from_stored(str(dtype).removeprefix("torch."))


def short_cuts(start: int, end: int) -> list[tuple[int, int]]:
    """Cut start .. end at multiples of LONGEST_TOKENS."""
    edges = [start, *range((start // LONGEST_TOKENS + 1) * LONGEST_TOKENS, end, LONGEST_TOKENS), end]
    return list(itertools.pairwise(edges))


def _zeros(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device, *, pinned: bool) -> Tensor:
    """Return zeros; in RAM without touching the memory, which the system hands out page by page when written.

    Zeros rather than whatever was there: a masked token weighs nothing, and nothing times NaN is NaN.
    """
    n_bytes = dtype.itemsize
    for size in shape:
        n_bytes *= size
    if device.type != "cpu" or n_bytes < _LAZY_BYTES:
        return torch.zeros(shape, dtype=dtype, device=device)
    if pinned and torch.cuda.is_available():
        return torch.zeros(shape, dtype=dtype, pin_memory=True)
    try:
        own = mmap.mmap(-1, n_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        return torch.frombuffer(own, dtype=dtype).view(shape)
    except (OSError, OverflowError, ValueError) as error:
        raise MemoryError(str(error)) from error
