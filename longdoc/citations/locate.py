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
_MOST_CANDIDATES = 12
_PAIRS = 12  # pairs of words looked up in the whole text
_BUCKET = 120  # characters that places may differ by and still be one
_STRETCH = 1.5  # how much longer than the quote its place may be


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
    by pairs of words they share with the quote and judged by the longest matching blocks of words.
    """
    said = words(quote)
    wanted = [word.text for word in said]
    if len(wanted) < 4 or len(quote) > _MOST_CHARACTERS:
        return None
    places = list(ranges) if ranges is not None else [(0, len(text))]
    votes: Counter[tuple[int, int]] = Counter()
    for compiled, offset in _telling_pairs(quote, said):
        for number, (start, end) in enumerate(places):
            for match in compiled.finditer(text, start, end):
                votes[number, (match.start() - offset) // _BUCKET] += 1
    best: Match | None = None
    for (number, bucket), _ in votes.most_common(_MOST_CANDIDATES):
        low = max(places[number][0], (bucket - 1) * _BUCKET)
        high = min(places[number][1], (bucket + 2) * _BUCKET + int(_STRETCH * len(quote)))
        found = _judge(words(text, low, high), wanted)
        if found and (best is None or found.likeness > best.likeness):
            best = found
    return best


def _telling_pairs(quote: str, said: Sequence[Word]) -> list[tuple[re.Pattern[str], int]]:
    """Return patterns for the neighbouring words of a quote that tell most, with their place in it."""
    pairs = sorted(pairwise(said), key=lambda pair: (-(pair[0].counts + pair[1].counts), -pair[1].end + pair[0].start))
    return [
        (
            re.compile(
                rf"(?<![^\W_]){re.escape(quote[a.start : a.end])}[\W_]+{re.escape(quote[b.start : b.end])}(?![^\W_])",
                re.IGNORECASE,
            ),
            a.start,
        )
        for a, b in pairs[:_PAIRS]
    ]


def _judge(window: Sequence[Word], wanted: Sequence[str]) -> Match | None:
    """Compare the words around a proposed place with the quote; the range ends at words in common."""
    matcher = SequenceMatcher(None, wanted, [word.text for word in window], autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    core = max(blocks, key=lambda block: block.size, default=None)
    if core is None:
        return None
    # Blocks far from the longest one are chance: a stop word of the quote two sentences away.
    reach = len(wanted) // 2 + 4
    blocks = [b for b in blocks if abs((b.b - core.b) - (b.a - core.a)) <= reach]
    best: Match | None = None
    for first in range(len(blocks)):
        for last in range(first, len(blocks)):
            a, b = blocks[first].b, blocks[last].b + blocks[last].size
            shared = sum(block.size for block in blocks[first : last + 1])
            # Words of the source that the quote skips count against it as much as words it adds.
            likeness = 2 * shared / (len(wanted) + b - a)
            if likeness >= _NEAR and (best is None or likeness > best.likeness):
                best = Match(window[a].start, window[b - 1].end, likeness)
    return best
