"""What counts as an evidence hit."""

from __future__ import annotations

import pytest

from longdoc.evaluation.evidence import FIRST, MAX_CHARACTERS, Cited, contains_answer, evidence_hit

TEXT = "The tenant pays 1,240 euros. " + "x" * 3000


def cited(start: int, end: int, document_id: str = "gold") -> Cited:
    return Cited(document_id, start, end, TEXT[start:end])


def hit(*citations: Cited, answers: tuple[str, ...] = ("1,240 euros",), **more: object) -> bool:
    return evidence_hit(citations, document_id="gold", answers=answers, **more)  # type: ignore[arg-type]


def test_a_citation_in_the_gold_document_that_holds_the_answer_is_a_hit() -> None:
    assert hit(cited(0, 28))
    assert not hit(cited(0, 20))
    assert not hit(cited(0, 28, "other"))


def test_only_the_first_five_citations_count() -> None:
    misses = [cited(100, 200)] * (FIRST - 1)
    assert hit(*misses, cited(0, 28))
    assert not hit(*misses, cited(200, 300), cited(0, 28))


def test_a_citation_longer_than_a_thousand_characters_is_no_hit() -> None:
    assert hit(cited(0, MAX_CHARACTERS))
    assert not hit(cited(0, MAX_CHARACTERS + 1))


def test_overlapping_the_evidence_is_a_hit_and_touching_it_is_not() -> None:
    assert hit(cited(50, 100), answers=(), evidence=[(99, 120)])
    assert not hit(cited(50, 100), answers=(), evidence=[(100, 120)])


def test_the_marked_place_of_an_answer_counts_where_it_begins_inside_a_word() -> None:
    assert not hit(cited(0, 28), answers=("uros",))
    assert hit(cited(0, 28), answers=("uros",), answer_start=23)
    assert not hit(cited(0, 25), answers=("uros",), answer_start=23)


@pytest.mark.parametrize(
    ("text", "answer", "expected"),
    [
        ("It was in  May\n1999.", "may 1999", True),
        ("In 19990.", "1999", False),
        ("Costs $5.", "$5", True),
        ("Anything", "", False),
        ("Anything", "  ", False),
    ],
)
def test_answers_are_compared_by_whole_words_blanks_and_case_aside(text: str, answer: str, expected: bool) -> None:
    assert contains_answer(text, answer) is expected
