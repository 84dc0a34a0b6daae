"""How keys and values of a range of tokens lie in one run of bytes, in files as in memory.

For every layer in order: its strips, keys first, each [num_kv_heads, rows, width]
and contiguous. A strip is the stored numbers or the scales beside them. The same
bytes are an extent on the disk, a slab being read into, and what a checksum covers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from longdoc.cache.kv_dtypes import KVDtype
from longdoc.cache.quantise import dtype_of

FILE_BYTES = 32 << 20  # upper bound of one file, and so of what a partial hit reads for nothing
_ALIGN_TOKENS = 64


@dataclass(frozen=True)
class LayerShape:
    """What one attention layer stores for a token."""

    num_kv_heads: int
    key_dim: int
    value_dim: int


@dataclass(frozen=True)
class Strip:
    """One strip of a layer at a byte offset, for files of `rows` tokens."""

    offset: int
    heads: int
    rows: int
    width: int
    dtype: torch.dtype

    @property
    def row_bytes(self) -> int:
        return self.width * self.dtype.itemsize

    @property
    def n_bytes(self) -> int:
        return self.heads * self.rows * self.row_bytes

    def place(self, head: int, row: int) -> int:
        """Return the byte at which a row of a head begins."""
        return self.offset + (head * self.rows + row) * self.row_bytes


@dataclass(frozen=True)
class Layout:
    """The strips of every layer of a model in one form."""

    shapes: tuple[LayerShape, ...]
    kv: KVDtype

    @property
    def token_bytes(self) -> int:
        return sum(self.kv.token_bytes(s.num_kv_heads, s.key_dim, s.value_dim) for s in self.shapes)

    def file_tokens(self) -> int:
        """Return the tokens of one file: at most FILE_BYTES, whole blocks of 64 tokens, at least one."""
        return max(FILE_BYTES // max(self.token_bytes, 1) // _ALIGN_TOKENS, 1) * _ALIGN_TOKENS

    def strips(self, rows: int) -> list[list[Strip]]:
        """Return the strips of `rows` tokens, layer by layer."""
        return list(self._strips(rows))

    def _strips(self, rows: int) -> Iterator[list[Strip]]:
        at = 0
        for shape in self.shapes:
            layer = []
            for dtype, width in self.kv.strips(shape.key_dim, shape.value_dim):
                strip = Strip(at, shape.num_kv_heads, rows, width, dtype_of(dtype))
                layer.append(strip)
                at += strip.n_bytes
            yield layer

    def views(self, raw: Tensor, rows: int) -> list[list[Tensor]]:
        """Return the strips in `raw`, the bytes of `rows` tokens, as tensors; copies where bytes lie at odd places."""
        return [[_view(raw, strip) for strip in layer] for layer in self.strips(rows)]


def rows_of(strip: Tensor, blocks: Tensor, block: int) -> Tensor:
    """Return rows [num_kv_heads, m * block, width] of chosen blocks [num_kv_heads, m] of one strip.

    strip: [num_kv_heads, rows, width]. Rows past the end come back as the last one.
    """
    heads, rows, width = strip.shape
    index = torch.arange(heads, device=strip.device).unsqueeze(1)
    if rows % block == 0 and strip.is_contiguous():
        # Whole blocks are copied as rows of one matrix.
        flat = (blocks.clamp(max=rows // block - 1) + index * (rows // block)).flatten()
        return strip.view(heads * (rows // block), block * width).index_select(0, flat).view(heads, -1, width)
    tokens = (blocks.unsqueeze(-1) * block + torch.arange(block, device=blocks.device)).flatten(1)
    return strip[index, tokens.clamp_(max=rows - 1)]


def flat_bytes(strips: Sequence[Tensor]) -> list[Tensor]:
    """Return tensors as their bytes in order, uint8 [n]."""
    return [strip.contiguous().cpu().view(torch.uint8).reshape(-1) for strip in strips]


def _view(raw: Tensor, strip: Strip) -> Tensor:
    if not strip.n_bytes:  # a layer without attention
        return torch.empty(strip.heads, strip.rows, strip.width, dtype=strip.dtype)
    part = raw[strip.offset : strip.offset + strip.n_bytes]
    if (raw.storage_offset() + strip.offset) % strip.dtype.itemsize:
        part = part.clone()
    return part.view(strip.dtype).view(strip.heads, strip.rows, strip.width)
