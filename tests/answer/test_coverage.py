"""Tests of longdoc/answer/coverage.py and of how it speaks for "Not stated."."""

from __future__ import annotations

import numpy as np
import pytest
from standin import StandIn

from longdoc.answer.copying import copy_constraint
from longdoc.answer.coverage import ENOUGH, WEIGHT, coverage, refusal_odds
from longdoc.packing import Included, pack
from longdoc.types import Document

LEASE = [
    "The lease begins in May.",
    " The tenant pays the deposit to the landlord.",
    " It is 290 euros.",
    " Boats are kept dry.",
]


@pytest.fixture
def tokenizer():
    return StandIn().tokenizer


def ids_of(sentences: list[str], tokenizer):
    return np.asarray(tokenizer.ids("".join(sentences)), dtype=np.int64)


@pytest.mark.parametrize(
    ("question", "share"),
    [
        ("Who pays the deposit?", 1.0),  # pays, deposit
        ("How many euros does the landlord get?", (1 + 0.5) / 4),  # landlord beside euros; many and get nowhere
        ("Where are boats and horses kept?", 2 / 3),
        ("When do the tenants move out?", 1 / 2),  # "tenants" is "tenant"; move is nowhere
        ("Which clockmaker taught Ana Quist?", 0.0),
        ("Why is that so?", 1.0),  # no word that counts
    ],
)
def test_coverage_is_the_share_of_words_in_the_best_sentence(tokenizer, question, share):
    assert coverage(question, ids_of(LEASE, tokenizer), tokenizer) == pytest.approx(share)


def test_without_documents_nothing_is_covered(tokenizer):
    assert coverage("Who pays?", np.zeros(0, np.int64), tokenizer) == 0.0


def test_odds_rise_with_what_is_missing_and_are_nought_where_enough_is_there(tokenizer):
    ids = ids_of(LEASE, tokenizer)
    assert refusal_odds("Who pays the deposit?", ids, tokenizer) == 0.0
    assert refusal_odds("Which clockmaker taught Ana Quist?", ids, tokenizer) == pytest.approx(WEIGHT * ENOUGH)
    some = refusal_odds("Which boats did Ana Quist sell her clockmaker?", ids, tokenizer)  # one word of five
    assert some == pytest.approx(WEIGHT * (ENOUGH - 1 / 5))


def test_only_not_stated_is_raised_and_never_for_the_model_alone():
    backend = StandIn()
    special = backend.frame.special
    assert special is not None
    included = [Included(Document("a", "a", "a.txt", "".join(LEASE)), "a.txt", "marker")]

    def raised(question: str, **how: bool) -> dict[int, float]:
        prompt = pack(included, question, backend.tokenizer, backend.frame)
        return dict(copy_constraint(prompt, special, backend.tokenizer, **how).raised([]))

    refusing = backend.tokenizer.ids(" Not stated.")[0]
    assert raised("Who pays the deposit?") == {}
    assert raised("Which clockmaker taught Ana Quist?") == {refusing: pytest.approx(WEIGHT * ENOUGH)}
    assert raised("Which clockmaker taught Ana Quist?", anywhere=True) == {}
