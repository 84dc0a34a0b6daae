"""What goes into a prompt: a model's frame, the documents included, the headers they stand under."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from longdoc.errors import UserError
from longdoc.files import display_name
from longdoc.formats import SpecialIds
from longdoc.types import Document

Range = tuple[int, int]


@dataclass(frozen=True)
class PromptFrame:
    """What a model puts around documents and question, as token ids.

    `reader`: the bundled format; `head_ids` is `<|bos|>`, `tail_ids` is `<|answer|>`.
    `chat`: `head_ids` leads up to the user's words, `tail_ids` from their end to where the answer begins.
    """

    kind: Literal["reader", "chat"]
    head_ids: tuple[int, ...]
    tail_ids: tuple[int, ...]
    special: SpecialIds | None = None
    stop_ids: frozenset[int] = frozenset()  # a token of these ends the answer


@dataclass(frozen=True)
class Included:
    """A document as it goes into a prompt: whole, or the given ranges of it."""

    document: Document
    name: str
    marker: str  # random, chosen when the document was added; unknown to its author
    ranges: tuple[Range, ...] | None = None  # None: whole; ordered, disjoint, characters of Document.text
    outline: frozenset[str] = frozenset()  # labels of files whose ranges are their outline
    title: str | None = None  # header of a retrieved passage; the text is then one piece whatever its files
    reason: str = "left out by choice"  # why text outside `ranges` is not read


@dataclass(frozen=True)
class Piece:
    """What stands under one header of the prompt."""

    item: Included
    title: str
    ranges: tuple[Range, ...]


def pieces(included: Sequence[Included]) -> list[Piece]:
    """Return the headers of a prompt in order: one a document, one a file of a code base."""
    result: list[Piece] = []
    for item in included:
        whole = ((0, len(item.document.text)),) if item.ranges is None else checked_ranges(item)
        files = [segment for segment in item.document.segments if segment.kind == "file"]
        if item.title is not None or not files:
            result.append(Piece(item, item.title or item.name, whole))
            continue
        for segment in files:
            inside = clipped(whole, (segment.start, segment.end))
            if inside or (item.ranges is None and segment.start == segment.end):
                mark = " (outline)" if segment.label in item.outline else ""
                result.append(Piece(item, segment.label + mark, inside))
    return result


def checked_ranges(item: Included) -> tuple[Range, ...]:
    """Return the ranges of an item. Raises UserError where they leave the text, overlap or are out of order."""
    at = 0
    for start, end in item.ranges or ():
        if not at <= start < end <= len(item.document.text):
            raise UserError(
                f"The part of {display_name(item.name)} from character {start} to {end} does not exist in it.",
                next_step="Choose the part again.",
            )
        at = end
    return item.ranges or ()


def clipped(ranges: Iterable[Range], inside: Range) -> tuple[Range, ...]:
    """Return what of `ranges` lies inside one range."""
    cut = ((max(a, inside[0]), min(b, inside[1])) for a, b in ranges)
    return tuple((a, b) for a, b in cut if a < b)


def complement(ranges: Iterable[Range], length: int) -> list[Range]:
    """Return the gaps that `ranges` leave in [0, length)."""
    gaps: list[Range] = []
    at = 0
    for start, end in sorted(ranges):
        if start > at:
            gaps.append((at, start))
        at = max(at, end)
    if at < length:
        gaps.append((at, length))
    return gaps
