"""Prompt + model + machine -> ReadingPlan: how it will be read, what it costs, and why.

Decides and explains; nothing is run, loaded or refused here. A person may
override position method, attention, tier, form of keys and values, and window.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from longdoc.cache.kv_dtypes import parse
from longdoc.errors import UserError
from longdoc.files import free_bytes
from longdoc.planning import memory
from longdoc.planning.attention import ATTENTIONS, SPARSE, SPARSE_FROM_TOKENS, choose_attention
from longdoc.planning.measurements import Measurements
from longdoc.planning.recurrent import check_choices, plan_recurrent
from longdoc.planning.results import best_method, sparse_held
from longdoc.planning.tiers import TIERS, choose_tier
from longdoc.planning.words import duration
from longdoc.positions import DUAL_CHUNK, METHODS, canonical, check_window, factor_for, make
from longdoc.settings import Settings
from longdoc.types import ModelInfo, ReadingPlan, Zone

KV_DTYPE = "bf16"  # half of float32 in memory, on disk and in loading time


def make_plan(
    info: ModelInfo,
    n_tokens: int,
    *,
    settings: Settings,
    position: str | None = None,
    attention: str | None = None,
    tier: str | None = None,
    kv_dtype: str | None = None,
    window: int | None = None,
    measured: Measurements | None = None,
    available_bytes: int | None = None,
) -> ReadingPlan:
    """Return the plan for a prompt of `n_tokens`, room for the answer planned for.

    A prompt over the window is no error here: the zone is "over" and the reasons say so. Raises
    UserError for an unknown method, attention, tier or form, or one that the model cannot take.
    """
    if info.kind == "state_space":
        check_choices(info, position, attention, tier)
        if not info.num_kv_heads:
            return plan_recurrent(info, n_tokens, settings, window, measured, available_bytes)
    attention = None if attention is None else _known("attention", attention, ATTENTIONS)
    tier = None if tier is None else _known("tier", tier, TIERS)
    stored = parse(kv_dtype or KV_DTYPE).name
    if info.kind == "remote":
        return _remote_plan(info, n_tokens, settings, window)
    needed = n_tokens + settings.answer_reserve_tokens
    reasons: list[str] = []
    method, factor = _position(info, needed, position, reasons, settings.home)
    if window is not None and position is not None:
        check_window(method, info, window)
    limit = window or info.window
    zone = _zone(info, n_tokens, needed, limit, reasons)
    chosen = choose_attention(
        info, n_tokens, needed, attention, (method, factor), measured,
        lambda: Measurements.of(settings, info, SPARSE) if measured else None,
        lambda: sparse_held(info, settings.home, SPARSE_FROM_TOKENS),
    )  # fmt: skip
    reasons.extend(chosen.reasons)
    step = settings.prefill_step  # the most; the backend takes smaller ones where a step would last too long
    available = memory.available_bytes() if available_bytes is None else available_bytes
    tier, why = choose_tier(
        info, n_tokens, stored, step, tier,
        available_bytes=available, free_disk_bytes=lambda: free_bytes(settings.home),
    )  # fmt: skip
    reasons.extend([why] if why else [])
    total_bytes = info.weight_bytes + memory.reading_bytes(info, n_tokens, stored, step, tier)
    plan = ReadingPlan(
        info.name, n_tokens, info.native_context, limit, method, factor, chosen.name, tier, stored, step,
        total_bytes, chosen.predicted_s, zone, (), chosen.budget,
    )  # fmt: skip
    reasons.extend(_costs(plan, info, available))
    return ReadingPlan(**{**plan.__dict__, "reasons": tuple(reasons)})


def declared_context(info: ModelInfo) -> int:
    """Return the tokens that the checkpoint serves as it declares itself, extension included."""
    rope = _declared_rope(info)
    if DUAL_CHUNK in info.rope_parameters:
        return max(info.window, info.native_context)
    if str(rope.get("rope_type", "default")) == "default":
        return info.native_context
    original, factor = rope.get("original_max_position_embeddings"), rope.get("factor")
    if isinstance(original, int | float) and isinstance(factor, int | float):
        return max(int(original * factor / info.position_margin), info.native_context)
    return max(info.window, info.native_context)


def _position(info: ModelInfo, needed: int, wanted: str | None, reasons: list[str], home: Path) -> tuple[str, float]:
    """Return position method and factor, adding why."""
    reach = declared_context(info)
    if info.kind == "state_space" and not info.rope_parameters:
        reasons.append("The model has no positions, so none have to be extended.")
        return "none", 1.0
    if wanted is not None:
        method = canonical(wanted)
        factor = factor_for(method, info, needed)
        make(method, info, factor)  # refuses what the model cannot take before it is loaded
        reasons.append(f"Position method {describe(method, factor)} was chosen by hand.")
        if not METHODS[method].sees_all and needed > reach:
            reasons.append("Only the beginning and the end of the text stay visible with it.")
        return method, factor
    if not info.rope_parameters:
        reasons.append("The model's positions are biases that go on beyond its training; no method changes them.")
        return "none", 1.0
    if needed <= reach:
        if reach > info.native_context:
            reasons.append(
                f"The model was extended from {info.native_context:,} tokens and serves {reach:,}; "
                "its own positions are used."
            )
        else:
            reasons.append(
                f"It fits the {info.native_context:,} tokens the model was trained on; positions are its own."
            )
        return "none", 1.0
    rope_type = str(_declared_rope(info).get("rope_type", "default"))
    if rope_type not in ("default", "yarn", "dynamic"):
        reasons.append(f"It is longer than the {reach:,} tokens the model serves; StRing keeps its own frequencies.")
        return "string", 1.0

    def reaches(name: str) -> bool:
        return make(name, info, factor_for(name, info, needed)).reach >= needed

    result = best_method(info, needed, reaches, home)
    method = result.method if result else "yarn"
    factor = factor_for(method, info, needed)
    why = f"scored best when measured at {result.length:,} tokens" if result else "stretches positions to that length"
    reasons.append(
        f"It is longer than the {reach:,} tokens the model serves by itself; {describe(method, factor)} {why}."
    )
    if factor > 1 and info.position_margin > 1:
        reasons.append(
            f"Positions are stretched {info.position_margin:g} times as far as the prompt is long: "
            "this model did not find what stands farthest away otherwise."
        )
    if factor > 1:
        stays = int(info.native_context * factor / info.position_margin)
        reasons.append(f"Up to {stays:,} tokens the factor stays; beyond, documents are read again.")
    return method, factor


def _zone(info: ModelInfo, n_tokens: int, needed: int, limit: int, reasons: list[str]) -> Zone:
    if needed > limit:
        reserve = needed - n_tokens
        reasons.append(
            f"It is {needed - limit:,} tokens over the window of {limit:,} ({reserve:,} are kept for the answer)."
        )
        return "over"
    if needed <= info.native_context:
        return "native"
    if n_tokens <= info.tested_context:
        reasons.append(f"The model was tested up to {info.tested_context:,} tokens.")
        return "extended_tested"
    tested = f"tested up to {info.tested_context:,} tokens only" if info.tested_context else "not tested at any length"
    reasons.append(f"The model was {tested}; expect weaker answers.")
    return "extended_untested"


def _costs(plan: ReadingPlan, info: ModelInfo, available: int | None) -> list[str]:
    """Say in words what memory and time it takes."""
    kv = memory.kv_bytes(info, plan.n_tokens, plan.kv_dtype)
    where = " on the disk" if plan.cache_tier == "disk" else ""
    said = [f"Keys and values take {memory.size(kv)}{where}, in all {memory.size(plan.predicted_bytes)} of memory."]
    available = memory.available_bytes() if available is None else available
    refused = memory.refusal(plan, plan.predicted_bytes, available)
    if refused:
        said.append(f"{refused} {memory.REFUSAL_NEXT_STEP}")
    if plan.predicted_s is None:
        said.append("Reading has not been measured on this machine yet.")
    else:
        said.append(f"Reading takes about {duration(plan.predicted_s)}, as measured on this machine.")
    return said


def _remote_plan(info: ModelInfo, n_tokens: int, settings: Settings, window: int | None) -> ReadingPlan:
    limit = window or info.window
    over = n_tokens + settings.answer_reserve_tokens - limit
    reasons = [f"The documents leave this computer: {info.name} reads them."]
    if over > 0:
        reasons.append(f"It is {over:,} tokens over the server's window of {limit:,}.")
    return ReadingPlan(
        info.name, n_tokens, info.native_context, limit, "none", 1.0, "remote", "remote", "remote", 0,
        0, None, "over" if over > 0 else "native", tuple(reasons),
    )  # fmt: skip


def describe(method: str, factor: float) -> str:
    """Return a method with its factor as people write it."""
    return f"{method} ×{factor:g}" if factor > 1 else method


def _known(what: str, name: str, names: Sequence[str]) -> str:
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    listed = " or ".join(names)
    raise UserError(
        f"This version has no {what} called {name!r}.",
        code=f"unknown_{what}",
        next_step=f"Did you mean {near[0]}?" if near else f"Use {listed}.",
    )


def _declared_rope(info: ModelInfo) -> Mapping[str, object]:
    """Return the declared rope settings, of the full-attention layers where layers differ."""
    nested = info.rope_parameters.get("full_attention")
    return nested if isinstance(nested, Mapping) else info.rope_parameters
