"""Where characters of a PDF stand on its pages: compact storage, and ranges back to rectangles.

`details["boxes"]` holds one row `[start, end, page, x0, y0, x1, y1]` for every printed
line, points from the top left of the page as displayed. `details["edges"]` holds one
packed string a page with the left and right edge of every word, so that a quote
inside a line gets its own rectangle. Together they take about as many bytes as the text.
"""

from __future__ import annotations

import base64
import bisect
import itertools
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from longdoc.types import Document, Rectangle

Box = tuple[float, float, float, float]  # x0, y0, x1, y1

_PER_POINT = 10
_LIMIT = 0xFFFF
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Line:
    """A printed line: words joined by single spaces, in points from the top left of the page as displayed."""

    text: str
    box: Box | None
    edges: tuple[float, ...]  # left and right edge of every word, in order
    base: float  # lower edge of the font's line, points from the top
    size: float  # height of the font's line, points
    hyphen: bool = False  # the last word goes on in the next line; its hyphen is not in `text`


class LayoutWriter:
    """Collects the places of lines, page after page."""

    def __init__(self) -> None:
        self._boxes: list[list[Any]] = []
        self._edges: list[str] = []

    def add_page(self, number: int, lines: Sequence[tuple[Line, int, int]]) -> None:
        """Keep the lines of page `number` (1-based) with their ranges in the document's text."""
        places: list[int] = []
        for line, start, end in lines:
            if line.box is None:
                continue
            self._boxes.append([start, end, number, *(round(value, 1) for value in line.box)])
            left = round(line.box[0], 1)
            places += (min(_LIMIT, max(0, round((edge - left) * _PER_POINT))) for edge in line.edges)
        self._edges.append(_pack(places))

    def details(self) -> dict[str, Any]:
        """Return the entries for `Document.details`."""
        return {"boxes": self._boxes, "edges": self._edges}


def rectangles(document: Document, start: int, end: int) -> list[Rectangle]:
    """Return the places of characters `start` to `end`: one rectangle a printed line, in reading order.

    A line that is covered from word to word gives the box of those words; inside a
    word the edge is estimated. Empty for a document without places (text recovered from a damaged file).
    """
    boxes: list[list[Any]] = document.details.get("boxes", [])
    found: list[Rectangle] = []
    k = max(0, bisect.bisect_right(boxes, start, key=lambda row: row[0]) - 1)
    edges: dict[int, dict[int, tuple[int, ...]]] = {}
    for row in boxes[k:]:
        if row[0] >= end:
            break
        if row[1] <= start:
            continue
        page = int(row[2])
        if page not in edges:
            edges[page] = _edges_of_page(document, boxes, page)
        span = _span(document.text, row, edges[page].get(int(row[0]), ()), start, end)
        if span is not None:
            found.append(Rectangle(page, span[0], row[4], span[1], row[6]))
    return found


def _edges_of_page(document: Document, boxes: list[list[Any]], page: int) -> dict[int, tuple[int, ...]]:
    """Return the word edges of each line of a page, keyed by the line's start."""
    places = _unpack(document.details["edges"][page - 1])
    found: dict[int, tuple[int, ...]] = {}
    at = 0
    first = bisect.bisect_left(boxes, page, key=lambda row: row[2])
    last = bisect.bisect_right(boxes, page, key=lambda row: row[2])
    for row in boxes[first:last]:
        n = 2 * sum(1 for _ in _WORD.finditer(document.text, int(row[0]), int(row[1])))
        found[int(row[0])] = places[at : at + n]
        at += n
    return found


def _pack(places: Sequence[int]) -> str:
    """Pack numbers below 2**16: differences, because those compress to half the size."""
    steps = [(place - before) & _LIMIT for place, before in zip(places, [0, *places], strict=False)]
    return base64.b85encode(zlib.compress(struct.pack(f"<{len(steps)}H", *steps), 6)).decode("ascii")


def _unpack(packed: str) -> tuple[int, ...]:
    data = zlib.decompress(base64.b85decode(packed))
    steps = struct.unpack(f"<{len(data) // 2}H", data)
    return tuple(total & _LIMIT for total in itertools.accumulate(steps))


def _span(text: str, row: list[Any], edges: tuple[int, ...], start: int, end: int) -> tuple[float, float] | None:
    """Return the left and right end, in points, of the words of a line that lie in [start, end)."""
    lefts: list[float] = []
    rights: list[float] = []
    for k, word in enumerate(_WORD.finditer(text, int(row[0]), int(row[1]))):
        a, b = max(word.start(), start), min(word.end(), end)
        if a >= b:
            continue
        left, right = edges[2 * k], edges[2 * k + 1]
        per_character = (right - left) / (word.end() - word.start())
        lefts.append(row[3] + (left + (a - word.start()) * per_character) / _PER_POINT)
        rights.append(row[3] + (right - (word.end() - b) * per_character) / _PER_POINT)
    if not lefts:
        return None
    return round(min(lefts), 1), round(max(rights), 1)
