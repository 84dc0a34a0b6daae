"""Which blocks of the prefix attention read while a token was chosen.

The query that chooses a token attends over the prefix block by block; each
block's log-sum-exp against the whole gives the share of attention it got, exactly
and at hardly any cost. Shares are summed over heads and layers. What the blocks
mean in a document is for `longdoc.citations`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


class Evidence:
    """Attention mass of one query over prefix blocks, summed over heads and layers."""

    def __init__(self, n_tokens: int, block_tokens: int) -> None:
        self.block_tokens = block_tokens
        self._n_blocks = -(-n_tokens // block_tokens)
        self._by_block = torch.zeros(self._n_blocks)
        self._by_token = torch.zeros(self._n_blocks, block_tokens)  # what was added token by token
        self._folded = True  # whether there is nothing there

    @property
    def mass(self) -> Tensor:
        """What each block got since `top` was last called, [n_blocks] float32."""
        if not self._folded:
            self._by_block += self._by_token.sum(1)
            self._by_token.zero_()
            self._folded = True
        return self._by_block

    def add(self, first_block: int, mass: Tensor) -> None:
        """Add mass [n_blocks] of consecutive blocks from `first_block` on."""
        self._by_block[first_block : first_block + len(mass)] += mass.to("cpu", torch.float32)

    def add_tokens(self, first: int, mass: Tensor) -> None:
        """Add mass [n] of consecutive tokens of the prefix from `first` on; `mass` lies in RAM."""
        self._folded = False
        self._by_token.view(-1)[first : first + len(mass)] += mass

    def add_blocks(self, blocks: Tensor, mass: Tensor, block: int) -> None:
        """Add mass [kv_heads, m, block] of the tokens of blocks [kv_heads, m] of `block` tokens; both lie in RAM."""
        if block == self.block_tokens:
            self.add_at(blocks, mass.sum(2))
            return
        piece = math.gcd(block, self.block_tokens)
        inside = torch.arange(0, block, piece)
        places = (blocks.unsqueeze(-1) * block + inside).flatten(1) // self.block_tokens
        self.add_at(places, mass.reshape(len(mass), -1, piece).sum(2))

    def add_columns(self, blocks: Sequence[int], mass: Tensor) -> None:
        """Add mass [n] of blocks, each named by its number; -1 is no block of the prefix."""
        to = torch.tensor(blocks)
        kept = to >= 0
        self._by_block.index_add_(0, to[kept], mass.to("cpu", torch.float32)[kept])

    def add_at(self, blocks: Tensor, mass: Tensor) -> None:
        """Add mass [kv_heads, n] of blocks [kv_heads, n], or [1, n] where all heads read the same."""
        to = blocks.expand(mass.shape).flatten().to("cpu", torch.int64)
        self._by_block.index_add_(0, to, mass.flatten().to("cpu", torch.float32))

    def top(self, n_blocks: int) -> tuple[tuple[int, float], ...]:
        """Return the (block, share) read most, best first, and start afresh.

        Shares of all blocks add up to 1. The first block is left out: it is where attention rests
        when it looks for nothing.
        """
        mass, self._by_block = self.mass, torch.zeros(self._n_blocks)
        mass[:1] = 0
        total = float(mass.sum())
        if total <= 0:
            return ()
        best = torch.topk(mass, min(n_blocks, len(mass)))
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return tuple((int(block), value / total) for block, value in pairs if value > 0)
