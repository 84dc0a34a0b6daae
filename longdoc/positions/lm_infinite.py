"""LM-Infinite: the first tokens and a window of recent ones, at no distance beyond the window.

Paper: https://arxiv.org/abs/2308.16137. Both together are as many keys as the model
was trained on. What lies between is not seen: time grows with the length and not
with its square, and answers that stand in the middle are lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from longdoc.positions.method import UNLIMITED, Branch, Frequencies, Method, Near, Positions

_FIRST = 64  # tokens; the paper's range is 10 to 100


@dataclass(frozen=True)
class First(Branch):
    """The first keys once they have left the window, all at the distance of its far end."""

    first: int
    window: int

    def keys(self, positions: Positions) -> tuple[Positions, Positions]:
        return np.zeros_like(positions), np.clip(positions - self.window + 1, 0, self.first)

    def query_positions(self, positions: Positions) -> Positions:
        return np.full_like(positions, self.window)

    def key_positions(self, positions: Positions) -> Positions | None:
        return np.zeros_like(positions)


@dataclass(frozen=True)
class LmInfinite(Method):
    """Key n is met by query m at min(m - n, window)."""

    first: int  # tokens
    window: int

    @classmethod
    def for_range(cls, trained_range: int) -> LmInfinite:
        first = max(min(_FIRST, trained_range // 8), 1)
        return cls(first, max(trained_range - first, 1))

    @property
    def numbers(self) -> Mapping[str, float]:
        return {"first": self.first, "window": self.window}

    @property
    def reach(self) -> int:
        return UNLIMITED

    @property
    def frequencies(self) -> Frequencies | None:
        return None

    def branches(self, n_tokens: int) -> tuple[Branch, ...]:
        return (Near(self.window), First(self.first, self.window))
