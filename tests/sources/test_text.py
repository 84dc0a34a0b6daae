"""Plain text keeps its words; pages, chapters and source files get exact ranges."""

from __future__ import annotations

from pathlib import Path

import pytest

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.loaded import Loaded
from longdoc.sources.text import load_code, load_text


def read(tmp_path: Path, data: str | bytes, loader=load_text, name: str = "a.txt") -> Loaded:
    path = tmp_path / "file"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return loader(path, name, Settings(), lambda *step: None, {})


def test_text_is_kept_as_it_is(tmp_path: Path):
    text = "  Indented,\n\n\n\ttabbed; trailing  \nno end"
    loaded = read(tmp_path, text)
    assert loaded.text == text
    assert loaded.segments == ()
    assert loaded.warnings == ()


def test_chapters_begin_at_their_headings(tmp_path: Path):
    text = (
        "A NOVEL\n\nCHAPTER I\n\nIt was late.\n\nChapter 2: The Letter\n\n"
        "In chapter 3 of his book, he\nwrote.\n\nEpilogue\n\nEnd.\n"
    )
    loaded = read(tmp_path, text)
    assert [(s.kind, s.label) for s in loaded.segments] == [
        ("chapter", "CHAPTER I"),
        ("chapter", "Chapter 2: The Letter"),
        ("chapter", "Epilogue"),
    ]
    assert [loaded.text[s.start : s.end].split("\n")[0] for s in loaded.segments] == [s.label for s in loaded.segments]
    assert loaded.segments[-1].end == len(text)


def test_a_table_of_contents_makes_no_chapters(tmp_path: Path):
    text = "Contents\n\nChapter 1 ........ 5\n\nChapter 2 ........ 9\n\nWords.\n"
    assert read(tmp_path, text).segments == ()


def test_form_feeds_are_pages(tmp_path: Path):
    loaded = read(tmp_path, "one\n\ftwo\n\fthree\n")
    assert [(s.label, s.page, loaded.text[s.start : s.end]) for s in loaded.segments] == [
        ("p. 1", 1, "one\n\f"),
        ("p. 2", 2, "two\n\f"),
        ("p. 3", 3, "three\n"),
    ]


def test_a_source_file_is_one_segment_with_the_lines_of_the_file(tmp_path: Path):
    loaded = read(tmp_path, "a = 1\r\nb = 2\r\n", load_code, "src.py")
    assert loaded.text == "a = 1\nb = 2\n"
    assert [(s.start, s.end, s.kind, s.label) for s in loaded.segments] == [(0, 12, "file", "src.py")]


def test_a_possible_secret_in_a_source_file_is_warned_of_by_line(tmp_path: Path):
    secret = "AKIA" + "IOSFODNN7EXAMPLE"
    loaded = read(tmp_path, f"a = 1\nkey = '{secret}'\n", load_code, "src.py")
    assert [(w.code, w.where) for w in loaded.warnings] == [("possible_secret", "src.py:2")]
    assert secret not in loaded.warnings[0].message


def test_hidden_characters_are_removed_and_reported(tmp_path: Path):
    loaded = read(tmp_path, "pay\u200b now\u202e")
    assert loaded.text == "pay now"
    assert [w.code for w in loaded.warnings] == ["invisible_text"]


def test_a_guessed_encoding_is_reported(tmp_path: Path):
    loaded = read(tmp_path, "Le café était fermé à Noël.".encode("cp1252"))
    assert loaded.text == "Le café était fermé à Noël."
    assert [w.code for w in loaded.warnings] == ["encoding"]


def test_text_that_turns_binary_is_refused(tmp_path: Path):
    with pytest.raises(SourceError) as caught:
        read(tmp_path, b"words " * 20_000 + b"\xff\xfe\x00\x9c\x81" * 100_000)
    assert caught.value.code == "unsupported"


def test_text_over_the_limit_is_refused_before_it_is_read(tmp_path: Path):
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(1000)
    with pytest.raises(SourceError) as caught:
        load_text(path, "a", Settings(max_text_characters=249), lambda *step: None, {})
    assert caught.value.code == "too_large"


def test_a_line_made_to_slow_a_pattern_does_not(tmp_path: Path):
    read(tmp_path, "\n\nChapter 1 " + "." * 300_000 + "x\n\n" + "\n\n" + " " * 300_000 + "Chapter 2\n\n")
