"""Dynamic NTK: the base grows with the length of the text, here frozen for the planned length.

As transformers' "dynamic" type has it, the base for a text of T tokens is
theta * (s T / L - (s - 1)) ** (D / (D - 2)). A base that grows while reading leaves
the keys in a cache behind, so T is the rung of factors that the plan reaches, from
the first token on. At T = L nothing changes, whatever s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from longdoc.positions.method import Branch, Causal, Frequencies, Method, Rope


@dataclass(frozen=True)
class DynamicNtk(Method):
    """`factor` is planned length / native length; `rope.dynamic_factor` is the formula's s."""

    rope: Rope
    factor: float

    @property
    def numbers(self) -> Mapping[str, float]:
        return {"factor": self.factor, "growth": self.rope.dynamic_factor}

    @property
    def reach(self) -> int:
        return int(self.rope.native_context * self.factor)

    @property
    def frequencies(self) -> Frequencies:
        dim, growth = self.rope.rotary_dim, self.rope.dynamic_factor
        scale = growth * self.factor - (growth - 1)
        # Two rotated dimensions make a single pair, whose frequency is 1 for any base.
        theta = self.rope.theta * scale ** (dim / (dim - 2)) if dim > 2 else self.rope.theta
        return Frequencies(replace(self.rope, theta=theta).inv_freq)

    def branches(self, n_tokens: int) -> tuple[Branch, ...]:
        return (Causal(),)
