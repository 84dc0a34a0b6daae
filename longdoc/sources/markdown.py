"""Markdown: the text as it is, its headings as sections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from longdoc.settings import Settings
from longdoc.sources.decode import read_text
from longdoc.sources.loaded import Loaded, Report, TextBuilder

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_NOT_A_PARAGRAPH = re.compile(r" {0,3}(?:[-*+>|]|\d+[.)]|#{1,6}(?:\s|$)|<)|\s*$|\t| {4}")
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"(?m)^title:[ \t]*[\"']?(.*?)[\"']?[ \t]*$")
_LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_EMPHASIS = re.compile(r"(\*\*|__|\*|`|~~)(\S(?:.*?\S)?)\1")


def load_markdown(path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]) -> Loaded:
    """Read Markdown unchanged. Segments: one section for each heading, up to the next one."""
    text, decoded, removed = read_text(path, name, settings)
    builder = TextBuilder()
    builder.add(text)
    builder.count_invisible(removed)
    headings = markdown_headings(text)
    for n, (start, level, label) in enumerate(headings):
        end = headings[n + 1][0] if n + 1 < len(headings) else len(text)
        builder.segment(start, "section", label, end=end, level=level)
    for warned in decoded.warnings():
        builder.warn(warned.code, warned.message)
    report(len(text), len(text), "text read")
    return builder.build(_title(text, headings) or name, {"encoding": decoded.encoding})


def markdown_headings(text: str) -> list[tuple[int, int, str]]:
    """Return (offset of the line, level 1-6, plain words) of every heading outside code and front matter."""
    found: list[tuple[int, int, str]] = []
    front = _FRONT_MATTER.match(text)
    position = front.end() if front else 0
    fence = ""
    before: tuple[int, str] | None = None  # the line above, if it may be underlined
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        line = text[position:end]
        mark = _FENCE.match(line)
        if fence:
            # A fence closes with at least as many of its own marks and nothing after them.
            if mark and mark[1].startswith(fence) and not line.strip(" \t" + fence[0]):
                fence = ""
            before = None
        elif mark and not (mark[1][0] == "`" and "`" in line[mark.end() :]):
            fence, before = mark[1], None
        elif heading := _ATX.match(line):
            found.append((position, len(heading[1]), _plain(heading[2] or "") or heading[1]))
            before = None
        elif before and (underline := _UNDERLINE.match(line)):
            found.append((before[0], 1 if underline[1][0] == "=" else 2, _plain(before[1])))
            before = None
        else:
            before = None if _NOT_A_PARAGRAPH.match(line) else (position, line)
        position = end + 1
    return found


def _plain(heading: str) -> str:
    """Return a heading's words without links and emphasis."""
    words = _LINK.sub(r"\1", heading)
    for _ in range(3):  # marks inside marks
        words = _EMPHASIS.sub(r"\2", words)
    return words.strip()


def _title(text: str, headings: list[tuple[int, int, str]]) -> str:
    front = _FRONT_MATTER.match(text)
    if front:
        title = _TITLE.search(front[1])
        if title and title[1]:
            return title[1]
    return headings[0][2] if headings and headings[0][1] == 1 else ""
