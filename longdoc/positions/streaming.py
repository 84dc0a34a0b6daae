"""Streaming: a few first tokens as a resting place of attention, and a window of recent ones.

Paper: https://arxiv.org/abs/2309.17453 (StreamingLLM). Positions are counted within
what is kept, as if nothing had stood between: the query stands right after the
first tokens and the window. Fluent at any length, but only what the window holds
can be answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from longdoc.positions.method import UNLIMITED, Branch, Frequencies, Method, Near, Positions

_SINKS = 4  # tokens, as in the paper


@dataclass(frozen=True)
class Sinks(Branch):
    """The first keys once they have left the window, from the end of what is kept."""

    sinks: int
    window: int

    def keys(self, positions: Positions) -> tuple[Positions, Positions]:
        return np.zeros_like(positions), np.clip(positions - self.window + 1, 0, self.sinks)

    def query_positions(self, positions: Positions) -> Positions:
        return np.minimum(positions, self.sinks + self.window - 1)


@dataclass(frozen=True)
class Streaming(Method):
    """Sinks and window together are as many keys as the model was trained on."""

    sinks: int  # tokens
    window: int

    @classmethod
    def for_range(cls, trained_range: int) -> Streaming:
        sinks = max(min(_SINKS, trained_range // 8), 1)
        return cls(sinks, max(trained_range - sinks, 1))

    @property
    def numbers(self) -> Mapping[str, float]:
        return {"sinks": self.sinks, "window": self.window}

    @property
    def reach(self) -> int:
        return UNLIMITED

    @property
    def frequencies(self) -> Frequencies | None:
        return None

    def branches(self, n_tokens: int) -> tuple[Branch, ...]:
        return (Near(self.window), Sinks(self.sinks, self.window))
