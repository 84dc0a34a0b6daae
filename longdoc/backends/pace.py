"""How many tokens a prefill step takes, so that a step stays near one second.

The estimate depends on the model and the position only, not on the clock, so that
reading twice takes the same steps and gives the same numbers; the clock steps in
only where a machine is much slower than the estimate.
"""

from __future__ import annotations

from longdoc.attention.sparsity import Sparsity
from longdoc.types import ModelInfo

_TARGET_S = 1.0
_SMALLEST = 32  # tokens
# A modest two-core machine: products of weights, and scores of 64-dimensional heads.
_PRODUCTS_PER_S = 3e11
_SCORES_PER_S = 2e9
_ACCELERATED = 500.0  # times that, on a device other than the processor; the clock corrects slower ones


class Pace:
    """Sizes the steps of one read."""

    def __init__(
        self, info: ModelInfo, longest: int, sparse: Sparsity | None = None, *, accelerated: bool = False
    ) -> None:
        """`sparse`: a query meets a budget of keys, and steps are whole tiles."""
        faster = _ACCELERATED if accelerated else 1.0
        self._weights_s = 2 * info.n_parameters / _PRODUCTS_PER_S / faster
        self._scores_s = info.num_layers * info.num_heads * max(info.head_dim / 64, 0.25) / _SCORES_PER_S / faster
        self._sparse, self._smallest = sparse, sparse.tile if sparse else _SMALLEST
        self._longest = self._ceiling = max(longest, self._smallest if sparse else 1)

    def size(self, position: int) -> int:
        """Return the tokens of a step that begins at `position`."""
        step, seen = self._longest, float(position)
        if self._sparse is not None and position > self._sparse.budget:
            seen = self._sparse.budget + position / self._sparse.block  # keys, and one bound for each block
        while step > self._smallest and step * (self._weights_s + self._scores_s * (seen + step / 2)) > _TARGET_S:
            step = max(step // 2, self._smallest)
        return step if self._sparse is None else step - (position + step) % self._sparse.tile

    def took(self, n_tokens: int, seconds: float) -> None:
        """Note a measured step: one of twice the target halves the longest step, a quick one doubles it again.

        So a computer that was busy for a while does not read the rest of a long text in small steps.
        """
        if seconds > 2 * _TARGET_S:
            self._halve(n_tokens)
        elif seconds < _TARGET_S / 4 and n_tokens > self._longest // 2:
            self._longest = min(self._longest * 2, self._ceiling)

    def shrink(self, n_tokens: int) -> bool:
        """Halve the longest step for good: one of `n_tokens` was too much. False if it is as small as can be."""
        if not self._halve(n_tokens):
            return False
        self._ceiling = self._longest
        return True

    def _halve(self, n_tokens: int) -> bool:
        if n_tokens <= self._smallest:
            return False
        self._longest = max(min(self._longest, n_tokens) // 2, self._smallest)
        return True
