"""From a range that was read to the sentences in it that bear on the answer.

A range of attention begins and ends anywhere. Here it grows to whole sentences
and shrinks to those that share words with the answer and the question.
"""

from __future__ import annotations

from collections.abc import Sequence

from longdoc.citations.place import MAX_CHARACTERS, segments_of
from longdoc.citations.words import Range, content, sentences, trim, words
from longdoc.types import Document

_AROUND = 600  # characters looked at on both sides for the ends of a sentence
_ANSWER_WEIGHT = 2.0  # a word of the answer tells more than a word of the question
_BY_LINE_KINDS = frozenset({"file", "sheet", "cell", "utterance"})
_BY_LINE_LOADERS = frozenset({"csv", "json", "jsonl", "srt", "vtt", "code", "xlsx"})


def by_line(document: Document, at: int) -> bool:
    """Say whether lines, not sentences, are the units of a document at a character."""
    kinds = {segment.kind for segment in segments_of(document, at, at)}
    return document.loader in _BY_LINE_LOADERS or bool(kinds & _BY_LINE_KINDS)


def units(document: Document, start: int, end: int, within: Range | None = None) -> list[Range]:
    """Return the whole sentences (or lines) that a range touches, not looking beyond `within` or its segments.

    A sentence may run over the end of a page; it never leaves its file or sheet.
    """
    text = document.text
    low, high = within or (0, len(text))
    lines = by_line(document, start)
    if lines:
        touched = segments_of(document, start, end)
        if touched:
            low, high = max(low, touched[0].start), min(high, touched[-1].end)
    found = sentences(text, max(low, start - _AROUND), min(high, end + _AROUND), by_line=lines)
    return [(a, b) for a, b in found if a < end and b > start]


def best_unit(
    document: Document, candidates: Sequence[Range], answer: str, question: str
) -> tuple[Range | None, float]:
    """Return the candidate that shares most words with answer and question, with its score (0: none shared)."""
    best: Range | None = None
    best_score = 0.0
    said, asked = content(answer), content(question)
    for a, b in candidates:
        there = content(document.text[a:b])
        score = (_ANSWER_WEIGHT * len(said & there) + len((asked - said) & there)) / (1 + 0.02 * len(there))
        if score > best_score:
            best, best_score = (a, b), score
    return best, best_score


def narrow(document: Document, start: int, end: int, answer: str, question: str, within: Range | None = None) -> Range:
    """Return the range of the sentence in start .. end that bears on the answer, joined with its best neighbour
    where that adds words; the whole sentences touched where none shares a word. At most 1,000 characters."""
    found = units(document, start, end, within)
    if not found:
        return shorten(document.text, start, end, answer + " " + question)
    best, score = best_unit(document, found, answer, question)
    if best is None or score <= 0:
        return shorten(document.text, found[0][0], found[-1][1], answer + " " + question)
    index = found.index(best)
    said = content(answer)
    have = said & content(document.text[best[0] : best[1]])
    for other in (index - 1, index + 1):
        if 0 <= other < len(found):
            a, b = min(best[0], found[other][0]), max(best[1], found[other][1])
            more = said & content(document.text[a:b])
            if len(more) > len(have) and b - a <= MAX_CHARACTERS:
                best, have = (a, b), more
    return shorten(document.text, best[0], best[1], answer + " " + question)


def whole(document: Document, start: int, end: int, wanted: str, within: Range | None = None) -> Range:
    """Return the range grown to whole sentences, at most 1,000 characters around the wanted words."""
    found = units(document, start, end, within)
    low, high = (found[0][0], found[-1][1]) if found else (start, end)
    return shorten(document.text, low, high, wanted)


def shorten(text: str, start: int, end: int, wanted: str, limit: int = MAX_CHARACTERS) -> Range:
    """Return a range of at most `limit` characters inside start .. end that holds most of the wanted words."""
    start, end = trim(text, start, end)
    if end - start <= limit:
        return start, end
    targets = content(wanted)
    found = words(text, start, end)
    if not found:
        return start, start + limit
    hits = [word for word in found if content(word.text) & targets] or found[:1]
    best_low, best_count = hits[0].start, 0
    right = 0
    for left, word in enumerate(hits):
        while right < len(hits) and hits[right].end - word.start <= limit:
            right += 1
        if right - left > best_count:
            best_low, best_count = word.start, right - left
    # Lead in with up to a quarter, so that the hits do not open the range in mid sentence.
    low = max(start, min(best_low - limit // 4, end - limit))
    inside = [word for word in found if word.start >= low and word.end <= low + limit]
    return (inside[0].start, inside[-1].end) if inside else (low, low + limit)
