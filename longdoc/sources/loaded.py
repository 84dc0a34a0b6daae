"""What a loader returns, and the builder that keeps its offsets exact.

A loader is a plain function `(path, name, settings, report, options) -> Loaded`
that runs inside the child process of worker.py. It knows one format and nothing
about processes, libraries or models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.clean import clean
from longdoc.types import Segment, SegmentKind, Warned

Report = Callable[[int, int, str], None]  # done, total, "page 41 of 212"


@dataclass(frozen=True)
class Loaded:
    """Text of one source with named segments. Segments are ordered and do not overlap.

    `details` is JSON: strings, numbers, lists and dictionaries only.
    """

    text: str
    segments: tuple[Segment, ...] = ()
    warnings: tuple[Warned, ...] = ()
    title: str = ""
    details: dict[str, Any] = field(default_factory=dict)


class Loader(Protocol):
    """Reads one file. Returns Loaded or raises SourceError; anything else it raises becomes `damaged`."""

    def __call__(
        self, path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]
    ) -> Loaded: ...


class TextBuilder:
    """Collects pieces of text, cleaned, and the segments over them.

    Offsets count cleaned characters, so a range taken before and after `add`
    is exact in the text that `build` returns.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._segments: list[Segment] = []
        self._warnings: list[Warned] = []
        self._n_invisible = 0
        self.length = 0  # characters so far; the start of the next piece

    def add(self, text: str) -> tuple[int, int]:
        """Append `text`, cleaned, and return its half-open range."""
        cleaned, removed = clean(text)
        self._n_invisible += removed
        self._pieces.append(cleaned)
        start, self.length = self.length, self.length + len(cleaned)
        return start, self.length

    def count_invisible(self, n_removed: int) -> None:
        """Count invisible characters that were removed from text before it was added."""
        self._n_invisible += n_removed

    def segment(
        self,
        start: int,
        kind: SegmentKind,
        label: str,
        *,
        end: int | None = None,
        page: int | None = None,
        start_s: float | None = None,
        end_s: float | None = None,
        level: int = 0,
    ) -> None:
        """Name the range from `start` to `end` (default: all added so far). An empty range is not kept."""
        end = self.length if end is None else end
        if start < end:
            self._segments.append(Segment(start, end, kind, one_line(label), page, start_s, end_s, level))

    def warn(self, code: str, message: str, where: str = "") -> None:
        """Keep something a person should know about how the document was read."""
        self._warnings.append(Warned(code, message, where))

    def build(self, title: str = "", details: dict[str, Any] | None = None) -> Loaded:
        """Return all that was added; removed invisible characters become one warning."""
        warnings = list(self._warnings)
        if self._n_invisible:
            warnings.append(invisible_warning(self._n_invisible))
        return Loaded("".join(self._pieces), tuple(self._segments), tuple(warnings), one_line(title), details or {})


def one_line(label: str, limit: int = 300) -> str:
    """Return a label or title as one cleaned line of bounded length."""
    line = " ".join(clean(label)[0].split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def invisible_warning(n_removed: int) -> Warned:
    """Return the warning that says how many invisible characters were taken out."""
    characters = "1 invisible character was" if n_removed == 1 else f"{n_removed:,} invisible characters were"
    return Warned("invisible_text", f"{characters} removed.")


def check(loaded: Loaded, name: str, settings: Settings, n_source_bytes: int | None) -> None:
    """Raise SourceError unless `loaded` is within the limits and its segments are in order.

    `n_source_bytes` None means that the ratio of characters to bytes is not known (a folder).
    """
    n = len(loaded.text)
    if n > settings.max_text_characters:
        raise SourceError(
            f"{name} holds {n:,} characters of text, more than the limit of {settings.max_text_characters:,}.",
            code="too_large",
            next_step="Split it, or raise LONGDOC_MAX_TEXT_CHARACTERS.",
        )
    if n_source_bytes is not None and n > max(1_000_000, settings.max_characters_per_byte * n_source_bytes):
        raise SourceError(
            f"{name} unfolds into {n:,} characters from {n_source_bytes:,} bytes, which no ordinary file does.",
            code="bomb",
            next_step="If it is genuine, raise LONGDOC_MAX_CHARACTERS_PER_BYTE.",
        )
    if not loaded.text.strip():
        raise SourceError(
            f"{name} holds no text.",
            code="no_text",
            next_step="If it is a scan, run text recognition (OCR) on it first.",
        )
    position = 0
    for segment in loaded.segments:
        if not position <= segment.start < segment.end <= n:
            raise SourceError(
                f"{name} was read, but its part {segment.label!r} does not fit its text; this is a fault of LongDoc.",
                code="crashed",
                next_step="Please report it with the kind of file.",
            )
        position = segment.end
