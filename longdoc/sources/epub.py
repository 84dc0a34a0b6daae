"""E-books (EPUB 2 and 3): the text of the spine in order, headings as chapters.

Pages are XHTML of all qualities: parsed forgivingly, without entities, scripts or
network. Copy-protected books are refused. Pictures are not read; their descriptions are.
"""

from __future__ import annotations

import html.entities
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.loaded import Loaded, Report, TextBuilder, one_line
from longdoc.sources.packages import Package, attribute, child, children, local

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_FONT_OBFUSCATION = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CHAPTER_LEVEL = 3  # deeper headings stay inside their chapter
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd div dl dt fieldset figcaption figure footer form header"
    " hgroup hr legend li main nav ol p pre section table tbody tfoot thead tr ul".split()
)
_SKIPPED = frozenset("head script style template object audio video svg math rt rp".split())
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_DOCTYPE = re.compile(rb"<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_HEAD_BYTES = 1 << 16  # a document type stands at the beginning; looking further invites long searches
_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31});")
_XML_ENTITIES = (b"amp", b"lt", b"gt", b"quot", b"apos")


def load_epub(path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]) -> Loaded:
    """Read an e-book. Every chapter (a heading, or a page of the book's own contents) is a segment.

    `details["metadata"]` holds title and creator as the book states them.
    Raises SourceError: damaged, bomb, encrypted.
    """
    package = Package(path, name, settings)
    _refuse_protected(package, name)
    container = package.xml(_CONTAINER)
    roots = [attribute(item, "full-path") or "" for item in container.iter() if local(item) == "rootfile"]
    opf = next((posixpath.normpath(root) for root in roots if root), "")
    book = package.parse(_plain_xml(package.read(opf)), opf)
    folder = posixpath.dirname(opf)
    pages = _spine(package, book, folder)
    titles = _contents(package, book, folder)
    builder = TextBuilder()
    chapters = _Chapters(builder)
    n_hidden = 0
    for done, page in enumerate(pages, 1):
        walker = _Walker()
        walker.walk(_page_root(package, page))
        walker.end_block()
        n_hidden += walker.n_hidden
        blocks = walker.blocks
        if blocks and not blocks[0].level and page in titles:
            chapters.begin(titles[page], 1)  # named by the book's contents, not by a heading of its own
        for block in blocks:
            if 0 < block.level <= _CHAPTER_LEVEL:
                chapters.begin(block.text, block.level)
            chapters.add(block.text + ("\n" if block.tight else "\n\n"))
        report(done, len(pages), f"part {done} of {len(pages)}")
    chapters.end()
    if n_hidden:
        builder.warn("invisible_text", f"{n_hidden:,} characters marked as hidden were left out.")
    broken = [page for page in pages if page in package.broken]
    if broken:
        builder.warn(
            "damaged",
            f"{len(broken)} of {len(pages)} parts of the book are not well formed; some text may be missing.",
            ", ".join(broken[:20]),
        )
    return builder.build(details={"metadata": _metadata(book)})


def _refuse_protected(package: Package, name: str) -> None:
    """Raise SourceError if more than fonts is encrypted."""
    if _ENCRYPTION not in package:
        return
    for item in package.parse(_plain_xml(package.read(_ENCRYPTION)), _ENCRYPTION).iter():
        if local(item) == "EncryptedData":
            method = child(item, "EncryptionMethod")
            if method is None or attribute(method, "Algorithm") not in _FONT_OBFUSCATION:
                raise SourceError(
                    f"{name} is copy-protected (DRM), so its text cannot be read.",
                    code="encrypted",
                    next_step="Add an edition without copy protection.",
                )


def _spine(package: Package, book: Any, folder: str) -> list[str]:
    """Return the pages of the book in reading order."""
    items = {attribute(item, "id"): item for item in book.iter() if local(item) == "item"}
    spine = child(book, "spine")
    pages: list[str] = []
    for reference in children(spine, "itemref") if spine is not None else ():
        item = items.get(attribute(reference, "idref"))
        if item is None or "html" not in (attribute(item, "media-type") or ""):
            continue
        page = _member(folder, attribute(item, "href") or "")
        if "nav" not in (attribute(item, "properties") or "").split() and page in package and page not in pages:
            pages.append(page)
    if not pages:
        raise package.damaged("it lists no pages")
    return pages


def _contents(package: Package, book: Any, folder: str) -> dict[str, str]:
    """Return the titles that the book's own table of contents gives to pages (the first one each)."""
    titles: dict[str, str] = {}
    for item in (item for item in book.iter() if local(item) == "item"):
        part = _member(folder, attribute(item, "href") or "")
        is_nav = "nav" in (attribute(item, "properties") or "").split()
        if part not in package or not (is_nav or attribute(item, "media-type") == "application/x-dtbncx+xml"):
            continue
        root = _page_root(package, part)
        for entry in root.iter():
            if local(entry) == "navPoint":
                label, content = child(entry, "navLabel", "text"), child(entry, "content")
                title, link = (
                    (label.text if label is not None else ""),
                    attribute(content, "src") if content is not None else "",
                )
            elif is_nav and local(entry) == "a":
                title, link = "".join(entry.itertext()), attribute(entry, "href")
            else:
                continue
            target = _member(posixpath.dirname(part), (link or "").split("#")[0])
            if title and title.strip():
                titles.setdefault(target, title)
    return titles


def _metadata(book: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in book.iter():
        if local(item) in ("title", "creator", "language") and item.text and item.text.strip():
            found.setdefault(local(item), one_line(item.text))
    return found


def _member(folder: str, link: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(link)))


def _page_root(package: Package, page: str) -> Any:
    return package.parse(_plain_xml(package.read(page)), page, recover=True)


def _plain_xml(data: bytes) -> bytes:
    """Return XHTML without its document type and with named characters as numbers: then no DTD is needed."""

    def number(match: re.Match[bytes]) -> bytes:
        name = match.group(1)
        if name in _XML_ENTITIES:
            return match.group()
        characters = html.entities.html5.get(name.decode() + ";", "")
        return "".join(f"&#{ord(ch)};" for ch in characters).encode()

    head = _DOCTYPE.sub(b"", data[:_HEAD_BYTES], count=1)
    return _ENTITY.sub(number, head + data[_HEAD_BYTES:])


@dataclass
class _Block:
    text: str
    level: int  # of a heading, else 0
    tight: bool  # no blank line after it: list items, table rows


@dataclass
class _Walker:
    """Turns a page's elements into blocks of text."""

    blocks: list[_Block] = field(default_factory=list)
    n_hidden: int = 0
    _pieces: list[str] = field(default_factory=list)
    _level: int = 0
    _tight: bool = False
    _verbatim: bool = False

    def walk(self, element: Any) -> None:
        """Add what an element holds (not its tail)."""
        name = local(element)
        if name in _SKIPPED or not isinstance(element.tag, str):
            return
        if element.get("hidden") is not None or _HIDDEN.search(element.get("style") or ""):
            self.n_hidden += sum(len(text.strip()) for text in element.itertext())
            return
        if name == "br":
            self._pieces.append("\n")
        elif name == "img":
            self._pieces.append(f" {element.get('alt') or ''} ")
        elif name == "tr":
            self._row(element)
        elif name in _BLOCKS or name in _HEADINGS:
            self._in_block(element, name)
        else:
            self._inside(element)

    def end_block(self) -> None:
        """Close the block being collected, if it holds anything."""
        text = "".join(self._pieces)
        if not self._verbatim:
            text = "\n".join(" ".join(line.split()) for line in text.split("\n"))
        text = text.strip("\n") if self._verbatim else text.strip()
        if text.strip():
            self.blocks.append(_Block(" ".join(text.split()) if self._level else text, self._level, self._tight))
        self._pieces.clear()

    def _in_block(self, element: Any, name: str) -> None:
        self.end_block()
        before = self._level, self._tight, self._verbatim
        self._level = _HEADINGS.get(name, self._level)
        self._tight = self._tight or name == "li"
        self._verbatim = self._verbatim or name == "pre"
        if name == "li":
            self._pieces.append("- ")
        self._inside(element)
        self.end_block()
        self._level, self._tight, self._verbatim = before

    def _inside(self, element: Any) -> None:
        self._text(element.text)
        for item in element:
            self.walk(item)
            self._text(item.tail)

    def _text(self, text: str | None) -> None:
        if text:
            self._pieces.append(text if self._verbatim else re.sub(r"\s+", " ", text))

    def _row(self, element: Any) -> None:
        """Add a table row as "a | b | c"."""
        self.end_block()
        cells = []
        for cell in element:
            if local(cell) in ("td", "th"):
                inner = _Walker()
                inner.walk(cell)
                inner.end_block()
                self.n_hidden += inner.n_hidden
                cells.append(" ".join(" ".join(block.text.split()) for block in inner.blocks))
        row = " | ".join(cells).strip()
        if row.strip(" |"):
            self.blocks.append(_Block(row, 0, True))


class _Chapters:
    """Segments of a builder: each begins at a heading and ends where the next begins."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._current: tuple[int, str, int] | None = None
        self._is_empty = False  # since it began, only headings were added

    def begin(self, label: str, level: int) -> None:
        """Start a chapter; headings that follow one another directly are one chapter ("CHAPTER I", "The Arrival")."""
        if self._current is not None and self._is_empty:
            start, above, top = self._current
            self._current = (start, f"{above}: {label}", top)
            return
        self.end()
        self._current = (self._builder.length, label, level)
        self._is_empty = True

    def add(self, text: str) -> None:
        """Append text to the current chapter."""
        if self._current is not None and text.strip() not in self._current[1]:
            self._is_empty = False
        self._builder.add(text)

    def end(self) -> None:
        """Close the current chapter."""
        if self._current is not None:
            start, label, level = self._current
            self._builder.segment(start, "chapter", label, level=level)
        self._current = None
