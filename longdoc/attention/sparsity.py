"""The numbers of sparse and streaming attention, and the lengths below which they change nothing.

Plain values without torch, so that plans can be made from them. What is done with
them stands in `sparse.py` and `streaming.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

DENSE, SPARSE, STREAMING = "dense", "sparse", "streaming"
ATTENTIONS = (DENSE, SPARSE, STREAMING)

NO_BIASES = "This model places keys by biases, which sparse and streaming attention do not take into account."

CHOICE_RULES = 3  # of blocks for an answer; counted up where answers over the same reading can change

BUDGET_TOKENS = 2048  # keys a tile of queries may meet before its own tile
SINK_TOKENS = 64  # streaming: first tokens that stay visible
TILE = 128  # queries that share a choice while reading; begins at multiples of itself


@dataclass(frozen=True)
class Sparsity:
    """How many keys are attended, in what pieces. Everything that changes a stored key but the code itself."""

    budget_blocks: int = BUDGET_TOKENS // 64  # sinks and window included
    block: int = 64  # tokens
    tile: int = TILE  # queries, a multiple of `block`
    sink_blocks: int = 1
    window_blocks: int = 8
    question_tile: int = 16  # queries of a question that share a choice
    dense_layers: int = 2  # first layers that stay dense while answering, unless blocks are ranked by real scores
    refresh: int = 4  # tokens of an answer for which a choice holds
    floor_share: float = 0.5  # of the budget: blocks chosen for the question that stay while answering

    @classmethod
    def of_budget(cls, tokens: int) -> Sparsity:
        """Return the numbers for a budget in tokens; sinks, window and two chosen blocks are the least."""
        least = cls.sink_blocks + cls.window_blocks + 2
        return cls(budget_blocks=max(tokens // cls.block, least))

    @property
    def budget(self) -> int:
        """Tokens."""
        return self.budget_blocks * self.block


def reads_whole(attention: str, budget: int, n_tokens: int) -> bool:
    """Return whether an attention of `budget` tokens would see every key of a prompt, as dense attention does."""
    return attention == DENSE or n_tokens <= budget


def resumes_at(attention: str, n_tokens: int, wanted: int) -> int:
    """Return how many of `n_tokens` tokens read before can stay when reading goes on to `wanted`.

    Queries of a tile share a choice, so a sparse reading goes on at the edge of a tile: what is read
    on top of a stored beginning then equals what one read of the whole gives.
    """
    return n_tokens if attention != SPARSE or n_tokens >= wanted else n_tokens // TILE * TILE
