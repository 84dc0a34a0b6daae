"""Every served architecture against transformers' own code, plain and chunked, cached and cold."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from toys import NATIVE, TOYS, answer, backend_of, plan_for, read, tokens, toy

from longdoc.backends.catalogue import ARCHITECTURES

PREFIX, QUESTION, NEW = 130, 20, 10


def generated(model: Any, ids: list[int], n: int) -> list[int]:
    found = model.generate(
        torch.tensor([ids]), max_new_tokens=n, do_sample=False, eos_token_id=None, pad_token_id=0, use_cache=True
    )
    return [int(token) for token in found[0, len(ids) :]]


def logprobs(model: Any, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0, -1].float().log_softmax(-1)


def test_every_served_architecture_has_a_toy() -> None:
    assert set(TOYS) == ARCHITECTURES


@pytest.mark.parametrize("architecture", sorted(TOYS))
def test_plain_answers_equal_those_of_transformers(architecture: str) -> None:
    model, ids = toy(architecture), tokens(PREFIX + QUESTION)
    expected = generated(model, ids, NEW)
    with torch.no_grad():
        logits = model(torch.tensor([ids + expected])).logits[0, len(ids) - 1 : -1]
    likely = logits.float().log_softmax(-1).gather(1, torch.tensor(expected)[:, None])[:, 0].tolist()
    # Without the prefix the numbers are others, so agreement below means that it was read.
    assert abs(likely[0] - float(logprobs(model, ids[PREFIX:])[expected[0]])) > 1e-3
    backend = backend_of(model)
    for step in (64, 33):
        plan = plan_for(prefill_step=step)
        reading = read(backend, ids[:PREFIX], plan)
        # The same reading twice: what the first answer left behind must not matter.
        for _ in range(2):
            found = answer(backend, ids[PREFIX:], reading, plan, NEW)
            assert [token.token_id for token in found] == expected
            assert [token.logprob for token in found] == pytest.approx(likely, abs=1e-5)


@pytest.mark.parametrize("architecture", ["LlamaForCausalLM", "Qwen3ForCausalLM", "GPTNeoXForCausalLM"])
def test_declared_yarn_is_read_as_declared(architecture: str) -> None:
    rope = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": NATIVE}
    model, ids = toy(architecture, rope_parameters=rope), tokens(200)
    expected = generated(model, ids, NEW)
    backend, plan = backend_of(model), plan_for()
    found = answer(backend, ids[180:], read(backend, ids[:180], plan), plan, NEW)
    assert [token.token_id for token in found] == expected


def test_yarn_by_plan_equals_a_checkpoint_that_declares_it() -> None:
    rope = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": NATIVE}
    declared, ids = toy("Qwen3ForCausalLM", rope_parameters=rope), tokens(200)
    backend = backend_of(toy("Qwen3ForCausalLM"))
    plan = plan_for(position_method="yarn", factor=4.0)
    found = answer(backend, ids[180:], read(backend, ids[:180], plan), plan, NEW)
    assert [token.token_id for token in found] == generated(declared, ids, NEW)
    assert found[0].logprob == pytest.approx(float(logprobs(declared, ids)[found[0].token_id]), abs=1e-5)


@pytest.mark.parametrize("n_tokens", [50, 200])
def test_longrope_takes_the_set_for_the_planned_length_from_the_first_step_on(n_tokens: int) -> None:
    rope = {
        "rope_type": "longrope",
        "rope_theta": 10000.0,
        "original_max_position_embeddings": NATIVE,
        "factor": 4.0,
        "short_factor": [1.0, 1.1, 1.2, 1.3],
        "long_factor": [1.5, 2.0, 3.0, 4.0],
    }
    model, ids = toy("Phi3ForCausalLM", rope_parameters=rope, sliding_window=None), tokens(n_tokens)
    expected = logprobs(model, ids)  # whole, so that transformers sees the full length too
    backend = backend_of(model)
    plan = plan_for(n_tokens, prefill_step=32)
    found = answer(backend, ids[-5:], read(backend, ids[:-5], plan), plan, 1)
    assert found[0].token_id == int(expected.argmax())
    assert found[0].logprob == pytest.approx(float(expected.max()), abs=1e-5)


def test_dynamic_frequencies_are_those_of_the_planned_length_whatever_the_steps() -> None:
    rope = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}
    model, ids = toy("LlamaForCausalLM", rope_parameters=rope), tokens(2 * NATIVE)
    expected = logprobs(model, ids)
    backend = backend_of(toy("LlamaForCausalLM", rope_parameters=rope))
    plan = plan_for(2 * NATIVE, prefill_step=32)
    found = answer(backend, ids[-5:], read(backend, ids[:-5], plan), plan, 1)
    assert found[0].logprob == pytest.approx(float(expected[found[0].token_id]), abs=1e-5)
    assert found[0].token_id == int(expected.argmax())


def test_a_closed_backend_leaves_the_model_as_it_was() -> None:
    model, ids = toy("Gemma3ForCausalLM"), tokens(150)
    before, rotary = generated(model, ids, NEW), model.base_model.rotary_emb
    state = {key: value.clone() for key, value in model.state_dict().items()}
    buffers = {key: value.clone() for key, value in model.named_buffers()}
    implementation = model.config._attn_implementation
    backend, plan = backend_of(model), plan_for(position_method="string+yarn", factor=4.0)
    answer(backend, ids[130:], read(backend, ids[:130], plan), plan, 4)
    backend.close()
    assert model.config._attn_implementation == implementation
    assert model.base_model.rotary_emb is rotary
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert all(torch.equal(value, buffers[key]) for key, value in model.named_buffers())
    assert generated(model, ids, NEW) == before


def test_two_backends_do_not_disturb_each_other() -> None:
    ids, plan = tokens(150), plan_for()
    first, second = backend_of(toy("LlamaForCausalLM")), backend_of(toy("Gemma2ForCausalLM"))
    alone = [token.token_id for token in answer(first, ids[130:], read(first, ids[:130], plan), plan)]
    reading = first.new_cache(plan, 130)
    steps = first.prefill(ids[:130], reading, plan, threading.Event())
    next(steps)
    read(second, ids[:100], plan)
    list(steps)
    assert [token.token_id for token in answer(first, ids[130:], reading, plan)] == alone
