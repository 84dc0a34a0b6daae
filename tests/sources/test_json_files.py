"""JSON keeps its values to the letter; packed files are laid out, readable ones left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longdoc.settings import Settings
from longdoc.sources.json_files import _indented, _letters, load_json, load_jsonl
from longdoc.sources.loaded import Loaded


def read(path: Path, text: str, loader=load_json) -> Loaded:
    path.write_text(text, encoding="utf-8")
    return loader(path, "a.json", Settings(), lambda *step: None, {})


def test_readable_json_is_kept_as_it_is(tmp_path: Path):
    text = '{\n    "b": 1.50,\n    "a": [1, 2]\n}\n'
    assert read(tmp_path / "f", text).text == text


def test_packed_json_is_laid_out_without_touching_its_numbers(tmp_path: Path):
    packed = '{"big":1e400,"money":1.50,"list":[{"a":1},{"b":[]}],"row":[1,2,3],"pad":"' + "z" * 400 + '"}'
    text = read(tmp_path / "f", packed).text
    assert '\n  "big": 1e400,\n  "money": 1.50,\n' in text
    assert '"row": [1,2,3],' in text
    assert '    {\n      "a": 1\n    },' in text
    assert json.loads(text) == json.loads(packed)


def test_members_at_the_top_are_sections_with_exact_ranges(tmp_path: Path):
    loaded = read(tmp_path / "f", '{"tenant": {"name": "Mara", "x": [1, {"y": 2}]}, "rent\\u00e9": 1240}')
    assert [s.label for s in loaded.segments] == ["tenant", "renté"]
    assert loaded.text[loaded.segments[1].start : loaded.segments[1].end] == '"renté": 1240}'


@pytest.mark.parametrize("text", ["[1, 2]", '[{"a": 1}]', '"word"', "{}"])
def test_other_values_have_no_sections(text: str, tmp_path: Path):
    assert read(tmp_path / "f", text).segments == ()


def test_escapes_of_letters_become_letters_and_others_stay(tmp_path: Path):
    text = r'{"a": "caf\u00e9 \ud83d\ude00", "b": "\\u00e9", "c": "\u0007\u0022", "d": "x\u200by"}'
    loaded = read(tmp_path / "f", text)
    assert loaded.text == '{"a": "café 😀", "b": "\\\\u00e9", "c": "\\u0007\\u0022", "d": "x\\u200by"}'
    assert json.loads(loaded.text) == json.loads(text)


@pytest.mark.parametrize("text", ['{"a": 1,}', '{"a": 1}\n{"a": 2', "[" * 5000 + "]" * 4999, '{"a": NaN1}'])
def test_broken_json_is_kept_as_text_with_a_warning(text: str, tmp_path: Path):
    loaded = read(tmp_path / "f", text)
    assert loaded.text == text
    assert [w.code for w in loaded.warnings] == ["not_json"]


def test_numbers_of_thousands_of_digits_are_no_fault(tmp_path: Path):
    assert read(tmp_path / "f", '{"n": ' + "7" * 6000 + "}").warnings == ()


def test_lines_are_kept_and_broken_ones_named(tmp_path: Path):
    loaded = read(tmp_path / "f", '{"a": "\\u00e9"}\n\n{"b":\n[1]\n', load_jsonl)
    assert loaded.text == '{"a": "é"}\n\n{"b":\n[1]\n'
    assert [(w.code, w.where) for w in loaded.warnings] == [("not_json", "line 3")]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=30,
)


@given(values, st.booleans())
@settings(deadline=None)
def test_laying_out_changes_no_value(value, ascii_only: bool):
    packed = json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only)
    assert json.loads(_letters(_indented(packed))) == value
