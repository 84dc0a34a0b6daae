"""Excel files: the values of each sheet as rows `a | b | c`, one segment a sheet.

Values as last calculated, never formulas; a formula whose result was not saved is
reported. Only cells that exist are visited, so a lone cell in the last row of a
sheet costs nothing. Hidden sheets are read and reported; drawings and comments are not read.
"""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.loaded import Loaded, Report, TextBuilder
from longdoc.sources.packages import Package, attribute, child, children, local

_REPORT_EVERY = 2_000  # rows
_MAX_GAP = 50  # empty columns shown between two cells of a row
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})$")
_DATE_FORMATS = frozenset([*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)])  # built in, all languages
_ELAPSED_FORMATS = frozenset([46])
_PERCENT_FORMATS = frozenset([9, 10])
_ELAPSED = re.compile(r"\[[hms]+\]", re.IGNORECASE)
_NOT_FORMAT = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')


@dataclass(frozen=True)
class Workbook:
    """What the sheets share."""

    strings: list[str]
    date_styles: frozenset[int]
    percent_styles: frozenset[int]
    elapsed_styles: frozenset[int]
    epoch: datetime.datetime


def load_xlsx(path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]) -> Loaded:
    """Read an Excel file. Every sheet with values is a segment labelled with its name.

    Raises SourceError: damaged, bomb, encrypted, too_large.
    """
    package = Package(path, name, settings)
    main = package.main_part()
    root = package.xml(main)
    relations = package.relations(main)
    workbook = _workbook(package, root, {relation.kind: relation.target for relation in relations.values()})
    builder = TextBuilder()
    hidden: list[str] = []
    n_unsaved = 0
    listed = child(root, "sheets")
    for sheet in children(listed, "sheet") if listed is not None else ():
        relation = relations.get(_link(sheet))
        if relation is None or relation.kind != "worksheet" or relation.target not in package:
            continue
        title = attribute(sheet, "name") or "Sheet"
        start = builder.length
        n_unsaved += _sheet(package, relation.target, title, workbook, builder, report, name, settings)
        builder.segment(start, "sheet", title)
        if builder.length > start and (attribute(sheet, "state") or "visible") != "visible":
            hidden.append(title)
    if hidden:
        where = ", ".join(hidden)
        builder.warn(
            "hidden_sheets", f"{len(hidden)} sheets are hidden in the workbook and were read ({where}).", where
        )
    if n_unsaved:
        builder.warn(
            "unsaved_values",
            f"{n_unsaved:,} cells hold a formula without a saved result; open and save the file in its own program.",
        )
    return builder.build()


def _sheet(
    package: Package,
    part: str,
    title: str,
    workbook: Workbook,
    builder: TextBuilder,
    report: Report,
    name: str,
    settings: Settings,
) -> int:
    """Append a sheet's rows under its name; return the number of formulas without a saved result."""
    n_unsaved = 0
    begun = False
    data = package.read(part)
    package.refuse_dtd(data)
    for done, row in enumerate(_rows(package, data, part), 1):
        cells: list[str] = []
        for cell in children(row, "c"):
            value = _value(cell, workbook)
            if value is None:
                n_unsaved += child(cell, "f") is not None
                continue
            column = _column(cell, len(cells))
            # Columns stay aligned, but a cell far to the right does not bring thousands of empty ones.
            cells += [""] * min(_MAX_GAP, column - len(cells))
            cells.append(value)
        if cells:
            if not begun:
                builder.add(f"Sheet: {title}\n")
                begun = True
            builder.add(" | ".join(cells) + "\n")
        if done % _REPORT_EVERY == 0:
            report(0, 0, f"{title}, row {done:,}")
            if builder.length > settings.max_text_characters:
                raise SourceError(
                    f"{name} holds more than {settings.max_text_characters:,} characters.",
                    code="too_large",
                    next_step="Split it, or raise LONGDOC_MAX_TEXT_CHARACTERS.",
                )
    if begun:
        builder.add("\n")
    return n_unsaved


def _rows(package: Package, data: bytes, part: str) -> Iterator[Any]:
    """Yield the rows of a sheet's XML one at a time, so that its tree is never whole in memory."""
    events = etree.iterparse(io.BytesIO(data), events=("end",), resolve_entities=False, no_network=True, load_dtd=False)
    try:
        for _, element in events:
            if local(element) == "row":
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise package.damaged(f"its part {part} is not XML") from error


def _workbook(package: Package, root: Any, parts: dict[str, str]) -> Workbook:
    settings = child(root, "workbookPr")
    from_1904 = settings is not None and attribute(settings, "date1904") in ("1", "true")
    strings: list[str] = []
    if parts.get("sharedStrings", "") in package:
        strings = [_string(item) for item in children(package.xml(parts["sharedStrings"]), "si")]
    kinds: dict[str, set[int]] = {"date": set(), "percent": set(), "elapsed": set(), "": set()}
    if parts.get("styles", "") in package:
        styles = package.xml(parts["styles"])
        own = child(styles, "numFmts")
        formats = {attribute(f, "numFmtId"): attribute(f, "formatCode") or "" for f in (own if own is not None else ())}
        used = child(styles, "cellXfs")
        for index, style in enumerate(used if used is not None else ()):
            number = attribute(style, "numFmtId") or "0"
            kinds[_kind(number, formats.get(number, ""))].add(index)
    # Excel counts from 1900 with a leap day that never was, which shifts its first day to 30 December 1899.
    epoch = datetime.datetime(1904, 1, 1) if from_1904 else datetime.datetime(1899, 12, 30)
    return Workbook(strings, frozenset(kinds["date"]), frozenset(kinds["percent"]), frozenset(kinds["elapsed"]), epoch)


def _kind(number: str, code: str) -> str:
    """Return what a number format shows: "date", "percent", "elapsed" time or "" for a plain number."""
    built_in = int(number) if number.isdecimal() and not code else -1
    if built_in in _ELAPSED_FORMATS or _ELAPSED.search(code):
        return "elapsed"
    bare = _NOT_FORMAT.sub("", code).split(";")[0]
    if built_in in _DATE_FORMATS or (re.search("[ymdhs]", bare, re.IGNORECASE) and "General" not in bare):
        return "date"
    return "percent" if built_in in _PERCENT_FORMATS or bare.rstrip().endswith("%") else ""


def _string(item: Any) -> str:
    """Return a string with its formatted runs joined; phonetic guides are left out."""
    texts = [child(item, "t"), *(child(run, "t") for run in children(item, "r"))]
    return "".join(t.text or "" for t in texts if t is not None)


def _value(cell: Any, workbook: Workbook) -> str | None:
    """Return what a cell shows, on one line; None if it is empty."""
    kind = attribute(cell, "t") or "n"
    if kind == "inlineStr":
        inline = child(cell, "is")
        text = _string(inline) if inline is not None else ""
    else:
        value = child(cell, "v")
        text = (value.text or "") if value is not None else ""
        if kind == "s":
            text = workbook.strings[int(text)] if text.isdecimal() and int(text) < len(workbook.strings) else ""
        elif kind == "b":
            text = "TRUE" if text == "1" else "FALSE" if text else ""
        elif kind == "n" and text:
            text = _number(text, int(attribute(cell, "s") or 0), workbook)
        elif kind == "d":
            text = text.removesuffix("T00:00:00")
    return " ".join(text.split()) or None


def _number(text: str, style: int, workbook: Workbook) -> str:
    try:
        number = float(text)
    except ValueError:
        return text
    if style in workbook.date_styles:
        return _date(number, workbook.epoch) or text
    if style in workbook.elapsed_styles and abs(number) < 1e6:
        minutes = round(number * 1440)
        return f"{minutes // 60}:{minutes % 60:02d}"
    if style in workbook.percent_styles:
        return f"{number * 100:.10g}%"
    # Fifteen digits are what Excel itself keeps: 0.1 + 0.2 is stored as 0.30000000000000004.
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else f"{number:.15g}"


def _date(number: float, epoch: datetime.datetime) -> str | None:
    """Return a serial number as a date, a time or both; None if it is out of range."""
    try:
        moment = epoch + datetime.timedelta(seconds=round(number * 86_400))
    except (OverflowError, ValueError):
        return None
    if 0 <= number < 1:
        return moment.strftime("%H:%M:%S").removesuffix(":00")
    clock = moment.strftime(" %H:%M:%S").removesuffix(":00")
    return moment.strftime("%Y-%m-%d") + ("" if clock == " 00:00" else clock)


def _column(cell: Any, default: int) -> int:
    """Return a cell's column, counted from 0."""
    match = _REFERENCE.match(attribute(cell, "r") or "")
    if match is None:
        return default
    column = 0
    for letter in match.group(1):
        column = 26 * column + ord(letter) - ord("A") + 1
    return column - 1


def _link(sheet: Any) -> str:
    """Return the relation id of a sheet; its plain `sheetId` is something else."""
    return next((str(value) for key, value in sheet.items() if key.endswith("}id")), "")
