"""Offsets taken while building are exact in what is built."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.clean import clean
from longdoc.sources.loaded import Loaded, TextBuilder, check, one_line
from longdoc.types import Segment


@given(st.lists(st.text(st.characters(), max_size=20), max_size=20))
def test_every_piece_stands_where_its_range_says(pieces: list[str]):
    builder = TextBuilder()
    ranges = []
    for n, piece in enumerate(pieces):
        start, end = builder.add(piece)
        builder.segment(start, "section", f"part {n}")
        ranges.append((start, end))
    loaded = builder.build()
    assert [loaded.text[start:end] for start, end in ranges] == [clean(piece)[0] for piece in pieces]
    assert [(s.start, s.end) for s in loaded.segments] == [(a, b) for a, b in ranges if a < b]


def test_removed_characters_are_counted_once_for_all_pieces():
    builder = TextBuilder()
    builder.add("a\u200bb")
    builder.add("\u202ec")
    builder.count_invisible(3)
    warnings = builder.build().warnings
    assert [(w.code, w.message) for w in warnings] == [("invisible_text", "5 invisible characters were removed.")]


def test_labels_are_one_clean_line_of_bounded_length():
    assert one_line(" two\nlines\u200b ") == "two lines"
    assert len(one_line("x" * 10_000)) == 300


@pytest.mark.parametrize(
    ("loaded", "n_bytes", "code"),
    [
        (Loaded(""), 10, "no_text"),
        (Loaded(" \n\t"), 10, "no_text"),
        (Loaded("x" * 2_000_001), 100, "bomb"),
        (Loaded("x" * 5_000_001), 10_000_000, "too_large"),
        (Loaded("abc", (Segment(0, 4, "section", "past the end"),)), 10, "crashed"),
        (Loaded("abc", (Segment(1, 1, "section", "empty"),)), 10, "crashed"),
        (Loaded("abc", (Segment(0, 2, "section", "a"), Segment(1, 3, "section", "b"))), 10, "crashed"),
    ],
)
def test_what_breaks_a_limit_is_refused(loaded: Loaded, n_bytes: int, code: str):
    with pytest.raises(SourceError) as caught:
        check(loaded, "a.txt", replace(Settings(), max_text_characters=5_000_000), n_bytes)
    assert caught.value.code == code
    assert caught.value.next_step


def test_a_large_ratio_is_allowed_in_small_files_and_in_folders():
    check(Loaded("x" * 900_000), "a.xlsx", Settings(), 100)
    check(Loaded("x" * 2_000_000), "folder", Settings(), None)
