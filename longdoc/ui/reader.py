"""The Reader: a document part by part, as it stands in the source, with marks from stored offsets.

Parts are pages, chapters, files or stretches of plain text. Marks are character
ranges; where each stands on a page image comes from the loader's geometry. Pictures
of pages are made by `page_image.py`.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from longdoc.errors import UserError
from longdoc.sources.pdf_geometry import rectangles
from longdoc.store import Library
from longdoc.types import Document
from longdoc.ui.render import inert

_PART_CHARACTERS = 40_000  # longer segments are shown in pieces
_STRETCH_CHARACTERS = 20_000  # of plain text
MAX_FOUND = 200
_AROUND = 60


@dataclass(frozen=True)
class Part:
    """A piece of a document that is shown at once."""

    start: int
    end: int
    label: str
    page: int | None = None  # 1-based
    first_line: int = 1  # of a file


class Reader:
    """Serves documents of one library; the last few stay in memory."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._opened = lru_cache(maxsize=8)(self._open)

    def about(self, document_id: str) -> dict[str, Any]:
        """Return title, kind, parts and warnings of a document. Raises StoreError `not_found`."""
        document, parts = self._get(document_id)
        item = self.library.item(document_id)
        return {
            "id": document_id,
            "title": inert(item.title),
            "kind": kind_of(document),
            "labels": [inert(part.label) for part in parts],
            "warnings": [inert(warned.message) for warned in document.warnings],
            "kept": item.source.path.startswith(str(self.library.blobs.folder)),
            "sound": item.source.id if item.source.media_type.startswith(("audio/", "video/")) else "",
        }

    def part(self, document_id: str, number: int, start: int | None = None, end: int | None = None) -> dict[str, Any]:
        """Return part `number` (from 0) as JSON with characters `start` to `end` marked."""
        document, parts = self._get(document_id)
        if not 0 <= number < len(parts):
            raise UserError("The document has no such page.", next_step="Choose another.")
        part = parts[number]
        mark = None
        if start is not None and end is not None and max(start, part.start) < min(end, part.end):
            mark = (max(start, part.start), min(end, part.end))
        text = document.text[part.start : part.end]
        made: dict[str, Any] = {"number": number, "label": inert(part.label), "kind": kind_of(document)}
        if part.page is not None:
            made |= _page(document, part, mark)
        if kind_of(document) == "transcript":
            made["said"] = _said(document, part, mark)
        elif kind_of(document) == "code":
            made["first_line"] = part.first_line
            made["lines"] = text.split("\n")[: -1 if text.endswith("\n") else None]
            if mark:
                first = part.first_line + document.text.count("\n", part.start, mark[0])
                last = first + document.text.count("\n", mark[0], max(mark[0], mark[1] - 1))
                made["marked_lines"] = [first, last]
        else:
            cut = (mark[0] - part.start, mark[1] - part.start) if mark else (len(text), len(text))
            made["pieces"] = [text[: cut[0]], text[cut[0] : cut[1]], text[cut[1] :]]
        return made

    def find_part(self, document_id: str, position: int) -> int:
        """Return the number of the part that holds a character."""
        _, parts = self._get(document_id)
        holding = [n for n, part in enumerate(parts) if part.start <= position < part.end]
        if holding:
            return holding[0]
        starts = [part.start for part in parts]
        return max(0, bisect.bisect_right(starts, position) - 1)

    def search(self, document_id: str, words: str) -> list[dict[str, Any]]:
        """Return places of `words`, whatever the case and the blank space between them, the first 200."""
        document, _ = self._get(document_id)
        tokens = words[:200].split()
        if not tokens:
            return []
        pattern = re.compile(r"\s+".join(re.escape(token) for token in tokens), re.IGNORECASE)
        found = []
        for match in pattern.finditer(document.text):
            around = document.text[max(0, match.start() - _AROUND) : match.end() + _AROUND]
            found.append(
                {
                    "part": self.find_part(document_id, match.start()),
                    "start": match.start(),
                    "end": match.end(),
                    "text": inert(" ".join(around.split())),
                }
            )
            if len(found) == MAX_FOUND:
                break
        return found

    def _get(self, document_id: str) -> tuple[Document, list[Part]]:
        self.library.item(document_id)  # one that was removed meanwhile is no longer shown
        return self._opened(document_id)

    def _open(self, document_id: str) -> tuple[Document, list[Part]]:
        document = self.library.document(document_id)
        return document, stretches_of(document) if kind_of(document) == "transcript" else parts_of(document)


def kind_of(document: Document) -> str:
    """Return how a document is shown: "page", "code", "transcript" or "text"."""
    if document.segments and document.segments[0].kind == "utterance":
        return "transcript"
    if document.loader in ("codebase", "code"):
        return "code"
    return "page" if document.loader == "pdf" and document.details.get("pages") else "text"


def parts_of(document: Document) -> list[Part]:
    """Return the parts of a document; every character is in exactly one, pages without text are there too."""
    pages = document.details.get("pages", []) if kind_of(document) == "page" else []
    if pages:
        by_page = {segment.page: segment for segment in document.segments}
        parts, at = [], 0
        for number, page in enumerate(pages, 1):
            segment = by_page.get(number)
            end = segment.end if segment else at
            parts.append(Part(at, end, f"p. {page.get('label') or number}", number))
            at = end
        return parts
    starts = [(segment.start, segment.label) for segment in document.segments]
    if not starts or starts[0][0] > 0:
        starts.insert(0, (0, document.title))
    ends = [start for start, _ in starts[1:]] + [len(document.text)]
    parts = []
    for (start, label), end in zip(starts, ends, strict=True):
        parts += _pieces(document, start, end, label)
    return parts


def stretches_of(document: Document) -> list[Part]:
    """Return the utterances of a transcript in stretches that are shown at once, named by their times."""
    edges = [0, *(segment.start for segment in document.segments[1:]), len(document.text)]
    parts: list[Part] = []
    first = 0
    for n in range(len(document.segments)):
        last = n + 1 == len(document.segments)
        if last or edges[n + 2] - edges[first] > _STRETCH_CHARACTERS:
            label = document.segments[first].label
            if n > first:
                label = f"{label} to {document.segments[n].label}"
            parts.append(Part(edges[first], edges[n + 1], label))
            first = n + 1
    return parts


def _said(document: Document, part: Part, mark: tuple[int, int] | None) -> list[dict[str, Any]]:
    """Return the utterances of a part with their times, and which of their words are marked."""
    rows = []
    for segment in document.segments:
        if segment.end <= part.start or segment.start >= part.end:
            continue
        text = document.text[segment.start : segment.end]
        low, high = (max(mark[0], segment.start), min(mark[1], segment.end)) if mark else (0, 0)
        cut = (low - segment.start, high - segment.start) if low < high else (len(text), len(text))
        rows.append(
            {
                "start": segment.start_s,
                "clock": inert(segment.label),
                "pieces": [inert(text[: cut[0]]), inert(text[cut[0] : cut[1]]), inert(text[cut[1] :])],
            }
        )
    return rows


def _pieces(document: Document, start: int, end: int, label: str) -> list[Part]:
    """Cut a long segment at line breaks."""
    limit = _PART_CHARACTERS if document.segments else _STRETCH_CHARACTERS
    parts: list[Part] = []
    at, line = start, 1
    while at < end:
        stop = end
        if end - at > limit:
            newline = document.text.rfind("\n", at + limit // 2, at + limit)
            stop = newline + 1 if newline > 0 else at + limit
        number = len(parts) + 1
        parts.append(Part(at, stop, label if number == 1 else f"{label}, continued ({number})", None, line))
        line += document.text.count("\n", at, stop)
        at = stop
    return parts or [Part(start, end, label)]


def _page(document: Document, part: Part, mark: tuple[int, int] | None) -> dict[str, Any]:
    page = document.details["pages"][(part.page or 1) - 1]
    width, height = page.get("width") or 0, page.get("height") or 0
    places = [r for r in rectangles(document, *mark) if r.page == part.page] if mark and width and height else []
    return {
        "page": part.page,
        "width": width,
        "height": height,
        "empty": not document.text[part.start : part.end].strip(),
        # in percent of the page, so that they fit at any zoom
        "rectangles": [
            [
                round(100 * r.x0 / width, 2),
                round(100 * r.y0 / height, 2),
                round(100 * (r.x1 - r.x0) / width, 2),
                round(100 * (r.y1 - r.y0) / height, 2),
            ]
            for r in places
        ],
    }
