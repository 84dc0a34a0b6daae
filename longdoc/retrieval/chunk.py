"""Passages of a document: what the index stores, along the structure of the text.

A passage is a run of whole units (see `structure.py`), at most so many tokens
and characters long, that ends before the strongest break in reach. Passages
leave out nothing but blanks and never overlap; what is cited may lie across
two of them (see `windows.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from longdoc.retrieval.structure import SECTION, WALL, Structure, structure
from longdoc.types import Document, Passage

MAX_CHARACTERS = 1000  # the longest citation that counts as evidence
CHARACTERS_PER_TOKEN = 4  # about, in English; passages need no exact count
_FULL_ENOUGH = 0.35  # of a passage: from here on a heading opens a new one


def about_tokens(text: str) -> int:
    """Return about how many tokens a text has, the same for every model, so that one index serves all."""
    return len(text) // CHARACTERS_PER_TOKEN + 1


def chunks(document: Document, count: Callable[[str], int] = about_tokens, target_tokens: int = 256) -> list[Passage]:
    """Return the passages of a document in order, each at most `target_tokens` and 1,000 characters.

    A unit is never divided, so one of more tokens (at most 400 characters) is a passage of its own.
    """
    units = units_of(document)
    sizes = [count(document.text[a:b]) for a, b in zip(units.starts, units.ends, strict=True)]
    passages: list[Passage] = []
    first = 0
    while first < len(sizes):
        last = _last_that_fits(units, sizes, first, target_tokens)
        start, end = units.starts[first], units.ends[last]
        passages.append(Passage(document.id, start, end, document.text[start:end]))
        first = last + 1
    return passages


def units_of(document: Document) -> Structure:
    """Return a document's structure; the last one is remembered, for `chunks` and the index ask in turn."""
    global _last
    held = _last
    if held is None or held[0] is not document:
        held = (document, structure(document))
        _last = held
    return held[1]


_last: tuple[Document, Structure] | None = None


def _last_that_fits(units: Structure, sizes: list[int], first: int, target_tokens: int) -> int:
    """Return the last unit of the passage that begins with unit `first`."""
    tokens = sizes[first]
    last = first
    while last + 1 < len(sizes):
        following = last + 1
        level = units.levels[following]
        length = units.ends[following] - units.starts[first]
        filled = max(tokens / target_tokens, (units.ends[last] - units.starts[first]) / MAX_CHARACTERS)
        if level >= WALL or (level >= SECTION and filled >= _FULL_ENOUGH):
            return last
        if tokens + sizes[following] > target_tokens or length > MAX_CHARACTERS:
            return _best_break(units, first, last)
        tokens += sizes[following]
        last = following
    return last


def _best_break(units: Structure, first: int, last: int) -> int:
    """Return the unit to end with: before the strongest break in the second half, the latest of equals."""
    middle = (units.starts[first] + units.ends[last]) / 2
    places = [at for at in range(first, last + 1) if units.ends[at] >= middle]
    return max(places, key=lambda at: (units.levels[at + 1], at))
