"""Put citations in order, best first, and let no two of them show the same words.

Knows citations only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from longdoc.citations.place import MAX_CHARACTERS, citation
from longdoc.types import Citation, Document

_SCRAP = 0.4  # of a passage: less is not worth a citation of its own
_STATUS = {"verified": 0, "fuzzy": 1, "attended": 2, "not_found": 3}
_ORIGIN = {"quote": 0, "attention": 1, "retrieval": 2}


@dataclass(frozen=True)
class Scored:
    """A citation and how strongly it is meant, comparable within one status."""

    citation: Citation
    score: float


def best_first(
    found: Sequence[Scored], documents: dict[str, Document], limit: int, attended: int | None = None
) -> list[Citation]:
    """Return at most `limit` citations: verified, nearly so, read, then claims that stand nowhere.

    Those that were only read fill up to `attended` places (default: `limit`).

    Where two overlap the better one stays; two of equal status become one if that is
    short enough, and what is left of a passage stays.
    """
    ordered = sorted(found, key=lambda s: (_STATUS[s.citation.status], -s.score, _ORIGIN[s.citation.origin]))
    kept: list[Citation] = []
    claims: list[Citation] = []
    for scored in ordered:
        item = scored.citation
        if item.status == "not_found":
            if all(item.quote != other.quote for other in claims):
                claims.append(item)
            continue
        touching = next((i for i, other in enumerate(kept) if overlaps(item, other)), None)
        if touching is None:
            kept.append(item)
            continue
        other = kept[touching]
        start, end = min(item.start, other.start), max(item.end, other.end)
        free = all(
            i == touching or not (k.document_id == item.document_id and k.start < end and start < k.end)
            for i, k in enumerate(kept)
        )
        document = documents[other.document_id]
        if item.status == other.status and end - start <= MAX_CHARACTERS and free:
            kept[touching] = citation(document, other.source, start, end, other.status, other.origin)
        elif item.origin == "retrieval" and (rest := _rest(item, kept)):
            # The words that spoke for it may be in what was cut off.
            kept.append(citation(document, item.source, *rest, "attended", item.origin))
    said = [item for item in kept if item.status != "attended"]
    read = [item for item in kept if item.status == "attended"]
    shown = [*said, *read[: max(0, (limit if attended is None else attended) - len(said))]][:limit]
    return shown + claims[: max(0, limit - len(shown))]


def _rest(item: Citation, kept: Sequence[Citation]) -> tuple[int, int] | None:
    """Return the longest part of a passage that no kept citation shows, unless it is only a scrap."""
    shown = sorted((k.start, k.end) for k in kept if k.document_id == item.document_id)
    edges = [item.start, *(edge for pair in shown for edge in pair), item.end]
    gaps = [(max(a, item.start), min(b, item.end)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    best = max(gaps, key=lambda gap: gap[1] - gap[0])
    return best if best[1] - best[0] >= _SCRAP * (item.end - item.start) else None


def overlaps(a: Citation, b: Citation) -> bool:
    """Say whether two citations share characters."""
    return a.document_id == b.document_id and a.start < b.end and b.start < a.end
