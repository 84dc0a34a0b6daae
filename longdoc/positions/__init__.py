"""Registry of position methods: ways to read past the length a model was trained on.

A method is one file, one line in `METHODS` and one row in the tests' table. Which
method a prompt gets is decided in `longdoc.planning`; how branches are attended in
`longdoc.attention`. Numbers only: no torch.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from longdoc.errors import UserError
from longdoc.positions.dca import DualChunk
from longdoc.positions.dynamic import DynamicNtk
from longdoc.positions.linear import Linear
from longdoc.positions.lm_infinite import LmInfinite
from longdoc.positions.method import ChunkSizes, Composed, Method, Rope
from longdoc.positions.none import Unchanged
from longdoc.positions.ntk import Ntk
from longdoc.positions.rerope import ReRope
from longdoc.positions.selfextend import SelfExtend
from longdoc.positions.streaming import Streaming
from longdoc.positions.string import String
from longdoc.positions.yarn import Yarn
from longdoc.types import ModelInfo

LADDER = tuple(float(2**rung) for rung in range(13))
"""Factors in use, so that adding a document rarely changes them: 1, 2, 4, ... 4096."""

# What a checkpoint may declare and still take other frequencies: the method then replaces the declaration.
_REPLACEABLE = ("default", "dynamic", "yarn")


DUAL_CHUNK = "dual_chunk_attention_config"
"""Where a checkpoint declares dual chunk attention; kept under this name among a model's rope parameters."""


@dataclass(frozen=True)
class MethodKind:
    """How a method is made, and what it asks of a model."""

    make: Callable[[Rope, float], Method]
    has_factor: bool
    changes_frequencies: bool
    sees_all: bool = True  # whether every earlier token stays visible


METHODS: Mapping[str, MethodKind] = {
    "none": MethodKind(lambda rope, factor: _declared(rope), False, False),
    "linear": MethodKind(Linear, True, True),
    "ntk": MethodKind(Ntk, True, True),
    "dynamic": MethodKind(DynamicNtk, True, True),
    "yarn": MethodKind(Yarn, True, True),
    "string": MethodKind(lambda rope, factor: String.for_range(rope.declared_range), False, False),
    "string+yarn": MethodKind(
        lambda rope, factor: Composed(Yarn(rope, factor), String.for_range(int(rope.native_context * factor))),
        True,
        True,
    ),
    "selfextend": MethodKind(lambda rope, factor: SelfExtend.for_range(rope.declared_range, factor), True, False),
    "dca": MethodKind(lambda rope, factor: DualChunk.for_rope(rope), False, False),
    "lm-infinite": MethodKind(lambda rope, factor: LmInfinite.for_range(rope.declared_range), False, False, False),
    "streaming": MethodKind(lambda rope, factor: Streaming.for_range(rope.declared_range), False, False, False),
    "rerope": MethodKind(lambda rope, factor: ReRope.for_range(rope.declared_range), False, False),
}
ALIASES = {
    "pi": "linear",
    "native": "none",
    "dynamic-ntk": "dynamic",
    "yarn+string": "string+yarn",
    "self-extend": "selfextend",
    "dual-chunk": "dca",
    "lminfinite": "lm-infinite",
    "streamingllm": "streaming",
}


def canonical(name: str) -> str:
    """Return the registered name of a method. Raises UserError naming the nearest for an unknown one."""
    wanted = name.strip().lower()
    wanted = ALIASES.get(wanted, wanted)
    if wanted not in METHODS:
        near = difflib.get_close_matches(wanted, [*METHODS, *ALIASES], n=1, cutoff=0.5)
        raise UserError(
            f"There is no position method called {name!r}.",
            code="unknown_method",
            next_step=f"Did you mean {near[0]}?" if near else f"Choose one of {', '.join(METHODS)}.",
        )
    return wanted


def make(name: str, info: ModelInfo, factor: float = 1.0) -> Method:
    """Return a method with its numbers for one model.

    Methods without a factor take 1 only. Raises UserError for an unknown name, a factor below 1, or a
    method that the model cannot take.
    """
    kind = METHODS[canonical(name)]
    if not (math.isfinite(factor) and factor >= 1):
        raise UserError(
            f"A position method needs a factor of 1 or more, and got {factor:g}.",
            code="bad_factor",
            next_step="Use 1, 2, 4, 8, ...",
        )
    if factor != 1 and not kind.has_factor:
        raise UserError(
            f"The position method {name} has no factor, and got {factor:g}.",
            code="bad_factor",
            next_step="Leave the factor at 1, or choose yarn.",
        )
    if not info.rope_parameters and kind is not METHODS["none"]:
        raise UserError(
            f"{info.name} has no rotary positions, so {name} has nothing to change.",
            code="method_refused",
            next_step="Use none with this model.",
        )
    declared = str(_global_rope(info).get("rope_type", "default"))
    if kind.changes_frequencies and declared not in _REPLACEABLE:
        raise UserError(
            f"{info.name} declares {declared} frequencies of its own, which {name} would undo.",
            code="method_refused",
            next_step="Use none or string with this model.",
        )
    return kind.make(rope_of(info), factor)


def factor_for(name: str, info: ModelInfo, n_tokens: int) -> float:
    """Return the lowest rung of the ladder on which the method reaches `n_tokens`; 1 for methods without a factor.

    A model with a position margin gets the rung that reaches so many times farther.
    """
    kind = METHODS[canonical(name)]
    if not kind.has_factor:
        return 1.0
    rope, wanted = rope_of(info), n_tokens * info.position_margin
    return next((rung for rung in LADDER if kind.make(rope, rung).reach >= wanted), LADDER[-1])


def check_window(name: str, info: ModelInfo, window: int) -> None:
    """Raise UserError for a window that the method does not reach on this model with any factor."""
    kind = METHODS[canonical(name)]
    reach = kind.make(rope_of(info), LADDER[-1] if kind.has_factor else 1.0).reach
    if window > reach:
        raise UserError(
            f"The position method {name} reaches {reach:,} tokens with {info.name}, less than a window of {window:,}.",
            code="window",
            next_step="Use a smaller window, or a method such as yarn.",
        )


def _declared(rope: Rope) -> Method:
    """Return positions as the checkpoint declares them."""
    return Unchanged(rope.declared_range) if rope.dual_chunk is None else DualChunk.for_rope(rope)


def rope_of(info: ModelInfo) -> Rope:
    """Return the rotary numbers of a model's full-attention layers."""
    declared = _global_rope(info)
    share = float(declared.get("partial_rotary_factor", 1.0))
    theta = float(declared.get("rope_theta", info.rope_theta))
    dynamic = declared.get("factor") if declared.get("rope_type") == "dynamic" else None
    return Rope(
        theta,
        int(info.head_dim * share),
        info.native_context,
        _declared_context(info),
        float(dynamic) if dynamic else Rope.dynamic_factor,
        _dual_chunk(info),
    )


def _dual_chunk(info: ModelInfo) -> ChunkSizes | None:
    declared = info.rope_parameters.get(DUAL_CHUNK)
    if not isinstance(declared, Mapping):
        return None
    trained = declared.get("original_max_position_embeddings") or 0
    return ChunkSizes(int(declared["chunk_size"]), int(declared["local_size"]), int(trained))


def _declared_context(info: ModelInfo) -> int:
    """Return the tokens that the checkpoint's own frequencies serve; a window may be wider than they reach."""
    declared = _global_rope(info)
    kind, factor = str(declared.get("rope_type", "default")), declared.get("factor")
    if kind in ("yarn", "longrope", "dynamic") and isinstance(factor, int | float):
        return int(info.native_context * factor)
    return info.window if kind == "longrope" else info.native_context


def _global_rope(info: ModelInfo) -> Mapping[str, Any]:
    """Return the declared rope settings; models with settings by layer type extend their full-attention layers."""
    nested = info.rope_parameters.get("full_attention")
    return nested if isinstance(nested, Mapping) else info.rope_parameters
