"""Which blocks of the prefix attention read while a token was chosen.

The query that chooses a token attends over the prefix block by block; each
block's log-sum-exp against the whole gives the share of attention it got, exactly
and at hardly any cost. Shares are summed over heads and layers. What the blocks
mean in a document is for `longdoc.citations`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Evidence:
    """Attention mass of one query over prefix blocks, summed over heads and layers."""

    def __init__(self, n_tokens: int, block_tokens: int) -> None:
        self.block_tokens = block_tokens
        self.mass = torch.zeros(-(-n_tokens // block_tokens))

    def add(self, first_block: int, mass: Tensor) -> None:
        """Add mass [n_blocks] of consecutive blocks from `first_block` on."""
        self.mass[first_block : first_block + len(mass)] += mass.to("cpu", torch.float32)

    def add_columns(self, blocks: Sequence[int], mass: Tensor) -> None:
        """Add mass [n] of blocks, each named by its number; -1 is no block of the prefix."""
        to = torch.tensor(blocks)
        kept = to >= 0
        self.mass.index_add_(0, to[kept], mass.to("cpu", torch.float32)[kept])

    def add_at(self, blocks: Tensor, mass: Tensor) -> None:
        """Add mass [kv_heads, n] of blocks [kv_heads, n], or [1, n] where all heads read the same."""
        to = blocks.expand(mass.shape).flatten().to("cpu", torch.int64)
        self.mass.index_add_(0, to, mass.flatten().to("cpu", torch.float32))

    def top(self, n_blocks: int) -> tuple[tuple[int, float], ...]:
        """Return the (block, share) read most, best first, and start afresh.

        Shares of all blocks add up to 1. The first block is left out: it is where attention rests
        when it looks for nothing.
        """
        mass, self.mass = self.mass, torch.zeros_like(self.mass)
        mass[:1] = 0
        total = float(mass.sum())
        if total <= 0:
            return ()
        best = torch.topk(mass, min(n_blocks, len(mass)))
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return tuple((int(block), value / total) for block, value in pairs if value > 0)
