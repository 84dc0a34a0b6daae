"""SelfExtend: true distances nearby, distances in groups of tokens farther away.

Paper: https://arxiv.org/abs/2401.01325. With groups of G tokens and w neighbours,

    query m meets key n at  m - n                                       if m - n < w
                            floor(m/G) + w - floor(w/G) - floor(n/G)    otherwise

The floors move every key by an amount of its own, so keys are kept at floor(n/G),
where all but the w nearest are met.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from longdoc.positions.method import Branch, Frequencies, Method, Near, Positions

_USED = 2 / 3  # of the trained range: the paper's advice, because the largest distances are trained least


@dataclass(frozen=True)
class Grouped(Branch):
    """Keys `neighbours` tokens back and more, where the method keeps them."""

    neighbours: int
    group: int

    def keys(self, positions: Positions) -> tuple[Positions, Positions]:
        return np.zeros_like(positions), np.maximum(positions - self.neighbours + 1, 0)

    def query_positions(self, positions: Positions) -> Positions:
        return positions // self.group + self.neighbours - self.neighbours // self.group


@dataclass(frozen=True)
class SelfExtend(Method):
    """`trained_range` is the largest distance in use; the factor of a plan is the size of a group."""

    trained_range: int  # tokens
    neighbours: int
    group: int

    @classmethod
    def for_range(cls, trained_range: int, group: float) -> SelfExtend:
        """Return SelfExtend with a quarter of the range as neighbours."""
        return cls(trained_range, max(trained_range // 4, 1), int(group))

    @property
    def numbers(self) -> Mapping[str, float]:
        return {"neighbours": self.neighbours, "group": self.group}

    @property
    def reach(self) -> int:
        if self.group == 1:
            return self.trained_range
        return max(int((_USED * self.trained_range - self.neighbours) * self.group), 0) + self.neighbours

    @property
    def frequencies(self) -> Frequencies | None:
        return None

    def branches(self, n_tokens: int) -> tuple[Branch, ...]:
        return (Near(self.neighbours, moved=True), Grouped(self.neighbours, self.group))

    def stored_positions(self, positions: Positions) -> Positions | None:
        return positions // self.group
