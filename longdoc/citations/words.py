"""Words and sentences of a text, with their character ranges.

Everything that compares an answer with a source compares words as folded here:
case, typographic quotes and line breaks do not count. Knows strings only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Range = tuple[int, int]

_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[^\W_a-zß-öø-ÿ])")
# "St. John", "J. K.", "No. 5": the stop belongs to the word.
ABBREVIATION = re.compile(r"(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|No|Art|Sec|vs|etc|e\.g|i\.e|cf|Fig|Inc|Ltd|Co|pp?))\.$")
_NUMBERING = re.compile(r"\s*\(?(?:\d{1,3}|\w)(?:\.\d+)*[.)]+\s*")
# "Landlord. Vellmar Harbour Trust, ..." is one sentence with its heading run in.
_RUN_IN = re.compile(r"\s*[^\W_]+(?:\s[^\W_]+){0,2}[.:]\s*")
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n\s*")
_LINE_END = re.compile(r"\n\s*")
# A line that ends a heading, a list item or a table row, not one wrapped by the page's width.
_ITEM = re.compile(r"(?:[-*•–▪]\s|\(?[0-9a-zA-Z]{1,3}[.)]\s|\d+(?:\.\d+)+\s|\|)")

STOP_WORDS = frozenset(
    """
    a an and are as at be been but by can could did do does for from had has have he her his how i if in into is it
    its may me my no nor not of on or our out shall she should so such than that the their them then there these
    they this those to up was we were what when where which who whom whose why will with would yes you your
    der die das und ist ein eine el la los las de que y le les des du et est un une
    """.split()  # as a list this would be a screen long
)


@dataclass(frozen=True)
class Word:
    """One folded word and where it stands."""

    text: str
    start: int
    end: int

    @property
    def counts(self) -> bool:
        """Say whether the word carries meaning: no stop word, no lone letter; any number does."""
        return self.text.isdecimal() or (len(self.text) > 1 and self.text not in STOP_WORDS)


def words(text: str, start: int = 0, end: int | None = None) -> list[Word]:
    """Return the words of text[start:end] with ranges in `text`."""
    stop = len(text) if end is None else end
    return [Word(match.group().casefold(), match.start(), match.end()) for match in _WORD.finditer(text, start, stop)]


def content(text: str) -> set[str]:
    """Return the folded words of a text that carry meaning, plural endings taken off."""
    return {stem(word.text) for word in words(text) if word.counts}


def stem(word: str) -> str:
    """Return a word without the commonest English endings, so that "notices" meets "notice" and "noticed"."""
    for ending, keep in (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("e", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)] + keep
    return word


def sentences(text: str, start: int = 0, end: int | None = None, *, by_line: bool = False) -> list[Range]:
    """Return the ranges of the sentences of text[start:end], blank space trimmed, in order.

    Blank lines always end a sentence. `by_line` makes every line one, as in code, tables
    and transcripts; otherwise a single line break ends one only before a list item or a
    heading, since pages wrap their lines.
    """
    stop = len(text) if end is None else end
    result: list[Range] = []
    splitter = _LINE_END if by_line else _PARAGRAPH_END
    for low, high in _cut(text, start, stop, (match.span() for match in splitter.finditer(text, start, stop))):
        parts = [(low, high)] if by_line else _items(text, low, high)
        for a, b in parts:
            result.extend([(a, b)] if by_line else _within(text, a, b))
    return [trimmed for a, b in result if (trimmed := trim(text, a, b))[0] < trimmed[1]]


def trim(text: str, start: int, end: int) -> Range:
    """Return the range without blank space at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _items(text: str, start: int, end: int) -> list[Range]:
    """Cut a paragraph before lines that open a list item, and after short lines without a full stop (headings)."""
    breaks: list[Range] = []
    line_start = start
    for match in _LINE_END.finditer(text, start, end):
        line = text[line_start : match.start()].strip()
        begins = text[match.end() : match.end() + 1]
        heading = len(line) < 60 and line[:1].isupper() and line[-1:] not in ".,;:!?-" and begins.isupper()
        if heading or _ITEM.match(text, match.end(), end):
            breaks.append(match.span())
        line_start = match.end()
    return list(_cut(text, start, end, iter(breaks)))


def _within(text: str, start: int, end: int) -> Iterator[Range]:
    ends = [
        match.span()
        for match in _SENTENCE_END.finditer(text, start, end)
        if not ABBREVIATION.search(text, max(start, match.start() - 8), match.start())
        and not _NUMBERING.fullmatch(text, start, match.start())
        and not _RUN_IN.fullmatch(text, start, match.start())
    ]
    return _cut(text, start, end, iter(ends))


def _cut(text: str, start: int, end: int, breaks: Iterator[Range]) -> Iterator[Range]:
    at = start
    for low, high in breaks:
        yield at, low
        at = high
    yield at, end


def overlap(wanted: set[str], text: str) -> float:
    """Return the share of the wanted words that a text holds, between 0 and 1."""
    return len(wanted & content(text)) / len(wanted) if wanted else 0.0


def numbers(text: str) -> set[str]:
    """Return the numbers of a text as written, separators taken out."""
    return {re.sub(r"[.,\s]", "", match) for match in re.findall(r"\d[\d.,]*\d|\d", text)}


def contiguous(needle: Sequence[str], hay: Sequence[str]) -> int:
    """Return the index at which `needle` stands in `hay` word for word, or -1."""
    if not needle:
        return -1
    first, size = needle[0], len(needle)
    for index, word in enumerate(hay):
        if word == first and list(hay[index : index + size]) == list(needle):
            return index
    return -1
