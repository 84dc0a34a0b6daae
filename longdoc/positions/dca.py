"""Dual chunk attention: positions counted within chunks, and from one chunk to another.

Paper: https://arxiv.org/abs/2402.17463 (ChunkLlama); Qwen2.5-1M declares it in its
config.json. With chunks of c tokens and a largest index c_max, the key at n is met
at n mod c, and the query at m stands at

    m mod c                  for keys of its own chunk (true distances)
    min(m mod c + c, c_max)  for keys of the chunk before
    min(2c - 1, c_max)       for keys of older chunks

Keys are kept at n mod c, so each of the three is one turn of the query. No distance
exceeds c_max, however long the text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from longdoc.positions.method import UNLIMITED, Branch, ChunkSizes, Frequencies, Method, Positions, Rope


@dataclass(frozen=True)
class Same(Branch):
    """Keys of the query's own chunk, at true distances."""

    chunk: int

    def keys(self, positions: Positions) -> tuple[Positions, Positions]:
        return positions // self.chunk * self.chunk, positions + 1

    def query_positions(self, positions: Positions) -> Positions:
        return positions % self.chunk


@dataclass(frozen=True)
class Before(Branch):
    """Keys of the chunk before."""

    chunk: int
    largest: int

    def keys(self, positions: Positions) -> tuple[Positions, Positions]:
        start = positions // self.chunk * self.chunk
        return np.maximum(start - self.chunk, 0), start

    def query_positions(self, positions: Positions) -> Positions:
        return np.minimum(positions % self.chunk + self.chunk, self.largest)


@dataclass(frozen=True)
class Older(Branch):
    """Keys of all chunks before that one, from a single position."""

    chunk: int
    largest: int

    def keys(self, positions: Positions) -> tuple[Positions, Positions]:
        return np.zeros_like(positions), np.maximum(positions // self.chunk * self.chunk - self.chunk, 0)

    def query_positions(self, positions: Positions) -> Positions:
        return np.full_like(positions, min(2 * self.chunk - 1, self.largest))


@dataclass(frozen=True)
class DualChunk(Method):
    """`sizes.chunk_size` is c_max and `sizes.local_size` c_max - c, as checkpoints declare them."""

    sizes: ChunkSizes

    @classmethod
    def for_rope(cls, rope: Rope) -> DualChunk:
        """Return it with the checkpoint's sizes, or with the paper's for the range that its frequencies serve."""
        if rope.dual_chunk is not None:
            return cls(rope.dual_chunk)
        largest = max(rope.declared_range * 3 // 4, 1)
        return cls(ChunkSizes(largest, min(rope.declared_range // 8, largest - 1)))

    @property
    def numbers(self) -> Mapping[str, float]:
        return {"chunk_size": self.sizes.chunk_size, "local_size": self.sizes.local_size}

    @property
    def reach(self) -> int:
        return UNLIMITED

    @property
    def frequencies(self) -> Frequencies | None:
        return None

    def branches(self, n_tokens: int) -> tuple[Branch, ...]:
        chunk, largest = self._chunk, self.sizes.chunk_size
        return (Same(chunk), Before(chunk, largest), Older(chunk, largest))

    def stored_positions(self, positions: Positions) -> Positions | None:
        return positions % self._chunk

    def next_edge(self, position: int) -> int | None:
        return (position // self._chunk + 1) * self._chunk

    def temperature(self, n_tokens: int) -> float:
        """Return 0.1 ln s + 1 for s times the length the checkpoint names; s is a power of two.

        The checkpoint's own engine follows the length of each prompt; rounded up, a longer question
        on the same document keeps the reading.
        """
        trained = self.sizes.tempered_from
        if not trained or n_tokens <= trained:
            return 1.0
        return 0.1 * math.log(2 ** math.ceil(math.log2(n_tokens / trained))) + 1.0

    @property
    def _chunk(self) -> int:
        return self.sizes.chunk_size - self.sizes.local_size
