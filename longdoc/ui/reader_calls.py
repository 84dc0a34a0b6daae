"""What pages may ask about the Reader: open a document, a place in it, a part; search it."""

from __future__ import annotations

from typing import Any

from longdoc.ui.context import Context
from longdoc.ui.reader import Reader
from longdoc.ui.render import inert

_LISTED = 2_000


class ReaderCalls:
    """What the Reader may ask of the server."""

    def __init__(self, context: Context) -> None:
        self.reader = Reader(context.library)

    def open_document(self, document: str, part: int = 0) -> dict[str, Any]:
        """Return what a document is and one part of it."""
        return {"about": self.reader.about(document), "part": self.reader.part(document, part)}

    def open_place(self, document: str, start: int, end: int) -> dict[str, Any]:
        """Return what a document is and the part that holds characters `start` to `end`, those marked."""
        number = self.reader.find_part(document, start)
        return {"about": self.reader.about(document), "part": self.reader.part(document, number, start, end)}

    def part(self, document: str, number: int, start: int | None = None, end: int | None = None) -> dict[str, Any]:
        return self.reader.part(document, number, start, end)

    def search_document(self, document: str, words: str) -> list[dict[str, Any]]:
        return self.reader.search(document, words)

    def sections(self, document: str) -> list[str]:
        """Return the names of a document's parts as *Part* numbers them."""
        segments = self.reader.library.document(document).segments
        return [inert(segment.label) for segment in segments[:_LISTED]]
