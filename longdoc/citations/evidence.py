"""From blocks that attention read to ranges of documents.

Knows prompts, regions and shares of attention; what the words mean is decided in
`narrow.py`. Blocks count prompt tokens, so that a block can end one document and
begin the next: it then gives two ranges.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from longdoc.types import Generation, Prompt, Region


@dataclass(frozen=True)
class Attended:
    """A range that attention read while an answer was written, with its share of all attention on documents."""

    document_id: str
    start: int
    end: int
    share: float


def attended(
    prompt: Prompt, generation: Generation, tokens: tuple[int, int] | None = None, limit: int = 8
) -> list[Attended]:
    """Return the ranges read most while output tokens of the half-open range `tokens` were chosen, best first.

    Shares are means over those tokens. Neighbouring blocks are joined, since a sentence seldom
    ends where a block does.
    """
    low, high = tokens or (0, len(generation.evidence))
    rows = generation.evidence[low:high]
    if not rows:
        return []
    shares: dict[int, float] = defaultdict(float)
    for row in rows:
        for block, share in row:
            shares[block] += share / len(rows)
    best = sorted(shares, key=lambda block: (-shares[block], block))[:limit]
    regions = [region for region in prompt.regions if region.role == "document" and region.chars]
    starts = [region.tokens[0] for region in regions]
    found = [
        piece
        for block in best
        for piece in _pieces(regions, starts, block * generation.block_tokens, generation.block_tokens, shares[block])
    ]
    return sorted(_joined(found), key=lambda item: -item.share)


def _pieces(regions: Sequence[Region], starts: Sequence[int], first: int, size: int, share: float) -> list[Attended]:
    """Return the characters of one block, by region; its share is spread by tokens."""
    result = []
    index = max(bisect_right(starts, first) - 1, 0)
    for region in regions[index:]:
        low, high = max(first, region.tokens[0]), min(first + size, region.tokens[1])
        if region.tokens[0] >= first + size:
            break
        if low >= high or region.document_id is None:
            continue
        chars = region.chars[low - region.tokens[0] : high - region.tokens[0]]
        start, end = chars[0][0], chars[-1][1]
        if start < end:
            result.append(Attended(region.document_id, start, end, share * (high - low) / size))
    return result


def _joined(found: Sequence[Attended]) -> list[Attended]:
    """Join ranges of one document that touch; the share of the whole is that of its parts together."""
    result: list[Attended] = []
    for item in sorted(found, key=lambda a: (a.document_id, a.start)):
        last = result[-1] if result else None
        if last and last.document_id == item.document_id and item.start <= last.end:
            result[-1] = Attended(last.document_id, last.start, max(last.end, item.end), last.share + item.share)
        else:
            result.append(item)
    return result
