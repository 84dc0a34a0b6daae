"""Evidence hit: did a citation point at what answers the question?

One of the first five citations, each at most 1,000 characters, lies in the
gold document and contains a gold answer or overlaps the gold evidence. Knows
ranges and strings only, so attention, quotes and passages are judged alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FIRST = 5
MAX_CHARACTERS = 1000


@dataclass(frozen=True)
class Cited:
    """A citation as it is judged: half-open characters of a document's text."""

    document_id: str
    start: int
    end: int
    text: str


def evidence_hit(
    cited: Iterable[Cited],
    *,
    document_id: str,
    answers: Sequence[str],
    evidence: Sequence[tuple[int, int]] = (),
    answer_start: int | None = None,
) -> bool:
    """Return whether one of the first five citations of at most 1,000 characters shows the evidence.

    A longer citation counts as one of the five and never as a hit. An answer is contained when it
    stands there word for word, blanks and case aside, not inside a longer word; or when the citation
    holds the very place `answer_start` of `answers[0]` (some marked answers begin inside a word).
    """
    span = None if answer_start is None or not answers else (answer_start, answer_start + len(answers[0]))
    for index, citation in enumerate(cited):
        if index == FIRST:
            break
        if citation.document_id != document_id or citation.end - citation.start > MAX_CHARACTERS:
            continue
        if any(citation.start < end and start < citation.end for start, end in evidence):
            return True
        if span is not None and citation.start <= span[0] and span[1] <= citation.end:
            return True
        if any(contains_answer(citation.text, answer) for answer in answers):
            return True
    return False


def contains_answer(text: str, answer: str) -> bool:
    """Return whether an answer stands in a text: case and runs of blanks ignored, whole words only."""
    wanted = _folded(answer)
    if not wanted:
        return False
    before = r"(?<!\w)" if wanted[0].isalnum() else ""
    after = r"(?!\w)" if wanted[-1].isalnum() else ""
    return re.search(before + re.escape(wanted) + after, _folded(text)) is not None


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
