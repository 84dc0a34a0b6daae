"""Which attention a prompt is read with, and why.

Dense attention sees everything and is the rule. Sparse attention is chosen where
dense would take long on this machine, and much sooner with a model of which it was
measured that sparse attention costs it no answers; streaming only by hand, for it does not see
the middle. A prompt that the budget covers is read densely whatever was chosen,
since both would be the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from longdoc.attention.sparsity import (
    ATTENTIONS,
    BUDGET_TOKENS,
    DENSE,
    NO_BIASES,
    SPARSE,
    STREAMING,
    TILE,
    reads_whole,
)
from longdoc.attention.streaming import streaming
from longdoc.errors import UserError
from longdoc.planning.measurements import Cost, Measurements
from longdoc.planning.results import Held
from longdoc.planning.words import duration
from longdoc.positions import make
from longdoc.types import ModelInfo

PATIENCE_S = 120.0  # dense attention is the rule up to this long
HELD_PATIENCE_S = 10.0  # and up to this long with a model that answers as well from sparse attention
SPARSE_FROM_TOKENS = 16_384  # prompts up to here are always read densely
_UNMEASURED_TOKENS = 65_536  # so are these, where nothing was measured


@dataclass(frozen=True)
class AttentionChoice:
    """`budget`: keys a query meets, 0 for all. `predicted_s`: None where nothing was measured."""

    name: str
    budget: int
    predicted_s: float | None
    reasons: tuple[str, ...]


def choose_attention(
    info: ModelInfo,
    n_tokens: int,
    needed: int,
    wanted: str | None,
    method: tuple[str, float],
    measured: Measurements | None,
    sparsely: Callable[[], Measurements | None] = lambda: None,
    held: Callable[[], Held | None] = lambda: None,
) -> AttentionChoice:
    """Return the attention for a prompt of `n_tokens` (`needed` with its answer), and what reading will take.

    `wanted`: chosen by hand; `method`: position method and factor; `sparsely`: what sparse reading
    was measured at; `held`: whether this model answered as well from it. The limit up to which
    dense attention is chosen goes in powers of two, so that a new measurement rarely changes how a
    document is read. Raises UserError where streaming attention and the position method exclude each
    other, and for models that place keys by biases.
    """
    cost = measured.cost if measured else None
    dense_s = cost.seconds(0, n_tokens) if cost else None
    if wanted is None:
        if info.kind != "transformer" or not info.rope_parameters or n_tokens <= SPARSE_FROM_TOKENS:
            return AttentionChoice(DENSE, 0, dense_s, ())
        as_good = held()
        if n_tokens <= dense_limit(cost, as_good is not None):
            return AttentionChoice(DENSE, 0, dense_s, ())
        wanted, why = SPARSE, _why_sparse(n_tokens, dense_s, as_good)
    elif wanted == DENSE:
        return AttentionChoice(DENSE, 0, dense_s, ("Dense attention was chosen by hand.",))
    elif reads_whole(wanted, BUDGET_TOKENS, needed):
        why = f"The prompt is within the {BUDGET_TOKENS:,} tokens that {wanted} attention sees: all is read densely."
        return AttentionChoice(DENSE, 0, dense_s, (why,))
    else:
        why = f"{wanted.capitalize()} attention was chosen by hand."
    if not info.rope_parameters:
        raise UserError(NO_BIASES, code="attention_refused", next_step="Choose dense attention.")
    if wanted == STREAMING:
        streaming(make(method[0], info, method[1]), BUDGET_TOKENS)
        seen = f"Each token sees the beginning and the {BUDGET_TOKENS:,} tokens before it; the middle is not looked up."
        return AttentionChoice(STREAMING, BUDGET_TOKENS, limited_s(cost, n_tokens), (why, seen))
    known = sparsely()
    found = known.cost if known else None
    sparse_s = found.seconds(0, n_tokens) if found else limited_s(cost, n_tokens)
    reasons = [why, f"Each token looks at {BUDGET_TOKENS:,} others at most; details, counts and lists can be missed."]
    if known is not None and known.attention_recall is not None:
        reasons.append(
            f"It held {known.attention_recall:.0%} of what dense attention looks at when last measured here."
        )
    return AttentionChoice(SPARSE, BUDGET_TOKENS, sparse_s, tuple(reasons))


def dense_limit(cost: Cost | None, held: bool = False) -> int:
    """Return the longest prompt that is read densely without being asked for; a power of two.

    `held`: the model answered as well from sparse attention.
    """
    if cost is None:
        return SPARSE_FROM_TOKENS if held else _UNMEASURED_TOKENS
    limit, patience_s = SPARSE_FROM_TOKENS, HELD_PATIENCE_S if held else PATIENCE_S
    while cost.seconds(0, 2 * limit) <= patience_s and limit < 1 << 30:
        limit *= 2
    return limit


def limited_s(cost: Cost | None, n_tokens: int) -> float | None:
    """Return what reading takes when no token meets more keys than the budget, from what dense reading takes."""
    if cost is None:
        return None
    met = min(n_tokens, BUDGET_TOKENS + TILE)
    return cost.seconds(0, met) + (n_tokens - met) * (cost.a + 2 * cost.b * met)


def _why_sparse(n_tokens: int, dense_s: float | None, held: Held | None) -> str:
    if dense_s is None:
        slow = f"Dense attention over {n_tokens:,} tokens is slow on most machines; sparse attention is used."
    else:
        slow = f"Dense attention would take about {duration(dense_s)}; sparse attention is used."
    if held is None:
        return slow
    return (
        f"{slow} With this model it scored {held.sparse:.0%} and dense attention {held.dense:.0%}, "
        f"measured on {held.n} questions to {held.length:,} tokens."
    )


__all__ = [
    "ATTENTIONS",
    "SPARSE",
    "SPARSE_FROM_TOKENS",
    "AttentionChoice",
    "choose_attention",
    "dense_limit",
    "limited_s",
]
