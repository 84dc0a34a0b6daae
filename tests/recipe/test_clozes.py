"""Tests of plain questions made from single sentences."""

import random

import numpy as np
import pytest

from models.recipe.clozes import span_of, wh_question
from tests.recipe.conftest import Workshop

SENTENCE = " In 1834 the old captain sailed from Bristol to Lisbon with nineteen barrels of salted herring on board."


def drawn(workshop: Workshop, seed: int) -> tuple[str, str] | None:
    """Return (question, answer) drawn from SENTENCE."""
    rng, tokenizer, vocabulary = random.Random(seed), workshop.tokenizer, workshop.vocabulary
    ids = np.asarray(tokenizer.ids(SENTENCE), np.uint16)
    span = span_of(ids, vocabulary, rng)
    question = span and wh_question(ids, span, tokenizer, vocabulary, rng)
    return (question, tokenizer.decode([int(i) for i in ids[span[0] : span[1]]]).strip()) if span and question else None


@pytest.fixture
def pairs(workshop: Workshop) -> list[tuple[str, str]]:
    return [pair for seed in range(200) if (pair := drawn(workshop, seed))]


def test_answers_are_whole_words_of_the_sentence_that_the_question_does_not_hold(pairs: list[tuple[str, str]]) -> None:
    assert len(pairs) > 100
    for question, answer in pairs:
        assert f" {answer}" in SENTENCE
        assert f" {answer.lower()} " not in f" {question.lower().rstrip('?')} "


def test_the_rest_of_the_question_comes_from_the_sentence(pairs: list[tuple[str, str]]) -> None:
    wh = set("who what whom which how many much when where in year number name place kind of thing".split())
    known = {word.strip(".").lower() for word in SENTENCE.split()} | wh
    for question, _ in pairs:
        assert set(question.lower().rstrip("?").split()) <= known
        assert question.endswith("?")


@pytest.mark.parametrize(
    ("answer", "openings"),
    [("1834", ("when", "in what", "which number")), ("Bristol", ("where", "which place", "who", "what", "which name"))],
)
def test_the_wh_word_asks_for_what_the_answer_looks_like(
    pairs: list[tuple[str, str]], answer: str, openings: tuple[str, ...]
) -> None:
    asked = [question.lower() for question, found in pairs if found == answer]
    assert asked
    assert all(any(opening in question for opening in openings) for question in asked)


def test_a_sentence_of_few_words_gives_no_question(workshop: Workshop) -> None:
    ids = np.asarray(workshop.tokenizer.ids(" He went to Rome."), np.uint16)
    assert span_of(ids, workshop.vocabulary, random.Random(1)) is None
