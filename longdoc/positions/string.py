"""StRing: reuse well-trained small distances in place of rare large ones.

Paper: https://arxiv.org/abs/2410.18745. A key less than `shift_from` tokens back
keeps its distance; a farther one comes closer by `shift_from - local_window`:

    distance d  ->  d                              if d < shift_from
                    d - shift_from + local_window  otherwise

The partition is strict: the key at distance `shift_from` belongs to the far
branch alone. Keys stay where they are; the far branch moves the query back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from longdoc.positions.method import Branch, Frequencies, Method, Near, Positions

LOCAL_WINDOW = 128  # tokens; the paper's W, 256 to 512 if text degrades


@dataclass(frozen=True)
class Far(Branch):
    """Keys `shift_from` tokens back and more, met `shift` tokens closer."""

    shift_from: int
    shift: int

    def keys(self, positions: Positions) -> tuple[Positions, Positions]:
        return np.zeros_like(positions), np.maximum(positions - self.shift_from + 1, 0)

    def query_positions(self, positions: Positions) -> Positions:
        return positions - self.shift


@dataclass(frozen=True)
class String(Method):
    """`trained_range` is the largest distance in use, native length times the factor of the frequencies."""

    trained_range: int  # tokens
    shift_from: int
    local_window: int

    @classmethod
    def for_range(cls, trained_range: int) -> String:
        """Return StRing with the paper's numbers: a third of the range, a window of 128 (less for tiny models)."""
        shift_from = max(trained_range // 3, 1)
        return cls(trained_range, shift_from, min(LOCAL_WINDOW, max(shift_from // 4, 1)))

    @property
    def numbers(self) -> Mapping[str, float]:
        return {"shift_from": self.shift_from, "local_window": self.local_window}

    @property
    def reach(self) -> int:
        return self.trained_range + self.shift_from - self.local_window

    @property
    def frequencies(self) -> Frequencies | None:
        return None

    def branches(self, n_tokens: int) -> tuple[Branch, ...]:
        return (Near(self.shift_from), Far(self.shift_from, self.shift_from - self.local_window))
