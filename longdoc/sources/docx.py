"""Word files: paragraphs, tables and lists in reading order, headings as sections.

Read as they show on paper: tracked insertions stand, deletions and comments do not
(both are reported), list numbers are worked out, footnotes follow the paragraph that
refers to them, text boxes follow the paragraph they hang on. Text marked hidden is
left out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longdoc.settings import Settings
from longdoc.sources.docx_numbering import Numbering
from longdoc.sources.loaded import Loaded, Report, TextBuilder
from longdoc.sources.packages import Package, attribute, child, children, local, preferred

_CONTAINERS = ("sdtContent", "customXml", "smartTag", "ins", "moveTo", "body", "document", "sdt")
_SKIPPED = ("pPr", "rPr", "instrText", "del", "moveFrom", "delText", "fldData", "rt", "sdtPr", "sdtEndPr", "tblPr")
_OFF = ("0", "false", "off", "none")
_HEADING = re.compile(r"heading ([1-9])$", re.IGNORECASE)
_REPORT_EVERY = 200  # blocks


@dataclass(frozen=True)
class Style:
    """What a paragraph inherits from its style."""

    level: int  # 1 to 9 for headings, 0 for text
    list_id: str
    list_level: int


@dataclass
class Paragraph:
    """A paragraph while it is being read."""

    text: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)  # (part, id) of foot- and endnotes
    boxes: list[Any] = field(default_factory=list)  # text boxes hanging on it
    n_hidden: int = 0


def load_docx(path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]) -> Loaded:
    """Read a Word file. A segment runs from one heading to the next; a file without headings has none.

    Raises SourceError: damaged, bomb, encrypted.
    """
    package = Package(path, name, settings)
    return _Reader(package, package.main_part(), report).read()


class _Reader:
    def __init__(self, package: Package, main: str, report: Report) -> None:
        self.package = package
        self.report = report
        self.root = package.xml(main)
        self.parts: dict[str, list[str]] = {}
        for relation in package.relations(main).values():
            if relation.target in package:
                self.parts.setdefault(relation.kind, []).append(relation.target)
        self.styles, self.default_style = _styles(self._part("styles"))
        self.numbering = Numbering(self._part("numbering"))
        self.notes = {kind: _notes(self._part(f"{kind}s")) for kind in ("footnote", "endnote")}
        self.builder = TextBuilder()
        self.n_hidden = 0
        self.n_notes = 0
        self.heading: tuple[int, str, int] | None = None  # start, label, level
        self.after_item = False

    def read(self) -> Loaded:
        body = child(self.root, "body")
        if body is None:
            raise self.package.damaged("it has no body")
        blocks = list(_blocks(body))
        for done, block in enumerate(blocks, 1):
            self._block(block)
            if done % _REPORT_EVERY == 0 or done == len(blocks):
                self.report(done, len(blocks), f"paragraph {done} of {len(blocks)}")
        self._headers_and_footers()
        self._end_section()
        self._warn()
        return self.builder.build()

    def _part(self, kind: str) -> Any | None:
        found = self.parts.get(kind)
        return self.package.xml(found[0]) if found else None

    def _block(self, block: Any) -> None:
        if local(block) == "tbl":
            rows = [row for row in self._rows(block) if row.strip(" |")]
            if rows:
                self._add("\n".join(rows))
            return
        paragraph = self._paragraph(block)
        level, number = self._level_and_number(block)
        text = _tidy("".join(paragraph.text))
        if text:
            text = f"{number} {text}" if number else text
            if level:
                self._start_section(text, level)
            self._add(text, item=bool(number) and not level)
        for note in paragraph.notes:
            self._note(*note)
        for box in paragraph.boxes:
            for inner in _blocks(box):
                self._block(inner)

    def _add(self, text: str, *, item: bool = False) -> None:
        """Append a block; a blank line stands between blocks, but not between items of a list."""
        if self.builder.length:
            self.builder.add("\n" if item and self.after_item else "\n\n")
        if self.heading and self.heading[0] < 0:
            self.heading = (self.builder.length, *self.heading[1:])
        self.builder.add(text)
        self.after_item = item

    def _start_section(self, label: str, level: int) -> None:
        self._end_section()
        self.heading = (-1, label, level)  # begins with the next block, after the blank line

    def _end_section(self) -> None:
        if self.heading is not None and self.heading[0] >= 0:
            start, label, level = self.heading
            self.builder.segment(start, "section", label, level=level)

    def _note(self, kind: str, number: str) -> None:
        element = self.notes[kind].get(number)
        text = " ".join(self._plain(element)) if element is not None else ""
        if text:
            self.n_notes += 1
            self._add(f"Note {self.n_notes}: {text}")

    def _plain(self, element: Any) -> Iterator[str]:
        """Yield the texts of the blocks inside an element, one line each."""
        for block in _blocks(element):
            if local(block) == "tbl":
                yield from (row for row in self._rows(block) if row.strip(" |"))
                continue
            paragraph = self._paragraph(block)
            _, number = self._level_and_number(block)
            text = " ".join("".join(paragraph.text).split())
            if text:
                yield f"{number} {text}" if number else text
            for box in paragraph.boxes:
                yield from self._plain(box)

    def _rows(self, table: Any) -> Iterator[str]:
        for row in _within(table, "tr"):
            yield " | ".join(" ".join(self._plain(cell)) for cell in _within(row, "tc")).strip()

    def _paragraph(self, element: Any) -> Paragraph:
        paragraph = Paragraph()
        self._walk(element, paragraph)
        self.n_hidden += paragraph.n_hidden
        return paragraph

    def _walk(self, element: Any, into: Paragraph) -> None:
        for item in element:
            name = local(item)
            if name in _SKIPPED:
                continue
            if name == "t":
                into.text.append(item.text or "")
            elif name in ("tab", "ptab"):
                into.text.append("\t")
            elif name in ("br", "cr"):
                into.text.append("\n")
            elif name == "noBreakHyphen":
                into.text.append("-")
            elif name in ("footnoteReference", "endnoteReference"):
                into.notes.append((name.removesuffix("Reference"), attribute(item, "id") or ""))
            elif name == "txbxContent":
                into.boxes.append(item)
            elif name == "AlternateContent":
                branch = preferred(item)
                if branch is not None:
                    self._walk(branch, into)
            elif name == "r" and _is_hidden(item):
                into.n_hidden += sum(len(t.text or "") for t in item.iter() if local(t) == "t")
            else:
                self._walk(item, into)

    def _level_and_number(self, element: Any) -> tuple[int, str]:
        """Return a paragraph's heading level (0: none) and its list number ("" without)."""
        properties = child(element, "pPr")
        named = child(properties, "pStyle") if properties is not None else None
        style_id = attribute(named, "val") if named is not None else self.default_style
        style = self.styles.get(style_id or "", Style(0, "", 0))
        level, list_id, list_level = style.level, style.list_id, style.list_level
        if properties is not None:
            outline = child(properties, "outlineLvl")
            if outline is not None:
                level = _outline_level(outline)
            number = child(properties, "numPr")
            if number is not None:
                list_id = _value(child(number, "numId"), list_id)
                list_level = int(_value(child(number, "ilvl"), str(list_level)) or 0)
        return level, self.numbering.next(list_id, list_level) if list_id not in ("", "0") else ""

    def _headers_and_footers(self) -> None:
        """Add what stands at the edges of pages once, at the end; page numbers alone say nothing."""
        seen: list[str] = []
        for kind in ("header", "footer"):
            for part in self.parts.get(kind, []):
                text = "\n".join(self._plain(self.package.xml(part)))
                if text and text not in seen and re.search(r"[^\W\d_]{3}", re.sub(r"(?i)\bpage\b|\bof\b", "", text)):
                    seen.append(text)
        if seen:
            if self.heading is not None:
                self._start_section("Page headers and footers", 1)
            self._add("\n".join(seen))

    def _warn(self) -> None:
        if self.n_hidden:
            self.builder.warn("invisible_text", f"{self.n_hidden:,} characters marked as hidden were left out.")
        comments = self._part("comments")
        n_comments = sum(1 for _ in children(comments, "comment")) if comments is not None else 0
        if n_comments:
            self.builder.warn("comments", f"{n_comments:,} comment{'s were' if n_comments > 1 else ' was'} left out.")
        if any(local(item) in ("del", "moveFrom") and len(item) for item in self.root.iter()):
            self.builder.warn("tracked_changes", "Tracked changes are read as if accepted; deleted text was left out.")


def _blocks(element: Any) -> Iterator[Any]:
    """Yield paragraphs and tables in order, whatever they are wrapped in."""
    for item in element:
        name = local(item)
        if name in ("p", "tbl"):
            yield item
        elif name == "AlternateContent":
            branch = preferred(item)
            if branch is not None:
                yield from _blocks(branch)
        elif name in _CONTAINERS:
            yield from _blocks(item)


def _within(element: Any, name: str) -> Iterator[Any]:
    """Yield rows of a table or cells of a row, through content controls and the like."""
    for item in element:
        if local(item) == name:
            yield item
        elif local(item) in _CONTAINERS:
            yield from _within(item, name)


def _is_hidden(run: Any) -> bool:
    mark = child(run, "rPr", "vanish")
    return mark is not None and (attribute(mark, "val") or "1").lower() not in _OFF


def _tidy(text: str) -> str:
    return "\n".join(line.strip() for line in text.split("\n")).strip()


def _value(element: Any | None, default: str) -> str:
    return default if element is None else attribute(element, "val") or default


def _outline_level(element: Any) -> int:
    value = attribute(element, "val") or ""
    return int(value) + 1 if value.isdecimal() and int(value) < 9 else 0


def _notes(root: Any | None) -> dict[str, Any]:
    """Return notes by id, without the separators that Word keeps among them."""
    if root is None:
        return {}
    return {attribute(note, "id") or "": note for note in root if attribute(note, "type") in (None, "normal")}


def _styles(root: Any | None) -> tuple[dict[str, Style], str]:
    """Return what each paragraph style sets, its ancestors' settings included, and the default style's id."""
    if root is None:
        return {}, ""
    elements = {attribute(item, "styleId") or "": item for item in children(root, "style")}
    default = next((key for key, item in elements.items() if _is_default(item)), "")
    return {key: _style(key, elements) for key in elements}, default


def _is_default(style: Any) -> bool:
    return attribute(style, "type") == "paragraph" and attribute(style, "default") in ("1", "true")


def _style(key: str, elements: dict[str, Any]) -> Style:
    level, list_id, list_level = -1, "", -1
    seen: set[str] = set()
    while key in elements and key not in seen:
        seen.add(key)
        element = elements[key]
        outline = child(element, "pPr", "outlineLvl")
        named = _HEADING.match(_value(child(element, "name"), ""))
        if level < 0 and outline is not None:
            level = _outline_level(outline)
        if level < 0 and named:
            level = int(named.group(1))
        if level < 0 and _value(child(element, "name"), "").lower() == "title":
            level = 1
        list_id = list_id or _value(child(element, "pPr", "numPr", "numId"), "")
        if list_level < 0:
            list_level = int(_value(child(element, "pPr", "numPr", "ilvl"), "-1"))
        key = _value(child(element, "basedOn"), "")
    return Style(max(level, 0), list_id, max(list_level, 0))
