"""Tables read row by row: each row makes sense by itself and stands on the line of its number."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longdoc.settings import Settings
from longdoc.sources.loaded import Loaded
from longdoc.sources.tables import load_csv


def read(path: Path, text: str) -> Loaded:
    path.write_text(text, encoding="utf-8", newline="")
    return load_csv(path, "a.csv", Settings(), lambda *step: None, {})


def test_a_row_names_its_columns_and_leaves_out_empty_cells(tmp_path: Path):
    loaded = read(tmp_path / "f", 'city,people,founded\r\nRotterdam,"651,446",1340\r\nDelft,,1246\r\n')
    assert loaded.text == (
        "city | people | founded\ncity: Rotterdam | people: 651,446 | founded: 1340\ncity: Delft | founded: 1246\n"
    )
    assert loaded.details["columns"] == ["city", "people", "founded"]
    assert loaded.details["rows"] == 2


def test_a_cell_with_line_ends_stays_on_the_line_of_its_row(tmp_path: Path):
    loaded = read(tmp_path / "f", 'a,b\n1,"x\ny"\n2,z\n')
    assert loaded.text.split("\n")[1:3] == ["a: 1 | b: x y", "a: 2 | b: z"]


@pytest.mark.parametrize("text", ["1,2\n3,4\n", "a,a\n1,2\n", "a,,,\n1,2,3,4\n"])
def test_a_table_without_a_head_is_cells_between_bars(text: str, tmp_path: Path):
    loaded = read(tmp_path / "f", text)
    assert loaded.text.split("\n")[0] == " | ".join(text.split("\n")[0].split(",")).rstrip()
    assert loaded.details["columns"] == []


def test_names_much_longer_than_their_values_are_not_repeated(tmp_path: Path):
    question = "How satisfied are you with the service of our office in the past twelve months?"
    loaded = read(tmp_path / "f", f"{question},{question} Why?\n5,no\n4,yes\n")
    assert loaded.text.split("\n")[1] == "5 | no"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_usual_delimiter_is_found(delimiter: str, tmp_path: Path):
    rows = [["name", "town"], ["Mara, Quist", "Delft"], ["Jon", "Gouda"]]
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    assert read(tmp_path / "f", buffer.getvalue()).text.split("\n")[1] == "name: Mara, Quist | town: Delft"


def test_a_row_with_more_cells_than_the_head_keeps_them(tmp_path: Path):
    loaded = read(tmp_path / "f", "a,b\n1,2,3\n4,5\n")
    assert loaded.text.split("\n")[1] == "a: 1 | b: 2 | 3"
    assert [w.code for w in loaded.warnings] == ["ragged_rows"]


def test_a_quote_that_never_closes_swallows_nothing(tmp_path: Path):
    lines = ["name,size"] + [f'item {n},"{n} inch' if n == 5 else f"item {n},{n}" for n in range(1, 400)]
    loaded = read(tmp_path / "f", "\n".join(lines) + "\n")
    assert loaded.text.count("\n") == 400
    assert "name: item 399 | size: 399" in loaded.text


def test_a_stray_quote_does_not_spoil_quoted_cells(tmp_path: Path):
    loaded = read(tmp_path / "f", 'a,b\n"one, two",x\n"odd" mark,y\n')
    assert loaded.text.split("\n")[1] == "a: one, two | b: x"


def test_hidden_characters_in_cells_are_counted(tmp_path: Path):
    loaded = read(tmp_path / "f", "a,b\nx\u200by,z\n")
    assert "a: xy" in loaded.text
    assert [w.code for w in loaded.warnings] == ["invisible_text"]


cells = st.text(st.characters(categories=("L", "N", "P", "Zs"), exclude_characters="\x00"), max_size=12)


@given(st.lists(st.lists(cells, min_size=2, max_size=4), min_size=1, max_size=8))
def test_every_word_of_every_cell_is_kept_in_order(rows: list[list[str]]):
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    with tempfile.TemporaryDirectory() as folder:
        text = read(Path(folder) / "table", buffer.getvalue()).text
    position = 0
    for row in rows:
        for cell in row:
            words = " ".join(cell.split()).replace("\u00ad", "")
            position = text.index(words, position) + len(words)
