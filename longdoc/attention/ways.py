"""The plan's choice of attention, carried out: which method's branches, which kind of step."""

from __future__ import annotations

from typing import Any

from longdoc.attention.chosen import Chosen
from longdoc.attention.dense import Step
from longdoc.attention.sparse import SparseStep
from longdoc.attention.sparsity import ATTENTIONS, SPARSE, STREAMING, Sparsity, resumes_at
from longdoc.attention.streaming import streaming
from longdoc.cache.segment import Buffer, Reading
from longdoc.errors import UserError
from longdoc.positions.method import Method
from longdoc.types import ReadingPlan


def check(plan: ReadingPlan) -> None:
    """Raise UserError for a plan whose attention is not one of ours."""
    if plan.attention not in ATTENTIONS:
        raise UserError(
            f"This model does not read with the attention {plan.attention!r}.",
            code="unknown_attention",
            next_step=f"Choose {', '.join(ATTENTIONS[:-1])} or {ATTENTIONS[-1]}.",
        )


def method_of(plan: ReadingPlan, method: Method) -> Method:
    """Return the method whose branches the plan's attention follows. Raises UserError where both have a rule."""
    return streaming(method, plan.attention_budget) if plan.attention == STREAMING else method


def numbers_of(plan: ReadingPlan) -> Sparsity | None:
    """Return the numbers of sparse attention; None for any other."""
    return Sparsity.of_budget(plan.attention_budget) if plan.attention == SPARSE else None


def identity(plan: ReadingPlan) -> str:
    """Return what of the attention changes keys and values, besides the method's branches and numbers."""
    numbers = numbers_of(plan)
    return plan.attention if numbers is None else f"{plan.attention} {numbers}"


def begin(plan: ReadingPlan, reading: Reading, wanted: int = 0) -> Chosen | None:
    """Begin to read on to `wanted` tokens, or to answer; return what sparse attention remembers of the reading."""
    numbers = numbers_of(plan)
    if numbers is None:
        return None
    if reading.n_tokens < wanted:
        reading.truncate(resumes_at(plan.attention, reading.n_tokens, wanted))
    chosen = Chosen.of(reading, numbers)
    chosen.begin(reading.n_tokens)
    return chosen


def prepare(plan: ReadingPlan, reading: Reading) -> Reading:
    """Keep the layers that stay dense while answering on the device, where the others lie in host memory."""
    numbers = numbers_of(plan)
    for index in range(min(numbers.dense_layers, len(reading.layers)) if numbers else 0):
        layer = reading.layers[index]
        if isinstance(layer, Buffer) and layer.away:
            reading.layers[index] = Buffer(layer.shape, layer.capacity, layer.dtype, layer.device, layer.kv)
    return reading


def step(chosen: Chosen | None, *args: Any, **fields: Any) -> Step:
    """Return a step of the plan's attention; arguments as of `Step`."""
    return Step(*args, **fields) if chosen is None else SparseStep(*args, **fields, chosen=chosen)  # type: ignore[misc]  # fields are checked by the dataclass
