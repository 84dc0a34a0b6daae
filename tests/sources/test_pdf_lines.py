"""Joining printed lines, and finding them again on the page, for any layout."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longdoc.sources.pdf_geometry import LayoutWriter, Line, rectangles
from longdoc.sources.pdf_lines import compounds, separators
from longdoc.types import Document

WORDS = st.lists(st.text("abcXYZ.,-(1)é", min_size=1, max_size=9), min_size=1, max_size=8)
NUMBERS = st.floats(0, 600).map(lambda value: round(value, 1))


@st.composite
def any_lines(draw: st.DrawFn) -> Line:
    words = draw(WORDS)
    x0, y0, size = draw(NUMBERS), draw(NUMBERS), draw(st.floats(0.5, 60))
    edges = sorted(draw(st.lists(NUMBERS, min_size=2 * len(words), max_size=2 * len(words))))
    box = (x0, y0, x0 + edges[-1], y0 + size)
    placed = draw(st.booleans())
    return Line(
        " ".join(words), box if placed else None, tuple(x0 + edge for edge in edges), y0, size, draw(st.booleans())
    )


def line(text: str, x0: float = 72, x1: float = 500, base: float = 100, size: float = 14, hyphen: bool = False) -> Line:
    words = text.split()
    step = (x1 - x0) / len(words)
    edges = [edge for k in range(len(words)) for edge in (x0 + k * step, x0 + (k + 1) * step - 3)]
    edges[-1] = x1
    return Line(text, (x0, base - size, x1, base), tuple(edges), base, size, hyphen)


def joined(*lines: Line) -> str:
    return "".join(ln.text + after for ln, after in zip(lines, separators(lines, compounds(lines)), strict=True))


def place(lines: list[Line]) -> Document:
    writer = LayoutWriter()
    text, placed = "", []
    for ln, after in zip(lines, separators(lines, compounds(lines)), strict=True):
        placed.append((ln, len(text), len(text) + len(ln.text)))
        text += ln.text + after
    writer.add_page(1, placed)
    return Document("d", "s", "t", text, details=json.loads(json.dumps(writer.details())))


@given(st.lists(any_lines(), max_size=12))
def test_any_lines_come_back_in_order_with_nothing_but_separators_between(lines: list[Line]) -> None:
    found = separators(lines, compounds(lines))
    assert len(found) == len(lines)
    assert set(found) <= {"", "-", " ", "\n", "\n\n"}


@given(st.lists(any_lines(), min_size=1, max_size=6), st.data())
def test_any_word_has_its_own_place_again(lines: list[Line], data: st.DataObject) -> None:
    # Only lines with a place that keep their words apart can be compared word by word.
    lines = [Line(ln.text, ln.box, ln.edges, ln.base, ln.size) for ln in lines if ln.box is not None]
    if not lines:
        return
    document = place(lines)
    row = data.draw(st.sampled_from(document.details["boxes"]))
    chosen = lines[document.details["boxes"].index(row)]
    k = data.draw(st.integers(0, len(chosen.text.split()) - 1))
    start = row[0] + len(" ".join(chosen.text.split()[:k])) + (k > 0)
    (found,) = rectangles(document, start, start + len(chosen.text.split()[k]))
    assert (found.x0, found.x1) == pytest.approx((chosen.edges[2 * k], chosen.edges[2 * k + 1]), abs=0.16)


def test_part_of_a_word_lies_inside_the_word() -> None:
    document = place([line("The guarantor signs", x0=100, x1=400)])
    whole, part = rectangles(document, 4, 13)[0], rectangles(document, 6, 9)[0]
    assert whole.x0 < part.x0 < part.x1 < whole.x1


def test_a_range_over_two_lines_gives_two_places() -> None:
    document = place([line("one two three"), line("four five six", base=116)])
    assert [(round(r.y0), round(r.y1)) for r in rectangles(document, 4, 22)] == [(86, 100), (102, 116)]


def test_an_empty_range_and_blank_space_have_no_place() -> None:
    document = place([line("one two")])
    assert rectangles(document, 3, 3) == []
    assert rectangles(document, 3, 4) == []


def test_a_short_line_ends_its_paragraph() -> None:
    text = joined(
        line("a full line of words"), line("the end.", x1=150, base=116), line("A new line of words", base=132)
    )
    assert text == "a full line of words the end.\nA new line of words\n"


def test_a_wide_gap_is_shown_as_a_blank_line() -> None:
    lines = [line("one full line", base=100 + 16 * k) for k in range(4)] + [line("After a gap", base=190)]
    assert joined(*lines).endswith("one full line\n\nAfter a gap\n")


def test_an_indented_line_begins_a_paragraph() -> None:
    assert joined(line("a full line of words"), line("Indented start here", x0=95, base=116)).count("\n") == 2


def test_a_hanging_item_is_one_paragraph() -> None:
    text = joined(line("(a) a full line of words"), line("that hangs below", x0=90, base=116))
    assert text == "(a) a full line of words that hangs below\n"


def test_clauses_keep_apart_and_a_clause_that_is_only_mentioned_does_not() -> None:
    lines = [
        line("A1.1 It is ended."),
        line("A1.2 So is the claim under clause", base=116),
        line("4.10 for the slip.", x1=200, base=132),
    ]
    assert joined(*lines) == "A1.1 It is ended.\nA1.2 So is the claim under clause 4.10 for the slip.\n"


def test_lines_that_all_stand_apart_are_paragraphs() -> None:
    text = joined(line("One", x1=100), line("Two", x1=100, base=130), line("And three more words", base=160))
    assert text == "One\n\nTwo\n\nAnd three more words\n"


def test_a_sentence_goes_on_in_the_next_column() -> None:
    text = joined(line("the left column ends", x1=280, base=700), line("in the right one.", x0=310, base=100))
    assert text == "the left column ends in the right one.\n"


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("the land", "lord pays", "the landlord pays\n"),
        ("Jean", "Luc signs", "Jean-Luc signs\n"),
        ("the well", "known rule, and the well-known one", "the well-known rule, and the well-known one\n"),
    ],
)
def test_hyphens_of_typesetting_go_and_others_stay(left: str, right: str, expected: str) -> None:
    assert joined(line(left, hyphen=True), line(right, base=116)) == expected
