"""Excel files: values as people see them, a segment a sheet, whatever is in the far corner."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources import load
from longdoc.sources.loaded import Loaded
from longdoc.sources.xlsx import load_xlsx


def save(path: Path, write: Callable[[Any], None]) -> Path:
    book = openpyxl.Workbook()
    write(book)
    book.save(path)
    return path


def read(path: Path, settings: Settings | None = None) -> Loaded:
    return load_xlsx(path, path.name, settings or Settings(), lambda done, total, what: None, {})


def rows_of(tmp_path: Path, *values: Any, number_format: str | None = None) -> list[str]:
    def write(book: Any) -> None:
        for row, value in enumerate(values, 1):
            cell = book.active.cell(row, 1, value)
            if number_format:
                cell.number_format = number_format

    return read(save(tmp_path / "a.xlsx", write)).text.strip().split("\n")[1:]


def test_sheets_are_segments_of_rows(tmp_path: Path) -> None:
    def write(book: Any) -> None:
        book.active.title = "Rents"
        book.active.append(["Unit", "Rent"])
        book.active.append(["A", 1240])
        book.create_sheet("Empty")
        book.create_sheet("Deposits").append(["A", 3720.5])

    loaded = read(save(tmp_path / "a.xlsx", write))
    assert loaded.text == "Sheet: Rents\nUnit | Rent\nA | 1240\n\nSheet: Deposits\nA | 3720.5\n\n"
    assert [(s.label, loaded.text[s.start : s.end].split("\n")[0]) for s in loaded.segments] == [
        ("Rents", "Sheet: Rents"),
        ("Deposits", "Sheet: Deposits"),
    ]


def test_values_read_as_a_person_sees_them(tmp_path: Path) -> None:
    moments = (datetime.date(2026, 3, 1), datetime.datetime(2026, 3, 1, 14, 30), datetime.time(9, 5))
    assert rows_of(tmp_path, *moments) == ["2026-03-01", "2026-03-01 14:30", "09:05"]
    assert rows_of(tmp_path, 0.075, 1, number_format="0.0%") == ["7.5%", "100%"]
    assert rows_of(tmp_path, 1.5, number_format="[h]:mm") == ["36:00"]
    assert rows_of(tmp_path, 12.5, number_format='0.00 "day"') == ["12.5"]
    assert rows_of(tmp_path, True, 0.1 + 0.2, 10**14, "two\nlines") == ["TRUE", "0.3", "100000000000000", "two lines"]


def test_empty_cells_keep_the_columns_apart(tmp_path: Path) -> None:
    def write(book: Any) -> None:
        book.active["A1"], book.active["D1"] = "left", "right"

    assert read(save(tmp_path / "a.xlsx", write)).text == "Sheet: Sheet\nleft |  |  | right\n\n"


def test_a_cell_in_the_farthest_corner_costs_nothing(tmp_path: Path) -> None:
    def write(book: Any) -> None:
        book.active["A1"], book.active["XFD1048576"] = "near", "far"

    text = read(save(tmp_path / "a.xlsx", write)).text
    assert text.split() == ["Sheet:", "Sheet", "near", *["|"] * 50, "far"]


def test_results_are_read_and_formulas_without_one_are_reported(tmp_path: Path) -> None:
    def write(book: Any) -> None:
        book.active["A1"], book.active["A2"], book.active["A3"] = 2, "=A1*2", "=A1*3"

    path = save(tmp_path / "a.xlsx", write)
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    sheet = members["xl/worksheets/sheet1.xml"].replace(b"<f>A1*2</f><v></v>", b"<f>A1*2</f><v>4</v>")
    sheet = sheet.replace(b"<f>A1*2</f><v />", b"<f>A1*2</f><v>4</v>").replace(
        b"<f>A1*2</f><v/>", b"<f>A1*2</f><v>4</v>"
    )
    with zipfile.ZipFile(path, "w") as new:
        for name, data in {**members, "xl/worksheets/sheet1.xml": sheet}.items():
            new.writestr(name, data)
    loaded = read(path)
    assert loaded.text == "Sheet: Sheet\n2\n4\n\n"
    (warned,) = loaded.warnings
    assert warned.code == "unsaved_values"
    assert warned.message.startswith("1 cells")


def test_hidden_sheets_are_read_and_said(tmp_path: Path) -> None:
    def write(book: Any) -> None:
        book.active.append(["seen"])
        sheet = book.create_sheet("Secret")
        sheet.append(["margin", 0.4])
        sheet.sheet_state = "veryHidden"

    loaded = read(save(tmp_path / "a.xlsx", write))
    assert "margin | 0.4" in loaded.text
    assert [(warned.code, warned.where) for warned in loaded.warnings] == [("hidden_sheets", "Secret")]


def test_more_text_than_the_limit_is_refused_on_the_way(tmp_path: Path) -> None:
    def write(book: Any) -> None:
        for _ in range(4000):
            book.active.append(["some words in a cell"])

    with pytest.raises(SourceError) as caught:
        read(save(tmp_path / "a.xlsx", write), Settings(max_text_characters=10_000))
    assert caught.value.code == "too_large"


def test_entities_in_a_sheet_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xlsx", lambda book: book.active.append(["x"]))
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    bomb = b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]>' + members["xl/worksheets/sheet1.xml"]
    with zipfile.ZipFile(path, "w") as new:
        for name, data in {**members, "xl/worksheets/sheet1.xml": bomb}.items():
            new.writestr(name, data)
    with pytest.raises(SourceError) as caught:
        read(path)
    assert caught.value.code == "bomb"


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: float) -> None:
    path = save(tmp_path / "a.xlsx", lambda book: book.active.append(["x"]))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(SourceError) as caught:
        load(path, settings=Settings(home=tmp_path))
    assert caught.value.code == "damaged"


def test_segments_survive_the_child_process(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xlsx", lambda book: book.active.append(["Unit", 7]))
    _, document = load(path, settings=Settings(home=tmp_path))
    assert document.loader == "xlsx"
    assert [document.text[s.start : s.end] for s in document.segments] == ["Sheet: Sheet\nUnit | 7\n\n"]
