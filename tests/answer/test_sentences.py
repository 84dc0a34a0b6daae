"""Tests of longdoc/answer/sentences.py: where quotes begin and end."""

from __future__ import annotations

import numpy as np
import pytest
from standin import StandIn

from longdoc.answer.sentences import sentences_of, whole_sentences
from longdoc.grounding import MAX_QUOTE_TOKENS


@pytest.fixture
def tokenizer():
    return StandIn().tokenizer


def ids_of(text: str, tokenizer):
    return np.asarray(tokenizer.ids(text), dtype=np.int64)


def cut(text: str, tokenizer) -> list[str]:
    """Return the sentences; together they are the text."""
    ids = ids_of(text, tokenizer)
    starts = sentences_of(ids.tobytes(), tokenizer).starts
    parts = [tokenizer.decode(part.tolist()) for part in np.split(ids, starts[1:])]
    assert "".join(parts) == text
    return parts


@pytest.mark.parametrize(
    "parts",
    [
        ["It rained.", " Ships sailed!", " Why?"],
        ["Set in St. Ives, on the U.S. coast.", " It rained."],
        ["See p. 4 and No. 5.", " It rained."],
        ["rent 950\n", "deposit 1,900\n"],
        ["A heading\n\n", "What stands under it."],
        ["The harbour master wrote that the ships were\nlate.", " It rained."],  # broken by the page's width
        ["The harbour master wrote that the ships were\n", "Late.", " It rained."],
        ["for ship in harbour_of_the_master(named):\n", "print(ship)\n"],
    ],
)
def test_sentences_and_lines(parts, tokenizer):
    assert cut("".join(parts), tokenizer) == parts


def test_headings_are_short_lines_before_a_blank_one(tokenizer):
    text = "Opening hours\n\nThe hall opens at nine.\n\nDeposit: 1,900\n\nrent\n"
    assert sentences_of(ids_of(text, tokenizer).tobytes(), tokenizer).headings.tolist() == [True, False, False, False]


def test_a_quote_begins_with_a_sentence_and_ends_before_the_line_break(tokenizer):
    text = "It rained.\n\nShips sailed. Why?"
    begins, ends = whole_sentences(ids_of(text, tokenizer), tokenizer)
    assert np.flatnonzero(begins).tolist() == [0, text.index("Ships"), text.index(" Why")]
    after = text.index("\n")
    assert np.flatnonzero(ends).tolist() == [0, after, after + 1, text.index("Ships"), text.index(" Why")]


def test_a_sentence_too_long_for_a_quote_may_be_entered_anywhere(tokenizer):
    text = "a" * (MAX_QUOTE_TOKENS + 10) + ". It rained."
    begins, _ = whole_sentences(ids_of(text, tokenizer), tokenizer)
    assert begins[: MAX_QUOTE_TOKENS + 11].all()
    assert begins[MAX_QUOTE_TOKENS + 11 :].tolist() == [True] + [False] * 10
