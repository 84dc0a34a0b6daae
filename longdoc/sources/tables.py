"""Comma- and tab-separated tables: one line a row, in the file's own order.

A line reads "city: Rotterdam | population: 651,446", so that a row makes sense by
itself, to a model and to a search, however far it is from the head of its columns;
empty cells are left out. Line n of the text is row n of the file. Without a head, or
where its names are much longer than the values, a row is its cells between bars.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from longdoc.settings import Settings
from longdoc.sources.decode import read_text
from longdoc.sources.loaded import Loaded, Report, TextBuilder, one_line
from longdoc.sources.sniff_text import delimiter_of

_NUMBER = re.compile(r"[\s$€£¥%(+-]*\d[\d.,:/ %)eE+-]*")
_SAMPLE_ROWS = 200
_SAMPLE_CHARACTERS = 1 << 16
_MAX_HEAD_TO_ROW = 3.0  # longer heads would mostly repeat themselves
_MAX_LINES_IN_CELLS = 100
_REPORT_EVERY_ROWS = 5_000


def load_csv(path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]) -> Loaded:
    """Read a table. No segments: a line is a row. `details` holds columns (if known), rows and delimiter."""
    text, decoded, removed = read_text(path, name, settings)
    csv.field_size_limit(max(len(text), 1))
    sample = text[:_SAMPLE_CHARACTERS]
    delimiter = delimiter_of(sample, len(sample) < len(text), named=True) or ("\t" if "\t" in sample else ",")
    rows = list(_rows(text, delimiter))
    head = _head(rows)
    builder = TextBuilder()
    builder.count_invisible(removed)
    ragged = 0
    for n, row in enumerate(rows, start=1):
        if head and n > 1:
            ragged += len(row) > len(head)
            builder.add(_named(head, row) + "\n")
        else:
            builder.add(" | ".join(row).rstrip() + "\n")
        if n % _REPORT_EVERY_ROWS == 0:
            report(n, len(rows), f"row {n:,} of {len(rows):,}")
    for warned in decoded.warnings():
        builder.warn(warned.code, warned.message)
    if ragged:
        rows_have = "1 row has" if ragged == 1 else f"{ragged:,} rows have"
        builder.warn("ragged_rows", f"{rows_have} more cells than the head; those have no column name.")
    report(len(rows), len(rows), "table read")
    details = {
        "columns": head,
        "rows": len(rows) - bool(head),
        "delimiter": delimiter,
        "encoding": decoded.encoding,
    }
    return builder.build(name, details)


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield rows of one-line cells.

    Quotes are read strictly, then leniently, and not at all where one that never closes swallows many lines.
    """
    for strict in (True, False):
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)
        rows, line = [], 0
        try:
            for row in reader:
                if not strict and reader.line_num - line > _MAX_LINES_IN_CELLS:
                    break
                line = reader.line_num
                rows.append([" ".join(cell.split()) for cell in row])
            else:
                yield from rows
                return
        except csv.Error:
            continue
    yield from (
        [" ".join(cell.split()) for cell in line.split(delimiter)] for line in text.removesuffix("\n").split("\n")
    )


def _head(rows: list[list[str]]) -> list[str]:
    """Return the names of the columns, or [] if the first row is data or its names are out of proportion."""
    if len(rows) < 2 or len(rows[0]) < 2:
        return []
    first = [one_line(cell) for cell in rows[0]]
    named = [cell for cell in first if cell]
    if len(named) < 0.8 * len(first) or len(set(named)) < len(named) or any(_NUMBER.fullmatch(c) for c in named):
        return []
    sample = rows[1 : 1 + _SAMPLE_ROWS]
    usual = sum(sum(map(len, row)) for row in sample) / len(sample)
    return first if sum(map(len, first)) <= _MAX_HEAD_TO_ROW * max(usual, 20) else []


def _named(head: list[str], row: list[str]) -> str:
    cells = []
    for i, cell in enumerate(row):
        if cell:
            name = head[i] if i < len(head) else ""
            cells.append(f"{name}: {cell}" if name else cell)
    return " | ".join(cells)
