"""ReRoPE: true distances nearby, one and the same distance for every key farther away.

Source: https://kexue.fm/archives/9708. Key n is met by query m at min(m - n, w).
Far keys have no order among themselves, only nearness or not. They are kept without
rotation, so that one query serves all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from longdoc.positions.method import UNLIMITED, Branch, Frequencies, Method, Near, Positions


@dataclass(frozen=True)
class Level(Branch):
    """Keys `window` tokens back and more, all at the distance `window`."""

    window: int

    def keys(self, positions: Positions) -> tuple[Positions, Positions]:
        return np.zeros_like(positions), np.maximum(positions - self.window + 1, 0)

    def query_positions(self, positions: Positions) -> Positions:
        return np.full_like(positions, self.window)


@dataclass(frozen=True)
class ReRope(Method):
    """`window` is half of the trained range, where distances are still well trained."""

    window: int  # tokens

    @classmethod
    def for_range(cls, trained_range: int) -> ReRope:
        return cls(max(trained_range // 2, 1))

    @property
    def numbers(self) -> Mapping[str, float]:
        return {"window": self.window}

    @property
    def reach(self) -> int:
        return UNLIMITED

    @property
    def frequencies(self) -> Frequencies | None:
        return None

    def branches(self, n_tokens: int) -> tuple[Branch, ...]:
        return (Near(self.window, moved=True), Level(self.window))

    def stored_positions(self, positions: Positions) -> Positions | None:
        return np.zeros_like(positions)
