"""NTK-aware scaling: a larger base, so that slow pairs are interpolated and fast pairs hardly at all.

The base becomes theta * factor ** (D / (D - 2)): the slowest pair slows down by
the factor, the fastest keeps its frequency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from longdoc.positions.method import Branch, Causal, Frequencies, Method, Rope


@dataclass(frozen=True)
class Ntk(Method):
    """One base for the whole read, whatever the length so far."""

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
        dim = self.rope.rotary_dim
        # Two rotated dimensions make a single pair, whose frequency is 1 for any base.
        theta = self.rope.theta * self.factor ** (dim / (dim - 2)) if dim > 2 else self.rope.theta
        return Frequencies(replace(self.rope, theta=theta).inv_freq)

    def branches(self, n_tokens: int) -> tuple[Branch, ...]:
        return (Causal(),)
