"""Sparse attention through a whole model: what it has in common with dense, and with itself."""

from __future__ import annotations

import threading

import pytest
import torch
from toys import answer, backend_of, plan_for, read, tokens, toy

from longdoc.attention.block_cache import BlockCache
from longdoc.attention.chosen import Chosen
from longdoc.attention.probe import recall_of
from longdoc.backends.transformer import TransformerBackend
from longdoc.cache.segment import Buffer, Reading

N = 2600
IDS, QUESTION = tokens(N), tokens(20, seed=2)
LEAST = 11 * 64  # tokens: the smallest budget, sinks and window included
METHODS = ["none", "string", "yarn", "string+yarn", "dca", "selfextend"]


@pytest.fixture(scope="module")
def backend() -> TransformerBackend:
    return backend_of(toy("Qwen3ForCausalLM"))


def kept(reading: Reading) -> list[torch.Tensor]:
    return [strip.clone() for layer in reading.layers for strip in layer.stored(0, reading.n_tokens)]


@pytest.mark.parametrize("method", METHODS)
def test_a_budget_for_everything_reads_and_answers_as_dense_attention(backend: TransformerBackend, method: str) -> None:
    factor = 64.0 if "yarn" in method else 1.0
    dense = plan_for(N + 100, position_method=method, factor=factor, prefill_step=512)
    sparse = plan_for(
        N + 100, position_method=method, factor=factor, prefill_step=512, attention="sparse", attention_budget=N
    )
    readings = [read(backend, IDS, plan) for plan in (dense, sparse)]
    for a, b in zip(*map(kept, readings), strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-3)
    answers = [answer(backend, QUESTION, r, p, 4) for r, p in zip(readings, (dense, sparse), strict=True)]
    assert [t.token_id for t in answers[0]] == [t.token_id for t in answers[1]]


@pytest.mark.parametrize("method", METHODS)
def test_every_position_method_reads_sparsely_and_leaves_keys_out(backend: TransformerBackend, method: str) -> None:
    factor = 64.0 if "yarn" in method else 1.0
    plan = plan_for(
        N + 100, position_method=method, factor=factor, prefill_step=512, attention="sparse", attention_budget=LEAST
    )
    reading = read(backend, IDS, plan)
    found = answer(backend, QUESTION, reading, plan, 6)
    assert len(found) == 6
    assert all(share > 0 for _, share in found[-1].evidence)
    held = recall_of(reading)
    assert held is not None
    assert 0 < held < 1


@pytest.mark.parametrize("at", [1000, 1024, 2599])
def test_a_beginning_read_before_goes_on_to_the_same_reading_as_one_read(backend: TransformerBackend, at: int) -> None:
    plan = plan_for(N + 100, prefill_step=512, attention="sparse", attention_budget=LEAST)
    whole, shared = read(backend, IDS, plan), read(backend, IDS[:at], plan, room=N - at)
    steps = list(backend.prefill(IDS, shared, plan, threading.Event()))
    assert steps[0] <= at // 128 * 128 + 512, "more than the last tile was read again"
    for a, b in zip(kept(whole), kept(shared), strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)
    answers = [answer(backend, QUESTION, reading, plan, 4) for reading in (whole, shared)]
    assert [t.token_id for t in answers[0]] == [t.token_id for t in answers[1]]
    assert answers[0][-1].logprob == pytest.approx(answers[1][-1].logprob, abs=1e-3)


def test_a_restored_reading_answers_as_the_one_that_was_read(backend: TransformerBackend) -> None:
    plan = plan_for(N + 100, prefill_step=512, attention="sparse", attention_budget=LEAST)
    reading, restored = read(backend, IDS, plan), backend.new_cache(plan, N)
    for own, new in zip(reading.layers, restored.layers, strict=True):
        new.restore(0, own.stored(0, N))
    restored.commit(IDS)
    assert answer(backend, QUESTION, restored, plan) == answer(backend, QUESTION, reading, plan)


def test_one_question_leaves_nothing_behind_for_the_next(backend: TransformerBackend) -> None:
    plan = plan_for(N + 100, prefill_step=512, attention="sparse", attention_budget=LEAST)
    reading = read(backend, IDS, plan)
    before = kept(reading)
    first = answer(backend, QUESTION, reading, plan)
    answer(backend, tokens(150, seed=9), reading, plan)
    assert answer(backend, QUESTION, reading, plan) == first
    assert all(torch.equal(a, b) for a, b in zip(before, kept(reading), strict=True))


def test_blocks_cached_on_a_device_answer_as_blocks_from_where_they_lie(
    backend: TransformerBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(N + 100, prefill_step=512, attention="sparse", attention_budget=LEAST)
    # Keys across a bus are ranked by their bounds: so are they here where they lie.
    monkeypatch.setattr("longdoc.attention.chosen.at_hand", lambda *_: False)
    expected = answer(backend, QUESTION, read(backend, IDS, plan), plan, 12)
    made: list[BlockCache] = []
    monkeypatch.setattr(Buffer, "away", property(lambda layer: True))
    monkeypatch.setattr("longdoc.attention.chosen.BlockCache", lambda *args: made.append(BlockCache(*args)) or made[-1])
    reading = read(backend, IDS, plan)
    for _ in range(2):
        assert answer(backend, QUESTION, reading, plan, 12) == expected
    assert [cache.asked > cache.fetched > 0 for cache in made] == [True]  # of three layers two stay dense


@pytest.mark.parametrize("architecture", ["Gemma2ForCausalLM", "GptOssForCausalLM", "SmolLM3ForCausalLM"])
def test_windows_caps_sinks_and_layers_without_positions_are_honoured(architecture: str) -> None:
    backend = backend_of(toy(architecture))
    dense = plan_for(1500, prefill_step=512)
    sparse = plan_for(1500, prefill_step=512, attention="sparse", attention_budget=1408)
    ids = IDS[:1400]
    a, b = (answer(backend, QUESTION, read(backend, ids, plan), plan, 4) for plan in (sparse, dense))
    assert [t.token_id for t in a] == [t.token_id for t in b]
    least = plan_for(1500, prefill_step=512, attention="sparse", attention_budget=LEAST)
    assert len(answer(backend, QUESTION, read(backend, ids, least), least, 4)) == 4


def test_first_layers_stay_dense_only_where_bounds_choose(
    backend: TransformerBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(N + 100, prefill_step=512, attention="sparse", attention_budget=LEAST)
    reading = read(backend, IDS, plan)
    asked: set[int] = set()
    blocks = Chosen.blocks

    def noted(self: Chosen, reading: Reading, layer: int, *rest: object) -> torch.Tensor:
        asked.add(layer)
        return blocks(self, reading, layer, *rest)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(Chosen, "blocks", noted)
    answer(backend, QUESTION, reading, plan)
    assert asked == {0, 1, 2}
    asked.clear()
    monkeypatch.setattr("longdoc.attention.chosen.at_hand", lambda *_: False)
    answer(backend, QUESTION, reading, plan)
    assert asked == {2}
