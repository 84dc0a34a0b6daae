"""Do words of an answer stand in a text? Word for word, nearly, or not.

The only place where `verified` is decided for words that the answer does not
itself mark as a quote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from longdoc.citations.words import Word, content, contiguous, numbers, overlap, words
from longdoc.types import CitationStatus

_RUN = 5  # words in a row that count as standing there, if they are half of what the answer says
_NEAR = 0.6  # share of an answer's meaningful words from which a text nearly says it
_QUOTED = re.compile(r"\"([^\"\n]{2,1000})\"|“([^”\n]{2,1000})”|«([^»\n]{2,1000})»|„([^“”\n]{2,1000})[“”]")


def quoted(answer: str) -> list[str]:
    """Return what an answer puts in quotation marks, in order, with at least one meaningful word."""
    found = (next(group for group in match.groups() if group) for match in _QUOTED.finditer(answer))
    return [quote.strip() for quote in found if content(quote)]


def judge(answer: str, text: str) -> CitationStatus | None:
    """Return `verified`, `fuzzy` or None for an answer (or one sentence of it) against a text.

    An answer without a meaningful word ("Yes.") proves nothing and gives None.
    """
    wanted = content(answer)
    if not wanted:
        return None
    said = _core(words(answer))
    there = [word.text for word in words(text)]
    if contiguous([word.text for word in said], there) >= 0:
        return "verified"
    if not numbers(answer) <= numbers(text):
        return None
    run = SequenceMatcher(None, [word.text for word in said], there, autojunk=False).find_longest_match()
    in_run = content(answer[said[run.a].start : said[run.a + run.size - 1].end]) if run.size else set()
    if run.size >= _RUN and 2 * len(in_run) >= len(wanted):
        return "verified"
    return "fuzzy" if overlap(wanted, text) >= _NEAR else None


def _core(said: Sequence[Word]) -> Sequence[Word]:
    """Return the words from the first to the last that carries meaning: "the 30 days" says "30 days"."""
    counting = [index for index, word in enumerate(said) if word.counts]
    return said[counting[0] : counting[-1] + 1]
