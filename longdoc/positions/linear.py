"""Linear interpolation (PI): every frequency divided by the factor.

Paper: https://arxiv.org/abs/2306.15595. All pairs slow down, so neighbouring
tokens come closer than the model has ever seen them; without tuning it costs
accuracy at once. Kept for comparison.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from longdoc.positions.method import Branch, Causal, Frequencies, Method, Rope


@dataclass(frozen=True)
class Linear(Method):
    """Positions n / factor."""

    rope: Rope
    factor: float

    @property
    def numbers(self) -> Mapping[str, float]:
        return {"factor": self.factor}

    @property
    def reach(self) -> int:
        return int(self.rope.native_context * self.factor)

    @property
    def frequencies(self) -> Frequencies:
        return Frequencies(tuple(omega / self.factor for omega in self.rope.inv_freq))

    def branches(self, n_tokens: int) -> tuple[Branch, ...]:
        return (Causal(),)
