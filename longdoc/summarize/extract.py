"""A summary made of the document's own sentences: the central ones, and those that a section's cues call for.

Nothing is written, so nothing can be invented: every item is a quote with its
place. That is what a small reader can honestly give, and it is marked as such. The
reader's own choices (`pick.py`) come first where they fit the section.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from longdoc.citations import MAX_CHARACTERS, by_line, citation, sentences
from longdoc.errors import Stopped
from longdoc.packing import Included
from longdoc.summarize.nouns import Chooser, Item, Section, none_stated
from longdoc.summarize.rank import central, choose
from longdoc.summarize.tasks import speaker_at, task_said
from longdoc.summarize.templates import SectionForm
from longdoc.types import Document

Range = tuple[int, int]
Picks = Mapping[str, Sequence[Range]]  # title of a section -> what the reader quoted for it
_CUE_FLOOR = 0.15  # a sentence with the right words counts a little even if nothing else in the text is like it
_PICKED = 10.0  # what the reader chose comes first, if it has the section's words at all


@dataclass(frozen=True)
class Candidates:
    """The sentences of a document with how central each is, so that several templates can choose from them."""

    ranges: tuple[Range, ...]
    texts: tuple[str, ...]
    centrality: NDArray[np.float64]  # shape (number of sentences,)


def candidates(item: Included, stop: threading.Event) -> Candidates:
    """Return what a summary may choose from. Raises Stopped."""
    found = [(a, b) for a, b in units(item.document, item.ranges) if b - a <= MAX_CHARACTERS]
    texts = [" ".join(item.document.text[a:b].split()) for a, b in found]
    _check(stop)
    centrality = central(texts)
    _check(stop)
    return Candidates(tuple(found), tuple(texts), centrality)


def extract(
    item: Included, forms: Sequence[SectionForm], stop: threading.Event, picks: Picks | None = None
) -> tuple[Section, ...]:
    """Return the sections of a template, filled with sentences of the document. Raises Stopped."""
    found = candidates(item, stop)
    texts = found.texts
    following = [*texts[1:], ""]
    fits = [[form.score(text, after) for text, after in zip(texts, following, strict=True)] for form in forms]
    sections = []
    for number, form in enumerate(forms):
        picked = _touched(found.ranges, (picks or {}).get(form.title, ()))
        ranked = []
        for index in range(len(texts)):
            fit = fits[number][index]
            # A sentence belongs to the section it fits best; an overview takes from all of them.
            if form.needs and fit < max(other[index] for other, one in zip(fits, forms, strict=True) if one.needs):
                fit = 0.0
            ranked.append(fit * ((_CUE_FLOOR if form.needs else 0.0) + float(found.centrality[index])))
        # The reader quotes something for every question; words of the section must agree with it.
        chosen = {index for index in picked if fits[number][index] > 0}
        scores = [score + _PICKED * (index in chosen) for index, score in enumerate(ranked)]
        items = []
        for index in choose(scores, texts, form.most):
            by: tuple[Chooser, ...] = ("reader",) if index in chosen else ()
            if ranked[index] > 0:
                by = (*by, "rank")
            items.append(_item(item, found.ranges[index], texts[index], form, by))
        sections.append(Section(form.title, tuple(items) or none_stated(), form.tasks))
        _check(stop)
    return tuple(sections)


def _item(item: Included, place: Range, text: str, form: SectionForm, by: tuple[Chooser, ...]) -> Item:
    cited = (citation(item.document, item.name, *place, "verified", "quote"),)
    if not form.tasks:
        return Item(text, cited, chosen_by=by)
    task = task_said(text, speaker_at(item.document, place[0]))
    return Item(text, cited, task.owner, task.due, by)


def _touched(ranges: Sequence[Range], quotes: Sequence[Range]) -> frozenset[int]:
    """Return the sentences that a quote lies in; of a quote over several, those it covers for the most part."""
    found = set()
    for start, end in quotes:
        shares = [(min(b, end) - max(a, start), index) for index, (a, b) in enumerate(ranges) if a < end and start < b]
        best = max((share for share, _ in shares), default=0)
        found |= {index for share, index in shares if share == best or 2 * share > ranges[index][1] - ranges[index][0]}
    return frozenset(found)


def units(document: Document, ranges: Sequence[Range] | None) -> list[Range]:
    """Return the sentences of a document, or its lines where lines are its units, inside `ranges` only."""
    edges = {segment.start for segment in document.segments if segment.kind != "page"}
    result: list[Range] = []
    for start, end in ranges if ranges is not None else ((0, len(document.text)),):
        cuts = sorted({start, end, *(edge for edge in edges if start < edge < end)})
        for a, b in pairwise(cuts):
            result.extend(sentences(document.text, a, b, by_line=by_line(document, a)))
    return result


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise Stopped
