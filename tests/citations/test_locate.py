from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longdoc.citations.locate import exact, near

LEASE = (
    "Section 9.\nThe tenant’s notice period\nis “thirty (30) days”, counted — from receipt. "
    "The rent of 1930 euros stays."
)


@pytest.mark.parametrize(
    "quote",
    [
        "The tenant's notice period is",
        'the  TENANT`s notice period is "thirty',
        "counted - from receipt.",
        '"The rent of 1930 euros stays."',
    ],
)
def test_spacing_case_quote_marks_and_dashes_do_not_hide_a_quote(quote: str) -> None:
    assert len(exact(LEASE, quote)) == 1


@pytest.mark.parametrize("quote", ["30 euros", "enant", "", '  "" ', "thirty(30)", "x" * 5000])
def test_parts_of_words_blanks_and_absent_words_are_not_found(quote: str) -> None:
    assert exact(LEASE, quote) == []


def test_only_the_ranges_given_are_searched() -> None:
    text = "rent is due. " * 3
    assert [m.start for m in exact(text, "rent is due")] == [0, 13, 26]
    assert [m.start for m in exact(text, "rent is due", ((5, 30),))] == [13]


@given(
    st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8), min_size=3, max_size=30),
    st.data(),
)
def test_any_run_of_words_is_found_at_its_place_however_it_is_spaced(parts: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(parts) - 1))
    last = data.draw(st.integers(first + 1, len(parts)))
    text = "\n".join(parts)
    start = len("\n".join(parts[:first])) + (first > 0)
    quote = "  ".join(parts[first:last])
    if not re.search(r"\w", quote.strip(' "“”„«»')):
        return
    places = exact(text, quote)
    assert any(start <= m.start and text[m.start : m.end].split() for m in places)


def test_a_quote_with_a_changed_word_is_near_and_its_range_is_exact() -> None:
    match = near(LEASE, "The tenants notice period is thirty (30) days counted upon receipt")
    assert match is not None
    assert not match.exact
    assert "notice period\nis “thirty (30) days”, counted" in LEASE[match.start : match.end]


def test_a_quote_that_differs_in_punctuation_alone_stands_there() -> None:
    match = near(LEASE, "notice period is thirty 30 days; counted from receipt")
    assert match is not None
    assert match.exact


@pytest.mark.parametrize("quote", ["The landlord pays for every repair of the roof", "notice period", ""])
def test_other_words_are_not_near(quote: str) -> None:
    assert near(LEASE, quote) is None


def test_the_best_of_several_near_places_wins() -> None:
    text = "The red fox jumps over a lazy cat. " * 3 + "The quick red fox jumps over the lazy old dog. " + "Fox. " * 50
    match = near(text, "The quick red fox jumped over the lazy old dog")
    assert match is not None
    assert text[match.start : match.end] == "The quick red fox jumps over the lazy old dog"
