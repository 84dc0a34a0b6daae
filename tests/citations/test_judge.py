from __future__ import annotations

import pytest

from longdoc.citations.judge import judge, quoted

TEXT = "Section 4: The tenant may end this lease by giving 30 days of written notice to the landlord at his address."


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("30 days", "verified"),
        ("the 30 days of", "verified"),
        ("The tenant may end this lease by giving 30 days of written notice.", "verified"),
        ("A tenant ends the lease with written notice of 30 days to the landlord", "fuzzy"),
        ("90 days", None),
        ("A tenant ends the lease with written notice of 90 days to the landlord", None),
        ("Yes.", None),
        ("", None),
        ("The dog barks at night", None),
    ],
)
def test_words_of_an_answer_are_verified_nearly_there_or_not(answer: str, status: str | None) -> None:
    assert judge(answer, TEXT) == status


def test_words_in_quotation_marks_are_claims_of_quoting() -> None:
    assert quoted('It says "30 days" and “written notice”, „schriftlich“ or "the".') == [
        "30 days",
        "written notice",
        "schriftlich",
    ]
