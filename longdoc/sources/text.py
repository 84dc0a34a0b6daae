"""Plain text and single source files.

Text keeps its words and lines as they are; form feeds become pages and chapter
headings chapters. A source file is one segment, so that citations count its lines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from longdoc.settings import Settings
from longdoc.sources.decode import read_text
from longdoc.sources.loaded import Loaded, Report, TextBuilder, invisible_warning
from longdoc.sources.secrets import find_secrets
from longdoc.sources.turns import add_turns
from longdoc.types import Segment, Warned

_CHAPTER = re.compile(
    r"(?i)(?:(?:chapter|part|book|volume|article|section|appendix|annex|schedule|act|canto|letter)[ \t]+"
    r"(?:\d{1,4}|[ivxlcdm]{1,8}|[a-h]|[a-z]{3,12})\b.{0,100}"
    r"|prologue|epilogue|introduction|preface|foreword|afterword|conclusion)[ \t.:]*"
)
_MAX_HEADING_CHARACTERS = 140
_BLANK_LINE = re.compile(r"\n[ \t]*(?:\n|\Z)|\Z")
_LEADS_TO_A_PAGE = re.compile(r"[ \t.]{4,}\d+$")  # a line of a table of contents


def load_text(path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]) -> Loaded:
    """Read plain text. Segments: turns of a transcript, else pages, else chapters at headings, else none."""
    text, decoded, removed = read_text(path, name, settings)
    builder = TextBuilder()
    builder.add(text)
    speakers = add_turns(text, builder)
    if speakers:
        pass
    elif "\f" in text.strip("\f\n "):
        _pages(text, builder)
    else:
        _chapters(text, builder)
    for warned in decoded.warnings():
        builder.warn(warned.code, warned.message)
    if removed:
        builder.count_invisible(removed)
    report(len(text), len(text), "text read")
    return builder.build(name, {"encoding": decoded.encoding} | ({"speakers": speakers} if speakers else {}))


def load_code(path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]) -> Loaded:
    """Read one source file: one segment of kind "file". Possible secrets are warned of, not left out."""
    text, decoded, removed = read_text(path, name, settings)
    segments = (Segment(0, len(text), "file", name),) if text else ()
    warnings = [*decoded.warnings(), *([invisible_warning(removed)] if removed else [])]
    for secret in find_secrets(text, name):
        message = f"Line {secret.line} may hold a secret ({secret.kind})."
        warnings.append(Warned("possible_secret", message, f"{name}:{secret.line}"))
    report(len(text), len(text), "source read")
    return Loaded(text, segments, tuple(warnings), name, {"encoding": decoded.encoding})


def _pages(text: str, builder: TextBuilder) -> None:
    start, number = 0, 0
    while start < len(text):
        at = text.find("\f", start)
        end = len(text) if at < 0 else at + 1
        number += 1
        builder.segment(start, "page", f"p. {number}", end=end, page=number)
        start = end


def _chapters(text: str, builder: TextBuilder) -> None:
    """Name chapters by headings that stand alone between blank lines."""
    found: list[tuple[int, str]] = []
    position, blank_above = 0, True
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        blank = not text[position : min(end, position + _MAX_HEADING_CHARACTERS)].strip()
        if blank_above and not blank and end - position <= _MAX_HEADING_CHARACTERS:
            heading = text[position:end].strip()
            alone = _CHAPTER.fullmatch(heading) and _BLANK_LINE.match(text, end)
            if alone and not _LEADS_TO_A_PAGE.search(heading):
                found.append((text.index(heading, position), heading))
        blank_above = blank
        position = end + 1
    if len(found) < 2:
        return  # a single match is as likely a line of prose
    for n, (start, heading) in enumerate(found):
        end = found[n + 1][0] if n + 1 < len(found) else len(text)
        builder.segment(start, "chapter", heading, end=end, level=1)
