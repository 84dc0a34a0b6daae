"""A summary made of the document's own sentences: the central ones, and those that a section's cues call for.

Nothing is written, so nothing can be invented: every item is a quote with its
place. That is what a small reader can honestly give, and it is marked as such.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import pairwise

from longdoc.citations import MAX_CHARACTERS, by_line, citation, sentences
from longdoc.errors import Stopped
from longdoc.packing import Included
from longdoc.summarize.nouns import Item, Section, none_stated
from longdoc.summarize.rank import central, choose
from longdoc.summarize.templates import SectionForm
from longdoc.types import Document

Range = tuple[int, int]
_CUE_FLOOR = 0.15  # a sentence with the right words counts a little even if nothing else in the text is like it


def extract(item: Included, forms: Sequence[SectionForm], stop: threading.Event) -> tuple[Section, ...]:
    """Return the sections of a template, filled with sentences of the document. Raises Stopped."""
    found = [(a, b) for a, b in units(item.document, item.ranges) if b - a <= MAX_CHARACTERS]
    texts = [" ".join(item.document.text[a:b].split()) for a, b in found]
    _check(stop)
    centrality = central(texts)
    _check(stop)
    fits = [[form.score(text) for text in texts] for form in forms]
    sections = []
    for number, form in enumerate(forms):
        scores = []
        for index in range(len(texts)):
            fit = fits[number][index]
            # A sentence belongs to the section it fits best; an overview takes from all of them.
            if form.needs and fit < max(other[index] for other, one in zip(fits, forms, strict=True) if one.needs):
                fit = 0.0
            scores.append(fit * ((_CUE_FLOOR if form.needs else 0.0) + float(centrality[index])))
        chosen = choose(scores, texts, form.most)
        items = [Item(texts[i], (citation(item.document, item.name, *found[i], "verified", "quote"),)) for i in chosen]
        sections.append(Section(form.title, tuple(items) or none_stated()))
        _check(stop)
    return tuple(sections)


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
