"""Where texts may be cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longdoc.retrieval.structure import BLOCK, LINE, SECTION, SENTENCE, WALL, structure
from longdoc.types import Document, Segment


def document(text: str, loader: str = "text", segments: tuple[Segment, ...] = ()) -> Document:
    return Document("d", "s", "Title", text, segments, loader=loader)


def units(text: str, loader: str = "text", segments: tuple[Segment, ...] = ()) -> list[tuple[str, int]]:
    found = structure(document(text, loader, segments))
    return [(text[a:b], level) for a, b, level in zip(found.starts, found.ends, found.levels, strict=True)]


def headings(text: str, loader: str = "text", segments: tuple[Segment, ...] = ()) -> list[str]:
    return [words for _, words in structure(document(text, loader, segments)).headings]


pieces = st.sampled_from(
    [
        "word ",
        "Mr. ",
        "End. ",
        "\n",
        "\n\n",
        "# Head\n",
        "a | b | c\n",
        "\t",
        "Anna: Yes.\n",
        "1.2 Clause\n",
        "é",
        "x" * 500,
    ]
)


@settings(max_examples=150, deadline=None)
@given(text=st.lists(pieces, max_size=40).map("".join), loader=st.sampled_from(["text", "code", "pdf"]))
def test_units_hold_every_character_that_is_not_blank_once_and_in_order(text: str, loader: str) -> None:
    found = structure(document(text, loader))
    at = 0
    for start, end in zip(found.starts, found.ends, strict=True):
        assert at <= start < end <= len(text)
        assert text[at:start].strip() == ""
        assert text[start] == text[start:].lstrip()[0]
        at = end
    assert text[at:].strip() == ""


def test_sentences_end_where_they_end_and_not_at_abbreviations() -> None:
    text = "Mr. Smith owes J. Doe 1.5 million, e.g. Under No. 7. He paid! Did he? Yes."
    assert [piece for piece, _ in units(text)] == [
        "Mr. Smith owes J. Doe 1.5 million, e.g. Under No. 7.",
        "He paid!",
        "Did he?",
        "Yes.",
    ]


def test_a_paragraph_wrapped_at_a_width_is_read_as_one() -> None:
    text = "The tenant shall pay the rent on the third working\nday of each month. The landlord shall give a\nreceipt."
    assert units(text) == [
        ("The tenant shall pay the rent on the third working\nday of each month.", BLOCK),
        ("The landlord shall give a\nreceipt.", SENTENCE),
    ]


def test_lines_that_stand_for_themselves_stay_apart() -> None:
    text = "Bread\nMilk\nEggs"
    assert [piece for piece, _ in units(text)] == ["Bread", "Milk", "Eggs"]


@pytest.mark.parametrize("line", ["## Pets", "Governing Law", "3.2 Rent"])
def test_a_heading_opens_a_section_and_stands_above_what_follows(line: str) -> None:
    text = f"Before it.\n\n{line}\n\nNo dogs."
    assert (line, SECTION) in units(text)
    assert headings(text) == [line.lstrip("# ")]


@pytest.mark.parametrize("line", ["Anna: Hello there", "It ends here.", "lower case words"])
def test_other_short_lines_are_no_headings(line: str) -> None:
    assert line not in headings(f"Before it.\n\n{line}\n\nAfter it.")


def test_clauses_and_turns_begin_blocks() -> None:
    text = "Intro line here.\n(a) The first.\n(b) The second.\nAnna: Hello.\nBen: Good day to you."
    levels = dict(units(text))
    assert [levels[piece] for piece in ("(a) The first.", "(b) The second.", "Anna: Hello.")] == [BLOCK] * 3


def test_rows_of_a_table_stay_whole_and_know_their_columns() -> None:
    text = "Prices\n\n| Item | Price. Net |\n| Tea | 2.50 |\n| Milk | 1.10 |\n\nAfter the table."
    pieces_found = units(text)
    assert ("| Tea | 2.50 |", LINE) in pieces_found
    assert ("| Item | Price. Net |", BLOCK) in pieces_found
    assert headings(text) == ["Prices", "Prices | Item | Price. Net |", "Prices"]


def test_functions_of_code_begin_sections_and_lines_are_never_split_at_full_stops() -> None:
    first = 'import os\n\n\ndef first():\n    """Say. Twice."""\n    return 1\n'
    text = f"{first}\n\nclass Second:\n    def inner(self):\n        pass\n"
    found = dict(units(text, "code"))
    assert found["def first():"] == SECTION
    assert found["class Second:"] == SECTION
    assert found["def inner(self):"] == BLOCK
    assert found['"""Say. Twice."""'] == LINE
    assert headings(text, "code") == ["def first():", "class Second:"]


def test_files_of_a_code_base_are_walls_and_pages_are_not() -> None:
    text = "a = 1\nb = 2\nc = 3\n"
    files = (Segment(0, 6, "file", "a.py"), Segment(6, 12, "file", "b.py"))
    assert [level for _, level in units(text, "codebase", files)] == [WALL, WALL, BLOCK]
    assert headings(text, "codebase", files) == ["a.py", "b.py"]
    text = "class Cart:\n    pass\n"
    assert (
        headings(text, "codebase", (Segment(0, len(text), "file", "shop/cart.py"),))[-1] == "shop/cart.py class Cart:"
    )
    sentence = "It runs over the edge of\na page and ends here."
    pages = (Segment(0, 25, "page", "p. 1", page=1), Segment(25, len(sentence), "page", "p. 2", page=2))
    assert [piece for piece, _ in units(sentence, "pdf", pages)] == [sentence]
