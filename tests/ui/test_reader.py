"""The Reader shows every character once, marks exactly what was cited, and counts lines like the file."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from longdoc.types import Document, Segment
from longdoc.ui.reader import Reader, parts_of


@given(st.integers(0, 120_000), st.lists(st.integers(0, 120_000), max_size=6), st.booleans())
def test_parts_cover_the_text_once(length: int, cuts: list[int], lines: bool) -> None:
    text = ("line of text\n" if lines else "x") * (length // 13 + 1)
    edges = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    segments = tuple(Segment(a, b, "chapter", f"c{a}") for a, b in itertools.pairwise(edges) if b > a and a % 2)
    parts = parts_of(Document("d", "s", "t", text, segments))
    assert "".join(text[part.start : part.end] for part in parts) == text


def test_pages_without_text_are_there() -> None:
    details = {"pages": [{"label": "i", "width": 10, "height": 10}] * 3}
    document = Document(
        "d", "s", "t", "one\nthree\n", (Segment(0, 3, "page", "p. i", 1), Segment(4, 9, "page", "p. 1", 3)), (), "pdf",
        details,
    )  # fmt: skip
    assert [(p.page, p.end - p.start) for p in parts_of(document)] == [(1, 3), (2, 0), (3, 6)]


def test_marked_text_is_the_quote_and_lines_count_from_the_file(make_context: Any, put: Any) -> None:
    context = make_context(started=False)
    first, second = "a = 1\nb = 2\n", "c = 3\nd = 4\ne = 5\n"
    segments = (Segment(0, 12, "file", "a.py"), Segment(12, 30, "file", "b.py"))
    code = put(context.library, first + second, "shop", segments=segments, loader="codebase")
    reader = Reader(context.library)
    start = (first + second).index("d = 4")
    part = reader.part(code, reader.find_part(code, start), start, start + 11)
    assert part["label"] == "b.py"
    assert part["first_line"] == 1
    assert part["marked_lines"] == [2, 3]
    assert part["lines"] == ["c = 3", "d = 4", "e = 5"]
    plain = put(context.library, "One. Two. Three.", "plain.txt")
    assert reader.part(plain, 0, 5, 9)["pieces"] == ["One. ", "Two.", " Three."]


def test_search_finds_words_across_line_breaks_whatever_the_case(make_context: Any, put: Any) -> None:
    context = make_context(started=False)
    document = put(context.library, "The Quick\nbrown fox. A quick  brown dog.")
    found = Reader(context.library).search(document, "quick brown")
    assert [(row["start"], row["end"]) for row in found] == [(4, 15), (23, 35)]
    assert Reader(context.library).search(document, "   ") == []
    assert Reader(context.library).search(document, ".*") == []
