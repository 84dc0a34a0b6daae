"""Ticks become exactly the text they name."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import standin
from hypothesis import given
from hypothesis import strategies as st

from longdoc.errors import UserError
from longdoc.types import Document, Segment
from longdoc.ui.selection import Choice, outline_of, parse_choices, part_ranges

TEXT = "".join(f"page {n}\n" for n in range(1, 10))
PAGES = Document(
    "d", "s", "lease.pdf", TEXT, tuple(Segment(7 * n, 7 * n + 6, "page", f"p. {n}", page=n + 1) for n in range(9))
)


def chosen(part: str) -> str:
    return "".join(TEXT[a:b] for a, b in part_ranges(PAGES, part))


def test_a_part_is_the_pages_it_names() -> None:
    assert chosen("2-3, 9") == "page 2\npage 3\npage 9\n"
    assert chosen(" 1 ") == "page 1\n"


@pytest.mark.parametrize("part", ["", "x", "1-", "0", "99", "-3", "1;2", "1-2-3"])
def test_what_is_no_part_is_refused(part: str) -> None:
    with pytest.raises(UserError):
        part_ranges(PAGES, part)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=5))
def test_ranges_are_ordered_and_disjoint_whatever_is_named(pairs: list[tuple[int, int]]) -> None:
    named = {n for a, b in pairs for n in range(min(a, b), max(a, b) + 1)}
    ranges = part_ranges(PAGES, ", ".join(f"{min(p)}-{max(p)}" for p in pairs))
    assert all(a < b for a, b in ranges)
    assert all(first[1] < second[0] for first, second in itertools.pairwise(ranges))
    assert "".join(TEXT[a:b] for a, b in ranges) == "".join(f"page {n}\n" for n in sorted(named))


def test_an_outline_keeps_other_files_whole() -> None:
    code = "import os\n\ndef f():\n    return 1\n"
    text = code + code
    document = Document(
        "d", "s", "shop", text,
        (Segment(0, len(code), "file", "tests/a.py"), Segment(len(code), len(text), "file", "b.py")),
        loader="codebase",
    )  # fmt: skip
    ranges, labels = outline_of(document, ["tests/"])
    kept = "".join(text[a:b] for a, b in ranges)
    assert labels == {"tests/a.py"}
    assert kept.endswith(code)
    assert "return 1" not in kept[: -len(code)]
    assert "def f" in kept[: -len(code)]


@pytest.mark.parametrize(
    "rows", [["x"], [{"id": 3}], [{"id": "a", "how": "all"}], [{"id": "a", "outline": [1]}], [{"id": "a", "part": 1}]]
)
def test_choices_that_cannot_be_read_are_refused(rows: list[Any]) -> None:
    with pytest.raises(UserError):
        parse_choices(rows)


def test_the_same_document_counts_once() -> None:
    assert parse_choices([{"id": "a"}, {"id": "a", "how": "part", "part": "1"}]) == (Choice("a", "part", "1"),)


def test_counts_are_made_once_and_kept(make_context: Any, put: Any) -> None:
    context = make_context()
    document = put(context.library, standin.text_of(500))
    kit = context.models.kit("reader")
    assert context.counter.known(Choice(document), kit) is None
    n = context.counter.count(Choice(document), kit)
    assert n >= 500
    assert context.counter.known(Choice(document), kit) == n
