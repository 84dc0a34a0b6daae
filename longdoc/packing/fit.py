"""Does a prompt fit the window? If not: by how much, and what would make it fit.

Nothing is cut and no choice is made here; a person chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from longdoc.errors import PromptTooLong
from longdoc.files import display_name
from longdoc.packing.included import Included
from longdoc.types import Prompt


@dataclass(frozen=True)
class Choices:
    """How a prompt that is too long can be made to fit. Numbers are tokens."""

    over_tokens: int
    remove: tuple[str, ...]  # names of the fewest sources whose removal fits; empty: no removal leaves a document
    part: str  # the longest source, of which a part could be chosen
    outline: tuple[str, ...]  # code bases whose files could be given as outlines
    chunked: bool = True  # a chunked answer always fits


def fit(prompt: Prompt, window: int, reserve: int, included: Sequence[Included]) -> None:
    """Return if prompt and `reserve` tokens for the answer fit `window`.

    Raises PromptTooLong with the number of tokens over and the choices in words.
    """
    found = choices(prompt, window, reserve, included)
    if found is None:
        return
    count = len({item.document.id for item in included})
    what = "The source is" if count == 1 else "The sources are"
    message = (
        f"{what} {found.over_tokens:,} tokens over the window of {window:,} "
        f"({len(prompt.token_ids):,} for documents and question, {reserve:,} kept for the answer)."
    )
    raise PromptTooLong(message, over_tokens=found.over_tokens, next_step=_in_words(found))


def choices(prompt: Prompt, window: int, reserve: int, included: Sequence[Included]) -> Choices | None:
    """Return None where the prompt fits, else what would make it fit."""
    over = len(prompt.token_ids) + reserve - window
    if over <= 0:
        return None
    names = {item.document.id: item.name for item in included}
    sizes = dict.fromkeys(names, 0)
    for region in prompt.regions:
        if region.document_id in sizes:
            sizes[region.document_id] += region.tokens[1] - region.tokens[0]
    longest = max(sizes, key=lambda i: sizes[i], default=None)
    code = [
        item.name
        for item in included
        if any(s.kind == "file" and s.label not in item.outline for s in item.document.segments)
    ]
    return Choices(
        over_tokens=over,
        remove=tuple(names[i] for i in fewest(sizes, over)),
        part=names[longest] if longest is not None else "",
        outline=tuple(dict.fromkeys(code)),
        chunked=bool(included),
    )


def fewest(sizes: dict[str, int], over: int) -> list[str]:
    """Return the fewest keys whose sizes add up to at least `over`, the smallest such last one; never all of them."""
    ordered = sorted(sizes, key=lambda key: -sizes[key])
    taken: list[str] = []
    left = over
    for key in ordered:
        if sizes[key] >= left:
            # The last one need only be large enough: prefer to lose as little as possible.
            last = min((k for k in ordered if k not in taken and sizes[k] >= left), key=lambda k: sizes[k])
            taken.append(last)
            return taken if len(taken) < len(sizes) else []
        taken.append(key)
        left -= sizes[key]
    return []


def _in_words(found: Choices) -> str:
    """Return the choices as one or two sentences."""
    parts: list[str] = []
    if found.remove:
        names = [display_name(name) for name in found.remove]
        listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        parts.append(f"Without {listed} they fit.")
    others: list[str] = []
    if found.part:
        others.append(f"include only a part of {display_name(found.part)}")
    if found.outline:
        others.append(f"give files of {display_name(found.outline[0])} as outline")
    if found.chunked:
        others.append("ask in Chunked")
    if others:
        text = others[0] if len(others) == 1 else f"{', '.join(others[:-1])} or {others[-1]}"
        parts.append(f"{'You can also' if parts else 'You can'} {text}.")
    return " ".join(parts)
