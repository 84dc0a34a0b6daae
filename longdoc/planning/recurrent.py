"""The plan for models with recurrent layers: what there is to choose, and what there is not.

A pure state-space model has neither positions nor attention, and its memory does
not grow with the text; how far it still remembers is a matter of measuring. A hybrid
is planned by its attention layers, without positions where it has none.
"""

from __future__ import annotations

from longdoc.errors import UserError
from longdoc.planning import memory
from longdoc.planning.measurements import Measurements
from longdoc.positions import canonical
from longdoc.settings import Settings
from longdoc.types import ModelInfo, ReadingPlan, Zone

RECURRENT = "recurrent"  # the attention of a model that has none


def check_choices(info: ModelInfo, position: str | None, attention: str | None, tier: str | None) -> None:
    """Raise UserError for a method, an attention or a tier that a model with recurrent layers cannot take."""
    method = "none" if position is None else canonical(position)
    if not info.rope_parameters and method != "none":
        raise UserError(
            f"{info.name} has no positions in its layers, so {method} has nothing to change.",
            code="method_refused",
            next_step="Leave the position method out; the model reads any length as it is.",
        )
    offered = "dense" if info.num_kv_heads else RECURRENT
    if attention is not None and attention != offered:
        raise UserError(
            f"{info.name} reads with {offered} layers only, not with {attention} attention.",
            code="attention_refused",
            next_step="Leave the attention out.",
        )
    if not info.num_kv_heads and tier not in (None, "ram", "device"):
        raise UserError(
            f"{info.name} keeps a state of {memory.size(info.state_bytes)}, which needs no tier called {tier}.",
            code="tier_refused",
            next_step="Leave the tier out.",
        )


def plan_recurrent(
    info: ModelInfo,
    n_tokens: int,
    settings: Settings,
    window: int | None,
    measured: Measurements | None,
    available_bytes: int | None,
) -> ReadingPlan:
    """Return the plan of a model without attention for a prompt of `n_tokens`."""
    limit, step = window or info.window, settings.prefill_step
    reasons = [
        "The model keeps a state of fixed size instead of keys and values; positions and attention have no part in it."
    ]
    zone = _zone(info, n_tokens, n_tokens + settings.answer_reserve_tokens, limit, reasons)
    total_bytes = info.weight_bytes + 3 * info.state_bytes + memory.step_bytes(info, step)
    cost = measured.cost if measured else None
    predicted_s = cost.seconds(0, n_tokens) if cost else None
    plan = ReadingPlan(
        info.name, n_tokens, info.native_context, limit, "none", 1.0, RECURRENT, "ram", "float32", step,
        total_bytes, predicted_s, zone, (),
    )  # fmt: skip
    reasons.append(
        f"The state takes {memory.size(info.state_bytes)} whatever the length, "
        f"in all {memory.size(total_bytes)} of memory."
    )
    available = memory.available_bytes() if available_bytes is None else available_bytes
    refused = memory.refusal(plan, total_bytes, available)
    if refused:
        reasons.append(f"{refused} {memory.REFUSAL_NEXT_STEP}")
    return ReadingPlan(**{**plan.__dict__, "reasons": tuple(reasons)})


def _zone(info: ModelInfo, n_tokens: int, needed: int, limit: int, reasons: list[str]) -> Zone:
    if needed > limit:
        reasons.append(f"It is {needed - limit:,} tokens over the window of {limit:,}.")
        return "over"
    if needed <= info.native_context:
        reasons.append(f"It fits the {info.native_context:,} tokens that such models are trained on.")
        return "native"
    if n_tokens <= info.tested_context:
        reasons.append(f"The model was tested up to {info.tested_context:,} tokens.")
        return "extended_tested"
    tested = f"tested up to {info.tested_context:,} tokens only" if info.tested_context else "not tested at any length"
    reasons.append(f"Nothing limits how much it reads, but it was {tested}; what it read first may have faded.")
    return "extended_untested"
