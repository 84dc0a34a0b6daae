"""Streaming attention: what is seen, at which distance, and with which methods it goes together."""

from __future__ import annotations

import numpy as np
import pytest
from toys import answer, backend_of, info_of, plan_for, read, tokens, toy

from longdoc.attention.streaming import streaming
from longdoc.errors import UserError
from longdoc.positions import METHODS, make
from longdoc.positions.none import Unchanged
from longdoc.types import ModelInfo

BUDGET = 40
_PLAIN = ("none", "linear", "ntk", "dynamic", "yarn")  # methods without a rule for places


@pytest.fixture(scope="module")
def info() -> ModelInfo:
    return info_of(toy("Qwen3ForCausalLM"))


def test_a_query_sees_as_many_keys_as_the_budget_and_none_farther_than_that() -> None:
    method = streaming(Unchanged(64), BUDGET)
    positions = np.arange(200)
    seen = np.zeros(200, dtype=int)
    for branch in method.branches(200):
        low, high = branch.keys(positions)
        n = np.maximum(high - low, 0)
        seen += n
        farthest = branch.query_positions(positions) - low
        assert farthest[n > 0].max() < BUDGET
    assert seen.tolist() == np.minimum(positions + 1, BUDGET).tolist()


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_either_gives_its_frequencies_or_says_why_not(name: str, info: ModelInfo) -> None:
    kind = METHODS[name]
    method = make(name, info, 2.0 if kind.has_factor else 1.0)
    if name not in _PLAIN:
        with pytest.raises(UserError, match="Choose the position method none or yarn"):
            streaming(method, BUDGET)
        return
    streamed = streaming(method, BUDGET)
    assert streamed.frequencies == method.frequencies
    assert streamed.numbers.items() >= method.numbers.items()


def test_a_model_streams_and_what_lies_in_between_changes_nothing() -> None:
    backend = backend_of(toy("Qwen3ForCausalLM", num_hidden_layers=1))
    plan = plan_for(400, attention="streaming", attention_budget=BUDGET)
    ids, question = tokens(300), tokens(5, seed=3)
    other = ids[:50] + tokens(150, seed=4) + ids[200:]
    answers = [answer(backend, question, read(backend, text, plan), plan, 4) for text in (ids, other)]
    assert [token.token_id for token in answers[0]] == [token.token_id for token in answers[1]]
    changed = read(backend, [*ids[:-1], 50 if ids[-1] != 50 else 51], plan)
    assert answer(backend, question, changed, plan, 4)[0].logprob != answers[0][0].logprob


def test_a_budget_for_the_whole_text_is_dense_attention() -> None:
    backend = backend_of(toy("Qwen3ForCausalLM"))
    ids, question = tokens(150), tokens(5, seed=3)
    found = [
        answer(backend, question, read(backend, ids, plan), plan)
        for plan in (plan_for(), plan_for(attention="streaming", attention_budget=1000))
    ]
    assert [t.token_id for t in found[0]] == [t.token_id for t in found[1]]
    assert found[0][-1].logprob == pytest.approx(found[1][-1].logprob, abs=1e-4)


def test_other_attention_and_another_budget_are_other_keys() -> None:
    backend = backend_of(toy("Qwen3ForCausalLM"))
    plans = [
        plan_for(),
        *(plan_for(attention=name, attention_budget=size) for name in ("sparse", "streaming") for size in (1024, 2048)),
    ]
    assert len({backend.fingerprint(plan) for plan in plans}) == len(plans)
