"""Name a range of a document as a person would: page, lines, sheet, or time.

Everything a citation says about its place is computed here from segments; why
the range is cited is decided elsewhere.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from longdoc.citations.words import trim
from longdoc.types import Citation, CitationOrigin, CitationStatus, Document, Segment

MAX_CHARACTERS = 1000  # of one citation
# Formats whose text keeps the lines of the file, so that line numbers mean something.
_WITH_LINES = frozenset({"text", "markdown", "code"})


def citation(
    document: Document, name: str, start: int, end: int, status: CitationStatus, origin: CitationOrigin
) -> Citation:
    """Return the citation of Document.text[start:end], blank space at its ends left out."""
    start, end = trim(document.text, start, end)
    touched = segments_of(document, start, end)
    label, lines = label_of(document, touched, start, end)
    pages = [segment.page for segment in touched if segment.page is not None]
    starts = [segment.start_s for segment in touched if segment.start_s is not None]
    ends = [segment.end_s for segment in touched if segment.end_s is not None]
    return Citation(
        document_id=document.id,
        source=name,
        label=label,
        start=start,
        end=end,
        quote=document.text[start:end],
        status=status,
        origin=origin,
        page=pages[0] if pages else None,
        line_start=lines[0] if lines else None,
        line_end=lines[1] if lines else None,
        start_s=min(starts) if starts else None,
        end_s=max(ends) if ends else None,
    )


def missing(name: str, quote: str) -> Citation:
    """Return the citation of words that were claimed and stand nowhere: no place, only the claim."""
    return Citation("", name, "", 0, 0, quote[:MAX_CHARACTERS], "not_found", "quote")


def segments_of(document: Document, start: int, end: int) -> list[Segment]:
    """Return the segments that a range touches; an empty range touches the one it lies in."""
    segments = document.segments
    index = max(bisect_right(segments, start, key=lambda segment: segment.start) - 1, 0)
    touched = []
    for segment in segments[index:]:
        if segment.start >= max(end, start + 1):
            break
        if segment.end > start:
            touched.append(segment)
    return touched


def label_of(
    document: Document, touched: Sequence[Segment], start: int, end: int
) -> tuple[str, tuple[int, int] | None]:
    """Return the label of a range and its 1-based lines where lines mean something.

    Lines of a code base count from the start of their file, as an editor shows them.
    """
    if touched and touched[0].kind == "file":
        first = touched[0]
        lines = line_range(document.text, first.start, start, min(end, first.end))
        return f"{first.label}:{_span(lines)}", lines
    if not touched:
        lines = line_range(document.text, 0, start, end)
        return (f"line {lines[0]}" if lines[0] == lines[1] else f"lines {lines[0]}-{lines[1]}"), lines
    labels = list(dict.fromkeys(segment.label for segment in touched if segment.label))
    label = labels[0] if len(labels) == 1 else f"{labels[0]} to {labels[-1]}" if labels else ""
    if document.loader in _WITH_LINES:
        return label, line_range(document.text, 0, start, end)
    return label, None


def line_range(text: str, origin: int, start: int, end: int) -> tuple[int, int]:
    """Return the 1-based first and last line of text[start:end], counted from `origin`."""
    first = text.count("\n", origin, start) + 1
    last = first + text.count("\n", start, max(start, end - 1))
    return first, last


def _span(lines: tuple[int, int]) -> str:
    return str(lines[0]) if lines[0] == lines[1] else f"{lines[0]}-{lines[1]}"
