"""YaRN: extend RoPE by blending original and interpolated frequencies.

Paper: https://arxiv.org/abs/2309.00071. Pairs that turn often within the native
length keep their frequency, pairs that never complete a turn are interpolated,
and a ramp joins them. Knows frequencies only; cache and attention are unaware of
it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from longdoc.positions.method import Branch, Causal, Frequencies, Method, Rope


@dataclass(frozen=True)
class Yarn(Method):
    """`factor` is extended length / native length; 1 changes nothing."""

    rope: Rope
    factor: float
    beta_fast: float = 32.0  # rotations within the native length; above this, keep the frequency
    beta_slow: float = 1.0  # rotations; below this, interpolate it

    @property
    def numbers(self) -> Mapping[str, float]:
        return {"factor": self.factor, "beta_fast": self.beta_fast, "beta_slow": self.beta_slow}

    @property
    def reach(self) -> int:
        return int(self.rope.native_context * self.factor)

    @property
    def frequencies(self) -> Frequencies:
        low = max(math.floor(self._pair_of(self.beta_fast)), 0)
        high = min(math.ceil(self._pair_of(self.beta_slow)), self.rope.rotary_dim - 1)
        # Equal ends would divide by zero; the reference implementation widens the ramp by this much.
        width = high - low if high != low else 0.001
        blended = []
        for pair, omega in enumerate(self.rope.inv_freq):
            ramp = min(max((pair - low) / width, 0.0), 1.0)
            blended.append((1 - ramp) * omega + ramp * omega / self.factor)
        attention_factor = 0.1 * math.log(self.factor) + 1.0 if self.factor > 1 else 1.0
        return Frequencies(tuple(blended), attention_factor)

    def branches(self, n_tokens: int) -> tuple[Branch, ...]:
        return (Causal(),)

    def _pair_of(self, rotations: float) -> float:
        """Return the (fractional) pair that turns `rotations` times within the native length."""
        turns = self.rope.native_context / (rotations * 2 * math.pi)
        return self.rope.rotary_dim * math.log(turns) / (2 * math.log(self.rope.theta))
