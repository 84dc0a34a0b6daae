"""Find quoted words in a text: exactly up to spacing, case and quote marks, or nearly.

Ranges returned are exact characters of the text searched. Knows strings only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from longdoc.citations.words import Range, Word, words

_SAME = {
    "'": "['’‘`´]",
    '"': '["“”„«»]',
    "-": "[-‐‑‒–—−]",
}
_SAME.update({other: _SAME["'"] for other in "’‘`´"})
_SAME.update({other: _SAME['"'] for other in "“”„«»"})
_SAME.update({other: _SAME["-"] for other in "‐‑‒–—−"})
_MOST_CHARACTERS = 4000  # of a quote; a longer one is no quote
_NEAR = 0.75  # share of words in common, in order, from which a match counts as near
_MOST_CANDIDATES = 40


@dataclass(frozen=True)
class Match:
    """Where a quote stands. `likeness` is 1.0 where it stands word for word."""

    start: int
    end: int
    likeness: float

    @property
    def exact(self) -> bool:
        return self.likeness >= 1.0


def pattern(quote: str) -> re.Pattern[str] | None:
    """Return a pattern for a quote that forgives spacing, case, quote marks and dashes; None for a blank one."""
    parts = quote.strip(' \t\n\r"“”„«»').split()
    if not parts or len(quote) > _MOST_CHARACTERS:
        return None
    body = r"\s+".join("".join(_SAME.get(ch, re.escape(ch)) for ch in part) for part in parts)
    # No match inside a longer word or number: "30" does not stand in "1930".
    before = r"(?<![^\W_])" if parts[0][0].isalnum() else ""
    after = r"(?![^\W_])" if parts[-1][-1].isalnum() else ""
    return re.compile(before + body + after, re.IGNORECASE)


def exact(text: str, quote: str, ranges: Sequence[Range] | None = None, limit: int = 50) -> list[Match]:
    """Return where a quote stands word for word, in order, at most `limit` places."""
    compiled = pattern(quote)
    if compiled is None:
        return []
    found: list[Match] = []
    for start, end in ranges if ranges is not None else ((0, len(text)),):
        for match in compiled.finditer(text, start, end):
            found.append(Match(match.start(), match.end(), 1.0))
            if len(found) == limit:
                return found
    return found


def near(text: str, quote: str, ranges: Sequence[Range] | None = None) -> Match | None:
    """Return the best place whose words are nearly those of the quote, or None.

    Its likeness is 1.0 where all words stand there and only punctuation differs. Places are proposed
    by runs of two words they share with the quote and judged by the longest matching blocks of words.
    """
    wanted = [word.text for word in words(quote)]
    if len(wanted) < 4 or len(quote) > _MOST_CHARACTERS:
        return None
    pairs = {pair: index for index, pair in enumerate(pairwise(wanted))}
    best: Match | None = None
    for start, end in ranges if ranges is not None else ((0, len(text)),):
        hay = words(text, start, end)
        votes: Counter[int] = Counter()
        for index, (first, second) in enumerate(pairwise(hay)):
            at = pairs.get((first.text, second.text))
            if at is not None:
                votes[(index - at) // 4 * 4] += 1
        for place, _ in votes.most_common(_MOST_CANDIDATES):
            found = _judge(hay, wanted, place)
            if found and (best is None or found.likeness > best.likeness):
                best = found
    return best


def _judge(hay: Sequence[Word], wanted: Sequence[str], place: int) -> Match | None:
    """Compare the words near a proposed place with the quote; the range ends at words in common."""
    low = max(0, place - 4)
    window = hay[low : place + len(wanted) + 8]
    matcher = SequenceMatcher(None, wanted, [word.text for word in window], autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    if not blocks:
        return None
    first, last = blocks[0].b, blocks[-1].b + blocks[-1].size
    shared = sum(block.size for block in blocks)
    # Words of the source that the quote skips count against it as much as words it adds.
    likeness = 2 * shared / (len(wanted) + last - first)
    if likeness < _NEAR:
        return None
    return Match(window[first].start, window[last - 1].end, likeness)
