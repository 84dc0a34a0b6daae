"""PowerPoint files: slides in order, each a segment with its title, text, tables, chart data and notes.

Shapes are read in the order of the file, which is the order screen readers use, the
title first. Hidden slides are read and reported. Texts of masters and layouts
("Click to edit") are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from longdoc.settings import Settings
from longdoc.sources.loaded import Loaded, Report, TextBuilder
from longdoc.sources.packages import Package, Relation, attribute, child, children, local, preferred

_TITLES = ("title", "ctrTitle")
_FURNITURE = ("sldNum", "dt", "ftr", "hdr")  # placeholders that repeat on every slide


def load_pptx(path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]) -> Loaded:
    """Read a PowerPoint file. Every slide is a segment "slide 3".

    Raises SourceError: damaged, bomb, encrypted.
    """
    package = Package(path, name, settings)
    main = package.main_part()
    slides = list(_slides(package, main))
    builder = TextBuilder()
    hidden = []
    for number, part in enumerate(slides, 1):
        root = package.xml(part)
        if attribute(root, "show") in ("0", "false"):
            hidden.append(str(number))
        start, _ = builder.add(f"Slide {number}\n")
        for block in _slide_blocks(package, part, root):
            builder.add(f"{block}\n")
        builder.add("\n")
        builder.segment(start, "slide", f"slide {number}", page=number)
        report(number, len(slides), f"slide {number} of {len(slides)}")
    if hidden:
        where = ", ".join(hidden)
        builder.warn("hidden_slides", f"{len(hidden)} of {len(slides)} slides are hidden in the show ({where}).", where)
    return builder.build()


def _slides(package: Package, main: str) -> Iterator[str]:
    """Yield the parts of the slides in the order of the show."""
    relations = package.relations(main)
    listed = child(package.xml(main), "sldIdLst")
    for item in listed if listed is not None else ():
        for key, value in item.items():
            relation = relations.get(str(value))
            if key.endswith("}id") and relation is not None and relation.target in package:
                yield relation.target


def _slide_blocks(package: Package, part: str, root: Any) -> Iterator[str]:
    relations = package.relations(part)
    shapes = child(root, "cSld", "spTree")
    found = list(_shapes(shapes)) if shapes is not None else []
    found.sort(key=lambda shape: _placeholder(shape) not in _TITLES)  # stable: the title first, then as they come
    for shape in found:
        if _placeholder(shape) not in _FURNITURE:
            yield from _shape_blocks(package, relations, shape)
    for relation in relations.values():
        if relation.kind == "notesSlide" and relation.target in package:
            notes = child(package.xml(relation.target), "cSld", "spTree")
            lines = [
                line
                for shape in (_shapes(notes) if notes is not None else ())
                if _placeholder(shape) not in (*_FURNITURE, "sldImg")
                for line in _paragraphs(child(shape, "txBody"))
            ]
            if lines:
                yield "Notes: " + "\n".join(lines)


def _shapes(element: Any) -> Iterator[Any]:
    """Yield shapes, tables and charts, groups taken apart."""
    for item in element:
        name = local(item)
        if name in ("sp", "graphicFrame", "cxnSp"):
            yield item
        elif name == "grpSp":
            yield from _shapes(item)
        elif name == "AlternateContent":
            branch = preferred(item)
            if branch is not None:
                yield from _shapes(branch)


def _placeholder(shape: Any) -> str:
    """Return what kind of placeholder a shape fills; "" for none."""
    for item in shape:
        mark = child(item, "nvPr", "ph") if local(item).startswith("nv") else None
        if mark is not None:
            return attribute(mark, "type") or "body"
    return ""


def _shape_blocks(package: Package, relations: dict[str, Relation], shape: Any) -> Iterator[str]:
    lines = list(_paragraphs(child(shape, "txBody")))
    if lines:
        yield "\n".join(lines)
    data = child(shape, "graphic", "graphicData")
    if data is None:
        return
    for item in data:
        name = local(item)
        if name == "tbl":
            rows = [_row(row) for row in children(item, "tr")]
            yield "\n".join(row for row in rows if row.strip(" |"))
        elif name == "chart":
            yield from _linked(package, relations, attribute(item, "id"), _chart)
        elif name == "relIds":  # SmartArt keeps its text in a part of its own
            yield from _linked(package, relations, attribute(item, "dm"), _diagram)


def _linked(package: Package, relations: dict[str, Relation], link: str | None, read: Any) -> Iterator[str]:
    relation = relations.get(link or "")
    if relation is not None and relation.target in package:
        lines = [line for line in read(package.xml(relation.target)) if line]
        if lines:
            yield "\n".join(lines)


def _paragraphs(body: Any | None) -> Iterator[str]:
    for paragraph in children(body, "p") if body is not None else ():
        text = "".join(_text(paragraph)).strip()
        if text:
            yield text


def _text(element: Any) -> Iterator[str]:
    for item in element:
        name = local(item)
        if name == "t":
            yield item.text or ""
        elif name == "br":
            yield "\n"
        elif name == "AlternateContent":
            branch = preferred(item)
            if branch is not None:
                yield from _text(branch)
        elif not name.endswith("Pr"):
            yield from _text(item)


def _row(row: Any) -> str:
    return " | ".join(" ".join(_paragraphs(child(cell, "txBody"))) for cell in children(row, "tc")).strip()


def _chart(root: Any) -> Iterator[str]:
    """Yield a chart's title and one row a series: name, then category and value pairs, as last saved."""
    plot = child(root, "chart")
    if plot is None:
        return
    title = child(plot, "title", "tx", "rich")
    yield "Chart: " + (" ".join(_paragraphs(title)) if title is not None else "")
    for series in (item for item in plot.iter() if local(item) == "ser"):
        names, keys, values = (_points(child(series, part)) for part in ("tx", "cat", "val"))
        pairs = [f"{keys.get(k, str(k + 1))}: {value}" for k, value in sorted(values.items())]
        yield " | ".join([*names.values(), *pairs])


def _points(element: Any | None) -> dict[int, str]:
    """Return the saved values below a reference by index."""
    found: dict[int, str] = {}
    for point in element.iter() if element is not None else ():
        index = attribute(point, "idx") or ""
        value = child(point, "v") if local(point) == "pt" else None
        if value is not None and index.isdecimal():
            found[int(index)] = value.text or ""
    return found


def _diagram(root: Any) -> Iterator[str]:
    for body in root.iter():
        if local(body) == "t" and len(body):
            yield from _paragraphs(body)
