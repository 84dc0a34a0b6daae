"""Where a text may be cut: its blocks, lines and sentences, and the headings above each place.

Units are the smallest pieces a passage is made of: a sentence of prose, a line
of code, a row of a table. Each says how good a cut before it is. Nothing here
knows how long a passage may be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from longdoc.types import Document, Segment

# How good a cut before a unit is.
SENTENCE, LINE, BLOCK, SECTION, WALL = range(5)  # WALL: a passage never reaches over it

MAX_UNIT = 400  # characters; longer sentences are cut at blanks
_WALLS = frozenset({"file", "sheet", "slide"})
_SECTIONS = frozenset({"chapter", "section", "cell"})
_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")
_SENTENCE_END = re.compile(r"[.!?][\"'”’)\]]*\s+(?=[\"'“‘(\[]?[^\W_a-z])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|No|Nos|Art|Sec|Fig|Figs|Eq|Vol|pp|ca|cf|vs|etc|al|Inc|Ltd|Co|Corp|approx)"
    r"|e\.g|i\.e|U\.S)\.$"
)
_ITEM = re.compile(r"(?:[-*•‣–]|\(?[a-zA-Z0-9]{1,3}[.)]|\d+(?:\.\d+)+\.?|(?:Article|Section|Clause|§+)\s*\w+)\s")
_TURN = re.compile(r"[^\W\d_][\w .'’\-]{0,40}:\s")
_MARKDOWN_HEADING = re.compile(r"#{1,6}\s+\S")
_DEFINITION = re.compile(
    r"\s*(?:@|(?:export |public |private |protected |static |async |pub |abstract |final |default )*"
    r"(?:def|class|function|fn|func|struct|enum|interface|trait|impl|module|namespace|type|record)\b)"
)
_NOT_BLANK = re.compile(r"\S")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_PROSE_FILES = (".md", ".markdown", ".rst", ".txt", ".adoc")


@dataclass(frozen=True)
class Structure:
    """Units as parallel lists in text order, and what stands above them."""

    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)  # (start, words) from there on


def structure(document: Document) -> Structure:
    """Return the units of a document: in order, not overlapping, holding every character that is not blank."""
    found = Structure()
    for start, end, segment in _parts(document):
        level = SECTION if segment is not None and segment.kind in _SECTIONS else BLOCK
        if segment is not None and segment.kind in _WALLS:
            level = WALL
        named = segment is not None and segment.kind in _WALLS | _SECTIONS
        if named or (found.headings and level > BLOCK):
            found.headings.append((start, segment.label if segment is not None else ""))
        verbatim = _is_code(document, segment)
        first = True
        for a, b, unit_level in _units(document.text, start, end, verbatim, found.headings):
            found.starts.append(a)
            found.ends.append(b)
            found.levels.append(level if first and segment is not None else unit_level)
            first = False
    return found


def _parts(document: Document) -> Iterator[tuple[int, int, Segment | None]]:
    """Yield segments and the text between them. Pages do not part a text: sentences run over their edges."""
    at = 0
    for segment in document.segments:
        if segment.kind == "page" or segment.end <= segment.start:
            continue
        if segment.start > at:
            yield at, segment.start, None
        yield segment.start, segment.end, segment
        at = segment.end
    if at < len(document.text):
        yield at, len(document.text), None


def _is_code(document: Document, segment: Segment | None) -> bool:
    if segment is not None and segment.kind == "file":
        return not segment.label.lower().endswith(_PROSE_FILES)
    return document.loader in ("code", "json", "jsonl")


def _units(
    text: str, start: int, end: int, verbatim: bool, headings: list[tuple[int, str]]
) -> Iterator[tuple[int, int, int]]:
    for a, b, level in _runs(text, start, end, verbatim, headings):
        whole = verbatim or "|" in text[a:b] or "\t" in text[a:b]
        for c, d in [(a, b)] if whole else _sentences(text, a, b):
            for e, f in _bounded(text, c, d):
                yield e, f, level
                level = SENTENCE


def _runs(
    text: str, start: int, end: int, verbatim: bool, headings: list[tuple[int, str]]
) -> Iterator[tuple[int, int, int]]:
    """Yield lines that belong together: a line, or the lines of a paragraph that was wrapped at a width."""
    run: tuple[int, int, int] | None = None
    section = headings[-1][1] if headings else ""
    alone = False  # the run is one line that could be a heading
    before = ""  # the last line of the run
    blank, fenced, table = True, False, False
    for match in _LINE.finditer(text, start, end):
        line = match.group().strip()
        if not line:
            blank = True
            continue
        a = match.start() + len(match.group()) - len(match.group().lstrip())
        fence = bool(_FENCE.match(line))
        code = verbatim or fenced or fence
        row = not code and (line.count("|") >= 2 or " | " in line or "\t" in line)
        level = _level(line, text[match.start() : a], blank, code, row and table and not blank)
        if run is not None and level == LINE and not code and not row and _wrapped(before, line):
            run, alone = (run[0], a + len(line), run[2]), False
        else:
            if run is not None:
                run, section = _headed(text, run, alone, headings, section)
                yield run
            run = (a, a + len(line), level)
            alone = level >= BLOCK and not code and _is_heading(line, blank)
            if (row and level >= BLOCK) or (code and level == SECTION):
                headings.append((a, f"{section} {line}".strip()))  # rows know their columns, methods their class
            elif table and not row:
                headings.append((a, section))
        if fence:
            fenced = not fenced
        blank, table, before = False, row, line
    if run is not None:
        yield _headed(text, run, alone, headings, section)[0]


def _headed(
    text: str, run: tuple[int, int, int], alone: bool, headings: list[tuple[int, str]], section: str
) -> tuple[tuple[int, int, int], str]:
    """Return a run, raised to a section if it is a heading, and the words that are above what follows."""
    if not alone:
        return run, section
    words = text[run[0] : run[1]].lstrip("# ")
    headings.append((run[0], words))
    return (run[0], run[1], SECTION), words


def _level(line: str, indent: str, blank: bool, code: bool, in_table: bool) -> int:
    if in_table:
        return LINE
    if code:
        if _DEFINITION.match(line) and len(indent) <= 8:
            return SECTION if not indent else BLOCK
        return BLOCK if blank else LINE
    if _MARKDOWN_HEADING.match(line):
        return SECTION
    if blank or _ITEM.match(line) or _TURN.match(line):
        return BLOCK
    return LINE


def _is_heading(line: str, blank: bool) -> bool:
    """A short line by itself that is no sentence, no row and no turn of a dialogue."""
    if _MARKDOWN_HEADING.match(line):
        return True
    if not blank or len(line) > 80 or "|" in line or line[-1] in ".,;!?" or _TURN.match(line):
        return False
    return line[0].isupper() or line[0].isdigit()


def _wrapped(before: str, line: str) -> bool:
    """Tell whether a line goes on in the next one only because the page was narrow."""
    if before[-1] in ".!?:;|" or len(before) > 160:
        return False
    return line[0].islower() or len(before) >= 45


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    for match in _SENTENCE_END.finditer(text, start, end):
        if match.end() >= end or _ABBREVIATION.search(text, max(at, match.start() - 12), match.start() + 1):
            continue
        yield at, match.start() + len(match.group().rstrip())
        at = match.end()
    if at < end:
        yield at, end


def _bounded(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut what is longer than `MAX_UNIT` at blanks, or anywhere if there are none."""
    while end - start > MAX_UNIT:
        edge = start + MAX_UNIT
        cut = max(text.rfind(" ", start + MAX_UNIT // 2, edge), text.rfind("\n", start + 1, edge))
        cut = cut if cut > start else edge
        yield start, start + len(text[start:cut].rstrip())
        following = _NOT_BLANK.search(text, cut, end)
        start = following.start() if following else end
    if start < end:
        yield start, end
