"""Notebooks give every cell and what it printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.loaded import Loaded
from longdoc.sources.notebook import load_notebook


def read(tmp_path: Path, notebook: object) -> Loaded:
    path = tmp_path / "file"
    path.write_text(notebook if isinstance(notebook, str) else json.dumps(notebook), encoding="utf-8")
    return load_notebook(path, "a.ipynb", Settings(), lambda *step: None, {})


CELLS = [
    {"cell_type": "markdown", "source": ["# Rent study\n", "Words\u200b."]},
    {"cell_type": "code", "source": [], "outputs": []},
    {
        "cell_type": "code",
        "source": "total = 1240\r\nprint(total)",
        "outputs": [
            {"output_type": "stream", "text": ["10%\r50%\r100%\n", "1240\n"]},
            {"output_type": "execute_result", "data": {"text/plain": ["\u001b[31mred\u001b[0m"], "image/png": "AAAA"}},
            {"output_type": "error", "ename": "ValueError", "evalue": "bad", "traceback": ["long"]},
        ],
    },
    {"cell_type": "raw", "source": "raw words"},
]


def test_cells_and_their_text_output_in_order(tmp_path: Path):
    loaded = read(tmp_path, {"cells": CELLS, "nbformat": 4})
    assert [(s.kind, s.label, loaded.text[s.start : s.end]) for s in loaded.segments] == [
        ("cell", "cell 1", "# Rent study\nWords.\n"),
        ("cell", "cell 3", "total = 1240\nprint(total)\nOutput:\n100%\n1240\nred\nValueError: bad\n"),
        ("cell", "cell 4", "raw words\n"),
    ]
    assert loaded.title == "Rent study"
    assert sorted(w.code for w in loaded.warnings) == ["invisible_text", "no_text"]


def test_the_older_format_is_read(tmp_path: Path):
    cells = [
        {"cell_type": "heading", "source": "Old"},
        {"cell_type": "code", "input": "1 + 1", "outputs": [{"output_type": "pyout", "text": "2"}]},
    ]
    loaded = read(tmp_path, {"worksheets": [{"cells": cells}], "nbformat": 3})
    assert loaded.text == "Old\n\n1 + 1\nOutput:\n2\n\n"
    assert loaded.title == "Old"


def test_a_very_long_output_is_cut_and_says_so(tmp_path: Path):
    cell = {"cell_type": "code", "source": "x", "outputs": [{"output_type": "stream", "text": "y" * 50_000}]}
    loaded = read(tmp_path, {"cells": [cell]})
    assert len(loaded.text) < 21_000
    assert [(w.code, w.where) for w in loaded.warnings] == [("long_output", "cell 1")]
    assert "30,000" in loaded.warnings[0].message


@pytest.mark.parametrize(
    "notebook", ["{", "[]", "{}", {"cells": 5}, {"worksheets": [5]}, '{"cells": ' + "[" * 100_000, {"worksheets": 1}]
)
def test_a_damaged_notebook_is_one_clear_error(notebook: object, tmp_path: Path):
    with pytest.raises(SourceError) as caught:
        read(tmp_path, notebook)
    assert caught.value.code == "damaged"
    assert caught.value.next_step


def test_odd_members_are_passed_over(tmp_path: Path):
    cells = [5, None, {"cell_type": "code", "source": {"x": 1}, "outputs": [7, {"data": 3}, {"text": ["a", 5]}]}]
    assert read(tmp_path, {"cells": cells}).text == "Output:\na\n\n"
