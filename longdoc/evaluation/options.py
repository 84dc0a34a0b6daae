"""What the options of `longdoc evaluate` mean: lengths, lists of names, and the ways of reading they ask for.

Knows the command line's words only; which of them a model takes is decided when
it is planned with. Lengths may be given in multiples of the model's native one.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast, get_args

from longdoc.cache import kv_dtypes
from longdoc.errors import UserError
from longdoc.evaluation.asking import Way
from longdoc.planning import ATTENTIONS
from longdoc.positions import canonical
from longdoc.types import Mode

LEAST_TOKENS = 256
ANYWHERE = "anywhere"  # a style: the model alone finds its quotes, which the product helps it with


@dataclass(frozen=True)
class Multiple:
    """A length in multiples of the model's native one."""

    factor: float

    def tokens(self, native: int) -> int:
        return round(self.factor * native)


Length = int | Multiple


def positive(text: str) -> int:
    value = int(text.replace("_", ""))
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def lengths(text: str) -> list[Length]:
    """Return lengths in tokens ("8192") or in multiples of the native length ("4x")."""
    found = [_length(part.strip().lower()) for part in text.split(",")]
    if any(isinstance(one, int) and one < LEAST_TOKENS for one in found):
        raise argparse.ArgumentTypeError(f"a length is at least {LEAST_TOKENS} tokens")
    return found


def _length(text: str) -> Length:
    if not text.endswith("x"):
        return positive(text)
    factor = float(text[:-1])
    if not 0 < factor <= 4096:  # NaN is refused too
        raise argparse.ArgumentTypeError("a multiple of the native length is above 0 and at most 4096")
    return Multiple(factor)


def in_tokens(given: Sequence[Length], native: int) -> list[int]:
    """Return lengths in tokens, each once, for a model of `native` tokens. Raises UserError for one too short."""
    found = [one.tokens(native) if isinstance(one, Multiple) else one for one in given]
    if min(found) < LEAST_TOKENS:
        raise UserError(
            f"A length is at least {LEAST_TOKENS} tokens, and {min(found):,} is less.",
            next_step=f"The model's native length is {native:,}; correct --lengths.",
        )
    return list(dict.fromkeys(found))


def counts(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def shares(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def ways(args: argparse.Namespace) -> list[Way]:
    """Return every combination of what was chosen. Raises UserError for an unknown mode, method, attention or form.

    Only a single pass is longer than the native length; other modes are read as the planner likes, with
    the first attention and form that were named.
    """
    modes: list[Mode] = []
    for mode in names(getattr(args, "mode", "single")):
        if mode not in get_args(Mode):
            raise UserError(f"There is no mode {mode!r}.", next_step=f"Choose among {', '.join(get_args(Mode))}.")
        modes.append(cast("Mode", mode))
    if not modes:
        raise UserError("No mode was named.", next_step=f"Choose among {', '.join(get_args(Mode))}.")
    positions = _listed(args.position, canonical)
    attentions = _listed(args.attention, _attention)
    forms = _listed(args.kv_dtype, lambda name: kv_dtypes.parse(name).name)
    style, top_k = getattr(args, "style", "quote"), getattr(args, "top_k", 5)
    short, anywhere = style == "short", style == ANYWHERE
    return [
        Way(position, attention, args.tier, mode, short, top_k, form, anywhere)
        for mode in modes
        for position in (positions if mode == "single" else [None])
        for attention in (attentions if mode == "single" else attentions[:1])
        for form in (forms if mode == "single" else forms[:1])
    ]


def _listed(text: str | None, known: Callable[[str], str]) -> list[str | None]:
    """Return the names of a list, each once and checked; without a list, the planner's choice."""
    return list(dict.fromkeys(known(name) for name in names(text or ""))) or [None]


def _attention(name: str) -> str:
    if name in ATTENTIONS:
        return name
    near = difflib.get_close_matches(name, ATTENTIONS, n=1, cutoff=0.5)
    raise UserError(
        f"There is no attention called {name!r}.",
        code="unknown_attention",
        next_step=f"Did you mean {near[0]}?" if near else f"Choose among {', '.join(ATTENTIONS)}.",
    )
