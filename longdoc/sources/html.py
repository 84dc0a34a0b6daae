"""HTML: what a reader of the page sees, headings as sections.

One pass over parser events without building a tree, so that neither depth nor size
matters. Scripts, styles, forms' machinery and elements hidden in place are left out;
hidden words are counted. Style sheets are not evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.decode import Decoded, decode
from longdoc.sources.loaded import Loaded, Report, TextBuilder, one_line

_DROPPED = frozenset(
    "script style noscript template svg math iframe object embed applet canvas audio video map datalist select button "
    "textarea rp".split()
)
# Lines of blank space that a block asks for around itself: one line end, or a blank line.
_LINE = frozenset(
    "address article aside body caption center dd details dialog dir div dt fieldset figcaption footer form header "
    "hgroup hr legend li main menu nav summary tbody tfoot thead tr".split()
)
_BLANK = frozenset("p h1 h2 h3 h4 h5 h6 table ul ol dl pre blockquote section figure".split())
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_HIDDEN_STYLE = re.compile(
    r"(?i)(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0*\.?0+[a-z%]*\s*(?:;|!|$)"
    r"|opacity\s*:\s*0*\.?0+\s*(?:;|!|$))"
)
_SPACE = re.compile(r"[ \t\n\v\f\r]+")
_META_CHARSET = re.compile(rb"(?i)<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([a-z0-9_:.-]{2,40})")
_XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_FEED_CHARACTERS = 1 << 16


def load_html(path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]) -> Loaded:
    """Read a page's visible text. Segments: one section for each heading, up to the next one."""
    data = path.read_bytes()
    decoded = _decoded(data)
    if decoded is None:
        raise SourceError(
            f"{name} begins like HTML and goes on as a binary file.",
            code="unsupported",
            next_step="Save the page again from a browser.",
        )
    page = _read(_XML_DECLARATION.sub("", decoded.text).replace("\0", ""), name, report)
    text = page.text
    builder = TextBuilder()
    # Offsets are taken in cleaned pieces, so each section is added by itself.
    edges = [at for at, _, _ in page.headings] + [len(text)]
    builder.add(text[: edges[0]])
    for (at, level, label), end in zip(page.headings, edges[1:], strict=True):
        start, _ = builder.add(text[at:end])
        builder.segment(start, "section", label, level=level)
    if page.n_hidden:
        builder.warn("invisible_text", f"{page.n_hidden:,} characters of hidden text were left out.")
    for warned in decoded.warnings():
        builder.warn(warned.code, warned.message)
    first = next((label for _, level, label in page.headings if level == 1), "")
    return builder.build(" ".join(page.title.split()) or first or name, {"encoding": decoded.encoding})


def _decoded(data: bytes) -> Decoded | None:
    """Decode by the page's own statement where it makes one and it holds, else as any text."""
    stated = _META_CHARSET.search(data, 0, 4096)
    found = decode(data)
    if stated is None or found is None or not found.guessed:
        return found
    try:
        encoding = stated[1].decode("ascii").lower()
        encoding = {"iso-8859-1": "cp1252", "latin1": "cp1252", "ascii": "cp1252"}.get(encoding, encoding)
        return Decoded(data.decode(encoding), encoding)
    except (LookupError, ValueError):
        return found


def _read(html: str, name: str, report: Report) -> _Page:
    page = _Page()
    parser = etree.HTMLParser(target=page, huge_tree=True, no_network=True)
    try:
        for start in range(0, len(html), _FEED_CHARACTERS):
            parser.feed(html[start : start + _FEED_CHARACTERS])
            report(min(start + _FEED_CHARACTERS, len(html)), len(html), "page read")
        parser.close()
    except etree.LxmlError as error:
        raise SourceError(
            f"{name} could not be read as HTML.", code="damaged", next_step="Save the page again from a browser."
        ) from error
    return page


def _is_hidden(tag: str, attributes: Mapping[str, str]) -> bool:
    if tag in ("html", "body"):  # pages hide these until their scripts have run
        return False
    if "hidden" in attributes or (tag == "dialog" and "open" not in attributes):
        return True
    return bool(_HIDDEN_STYLE.search(attributes.get("style", "")))


@dataclass
class _Heading:
    """An open heading; where it begins is known with its first word."""

    start: int = -1
    first_piece: int = 0


@dataclass
class _Row:
    """An open table row."""

    cells: int = 0
    started: bool = False  # has words
    broken: bool = False  # its words take several lines


class _Page:
    """Parser target that writes down visible text. lxml gives it balanced start and end events."""

    def __init__(self) -> None:
        self.title = ""
        self.headings: list[tuple[int, int, str]] = []  # (offset in text, level, words)
        self.n_hidden = 0
        self._pieces: list[str] = []
        self._length = 0
        self._gap = 0  # line ends owed before the next word
        self._space = False  # a space owed before the next word
        self._held = True  # at the very start, after a list mark or a cell border: blocks owe no line
        self._skipping = 0  # depth inside an element that is left out
        self._hidden = False  # whether that element was hidden, rather than machinery
        self._pre = 0
        self._in_title = False
        self._lists: list[int] = []  # next number of each open list; 0 for bullets
        self._rows: list[_Row] = []
        self._open: list[_Heading] = []

    @property
    def text(self) -> str:
        """All visible text."""
        return "".join(self._pieces)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Open an element."""
        if self._skipping:
            self._skipping += 1
        elif tag in _DROPPED or _is_hidden(tag, attributes):
            self._skipping, self._hidden = 1, tag not in _DROPPED
        elif tag == "title":
            self._in_title = True
        elif tag == "br":
            self._gap, self._space = min(2, self._gap + 1), False
        elif tag in ("td", "th"):
            self._open_cell()
        else:
            self._block(tag)
            if tag in _HEADINGS:
                self._open.append(_Heading())
            elif tag in ("ul", "menu", "dir"):
                self._lists.append(0)
            elif tag == "ol":
                self._lists.append(_number(attributes.get("start")))
            elif tag == "li":
                self._mark_item()
            elif tag == "tr":
                self._rows.append(_Row())
            elif tag == "pre":
                self._pre += 1

    def end(self, tag: str) -> None:
        """Close an element."""
        if self._skipping:
            self._skipping -= 1
            return
        if tag == "title":
            self._in_title = False
        elif tag in _HEADINGS and self._open:
            heading = self._open.pop()
            words = one_line("".join(self._pieces[heading.first_piece :])) if heading.start >= 0 else ""
            # Headings inside headings would overlap; the outer one, which ends later, gives way.
            if words and (not self.headings or self.headings[-1][0] < heading.start):
                self.headings.append((heading.start, _HEADINGS[tag], words))
        elif tag in ("ul", "menu", "dir", "ol") and self._lists:
            self._lists.pop()
        elif tag == "tr" and self._rows:
            self._close_row()
        elif tag == "pre":
            self._pre = max(0, self._pre - 1)
        if tag not in ("br", "td", "th"):
            self._block(tag)

    def data(self, data: str) -> None:
        """Take in words."""
        if self._skipping:
            self.n_hidden += len(data.strip()) if self._hidden else 0
        elif self._in_title:
            self.title += data
        elif self._pre:
            if data:
                self._write(data)
        else:
            words = _SPACE.sub(" ", data.replace("\xa0", " "))
            self._space = self._space or words.startswith(" ")
            if words.strip(" "):
                self._write(words.strip(" "))
                self._space = words.endswith(" ")

    def comment(self, _text: str) -> None:
        """Comments are not shown."""

    def close(self) -> _Page:
        """Return the finished page."""
        return self

    def _block(self, tag: str) -> None:
        """Owe the lines that a block's border asks for."""
        lines = 2 if tag in _BLANK else 1 if tag in _LINE else 0
        if lines and not self._held:
            self._space = False
            self._gap = max(self._gap, lines)

    def _open_cell(self) -> None:
        """Divide cells by " | ", except where a layout table holds whole paragraphs."""
        if not self._rows:
            return
        row = self._rows[-1]
        row.cells += 1
        if row.cells > 1 and not row.broken:
            if row.started:
                self._gap = 0
            self._space = True
            self._write("|")
            self._space = self._held = True

    def _close_row(self) -> None:
        row = self._rows.pop()
        if self._rows:
            above = self._rows[-1]
            above.broken = above.broken or row.broken or (above.started and row.started)
            above.started = above.started or row.started
        if not row.broken:
            self._gap = min(self._gap, 1)  # a paragraph in a cell asks for no blank line after the row
        self._held = False

    def _mark_item(self) -> None:
        if not self._lists:
            return
        number = self._lists[-1]
        self._lists[-1] += 1 if number else 0
        self._write(f"{number}." if number else "-")
        self._space = self._held = True

    def _write(self, words: str) -> None:
        row = self._rows[-1] if self._rows else None
        if self._length:
            if self._gap:
                self._append("\n" * self._gap)
            elif self._space:
                self._append(" ")
        if row:
            row.broken = row.broken or (row.started and self._gap > 0)
            row.started = True
        for heading in reversed(self._open):
            if heading.start >= 0:
                break
            heading.start, heading.first_piece = self._length, len(self._pieces)
        self._append(words)
        self._gap, self._space, self._held = 0, False, False

    def _append(self, piece: str) -> None:
        self._pieces.append(piece)
        self._length += len(piece)


def _number(start: str | None) -> int:
    try:
        return max(1, int(start or "1"))
    except ValueError:
        return 1
