"""Answers are compared as the known conventions compare them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longdoc.evaluation import scoring
from longdoc.formats import NOT_STATED


@pytest.mark.parametrize(
    ("answer", "references", "exact", "f1"),
    [
        ("The Eiffel Tower.", ["eiffel tower"], 1.0, 1.0),
        ("in Paris, France", ["Paris"], 0.0, 0.5),
        ("Paris", ["London", "Paris"], 1.0, 1.0),
        ("", ["Paris"], 0.0, 0.0),
        ("blue", ["red"], 0.0, 0.0),
        ("cat cat", ["cat"], 0.0, 2 / 3),
    ],
)
def test_squad_scores(answer: str, references: list[str], exact: float, f1: float) -> None:
    assert scoring.exact(answer, references) == exact
    assert scoring.token_f1(answer, references) == pytest.approx(f1)


def test_ruler_counts_the_share_of_references_found_anywhere() -> None:
    assert scoring.share_found("They are 12345 and ABC.", ["12345", "abc", "999", "7"]) == 0.5
    assert scoring.any_found("It was in paris.", ["London", "Paris"]) == 1.0
    assert scoring.any_found("nowhere", ["London"]) == 0.0


@pytest.mark.parametrize(
    ("answer", "target", "question", "score"),
    [
        ("The kitchen.", "kitchen", "Where is Anna?", 1.0),
        ("She went to the kitchen. Before, the garden.", "kitchen", "Where is Anna?", 1.0),
        ("kitchen or garden", "kitchen", "Where is Anna?", 0.0),
        ("The kitchen, before the garden", "kitchen", "Where was it before the garden?", 1.0),
        ("garden", "garden,kitchen", "What is there?", 0.0),
        ("kitchen and garden", "garden,kitchen", "What is there?", 1.0),
        ("the kitchens", "kitchen", "Where?", 0.0),
    ],
)
def test_babilong_wants_exactly_the_target_labels(answer: str, target: str, question: str, score: float) -> None:
    assert scoring.babilong(answer, target, question, ("kitchen", "garden", "attic")) == score


def test_infinitebench_takes_the_first_integer_and_whole_words() -> None:
    assert scoring.first_number("The key is 71432, not 5.", "71432") == 1.0
    assert scoring.first_number("5 or 71432", "71432") == 0.0
    assert scoring.has_word('"ab-1": "cd-2"', "cd-2") == 1.0
    assert scoring.has_word("cd-22", "cd-2") == 0.0


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("The correct answer is (B)", "B"),
        ("The correct answer is C.", "C"),
        ("B", "B"),
        ("(C) three", "C"),
        ("two", "B"),
        ("Nothing of that", ""),
        ("D", ""),
        ("", ""),
    ],
)
def test_choices_are_read_from_letter_or_text(answer: str, letter: str) -> None:
    assert scoring.chosen_letter(answer, ["one", "two", "three"]) == letter


def test_not_stated_is_recognised_and_nothing_else() -> None:
    assert scoring.is_not_stated(NOT_STATED)
    assert scoring.is_not_stated("not stated")
    assert not scoring.is_not_stated("The rent is not stated in euros but in pounds.")


@given(st.text(max_size=40), st.text(max_size=40))
def test_all_scores_lie_between_0_and_1_and_an_answer_equals_itself(answer: str, reference: str) -> None:
    for score in (scoring.exact, scoring.token_f1, scoring.share_found, scoring.rouge_l):
        assert 0 <= score(answer, [reference]) <= 1
        assert score(reference, [reference]) == 1 or (score is scoring.rouge_l and score(reference, [reference]) == 0)


def test_rouge_counts_words_in_order() -> None:
    assert scoring.rouge_l("the cat sat", ["the cat sat on the mat"]) == pytest.approx(2 * 3 / 9)
    assert scoring.rouge_l("mat the on", ["the cat sat on the mat"]) == pytest.approx(2 * 2 / 9)
