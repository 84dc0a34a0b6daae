"""The loops: steps, stop, tail, constraint, evidence, memory, fingerprints."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from toys import answer, backend_of, plan_for, read, tokens, toy

from longdoc.attention import interface
from longdoc.backends import rotary
from longdoc.backends.transformer import TransformerBackend
from longdoc.cache.segment import Reading
from longdoc.errors import CacheError, ModelError, Stopped, UserError

IDS = tokens(150)
PREFIX, QUESTION = IDS[:130], IDS[130:]


@pytest.fixture(scope="module")
def backend() -> TransformerBackend:
    return backend_of(toy("Qwen3ForCausalLM"))


def kept(reading: Reading) -> list[torch.Tensor]:
    n = reading.n_tokens
    return [part[:, :n].clone() for layer in reading.layers for part in (layer.keys, layer.values)]


def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_every_step_is_announced_and_none_is_longer_than_planned(backend: TransformerBackend) -> None:
    plan = plan_for(prefill_step=48)
    reading = backend.new_cache(plan, len(PREFIX))
    assert list(backend.prefill(PREFIX, reading, plan, threading.Event())) == [48, 96, 130]


@pytest.mark.parametrize("kv_dtype", ["float32", "bf16"])
@pytest.mark.parametrize("method", ["none", "string"])
def test_an_answer_leaves_the_document_segment_bit_by_bit_as_it_was(
    backend: TransformerBackend, kv_dtype: str, method: str
) -> None:
    plan = plan_for(kv_dtype=kv_dtype, position_method=method)
    reading = read(backend, PREFIX, plan)
    before = kept(reading)
    first = answer(backend, QUESTION, reading, plan)
    answer(backend, tokens(300, seed=5), reading, plan, 30)
    assert same(before, kept(reading))
    assert (reading.tail.n_tokens, reading.token_ids) == (0, PREFIX)
    assert answer(backend, QUESTION, reading, plan) == first


def test_a_reading_goes_on_where_it_was_left(backend: TransformerBackend) -> None:
    plan, stop = plan_for(prefill_step=32), threading.Event()
    whole, broken = read(backend, PREFIX, plan), backend.new_cache(plan, len(PREFIX))
    steps = backend.prefill(PREFIX, broken, plan, stop)
    next(steps)
    stop.set()
    with pytest.raises(Stopped):
        next(steps)
    assert broken.n_tokens == 32
    assert list(backend.prefill(PREFIX, broken, plan, threading.Event())) == [64, 96, 128, 130]
    assert same(kept(whole), kept(broken))


def test_a_shared_beginning_is_read_once(backend: TransformerBackend) -> None:
    plan = plan_for(prefill_step=32)
    other = PREFIX[:64] + tokens(66, seed=9)
    reading = read(backend, PREFIX, plan)
    reading.truncate(64)
    assert list(backend.prefill(other, reading, plan, threading.Event())) == [96, 128, 130]
    assert same(kept(read(backend, other, plan)), kept(reading))


def test_a_reading_of_other_text_is_not_continued(backend: TransformerBackend) -> None:
    plan = plan_for()
    reading = read(backend, PREFIX, plan, room=10)
    with pytest.raises(CacheError, match="other text"):
        next(backend.prefill([7, *PREFIX], reading, plan, threading.Event()))
    with pytest.raises(CacheError, match="room"):
        next(backend.prefill(PREFIX + tokens(11), reading, plan, threading.Event()))
    assert reading.token_ids == PREFIX


def test_stop_ends_an_answer_and_the_tail_is_dropped(backend: TransformerBackend) -> None:
    plan, stop = plan_for(), threading.Event()
    reading = read(backend, PREFIX, plan)
    stream = backend.decode(
        QUESTION, reading, plan, max_new_tokens=9, stop_ids=frozenset(), stop=stop, evidence_tokens=0
    )
    next(stream)
    stop.set()
    with pytest.raises(Stopped):
        next(stream)
    assert reading.tail.n_tokens == 0


def test_an_abandoned_answer_drops_the_tail(backend: TransformerBackend) -> None:
    plan = plan_for()
    reading = read(backend, PREFIX, plan)
    stream = backend.decode(
        QUESTION, reading, plan, max_new_tokens=9, stop_ids=frozenset(), stop=threading.Event(), evidence_tokens=0
    )
    next(stream)
    assert reading.tail.n_tokens > 0
    stream.close()
    assert reading.tail.n_tokens == 0


def test_a_stop_token_is_the_last_one(backend: TransformerBackend) -> None:
    plan = plan_for()
    reading = read(backend, PREFIX, plan)
    free = [token.token_id for token in answer(backend, QUESTION, reading, plan, 8)]
    at = next(i for i in range(1, 8) if free[i] not in free[:i])
    ended = answer(backend, QUESTION, reading, plan, 8, stop_ids=frozenset({free[at]}))
    assert [token.token_id for token in ended] == free[: at + 1]


class Scripted:
    """Allows what a list of sets says, then nothing."""

    def __init__(self, *allowed: Sequence[int] | None) -> None:
        self._allowed = allowed
        self.seen: list[tuple[int, ...]] = []

    def allowed(self, output_ids: Sequence[int]) -> Sequence[int] | None:
        self.seen.append(tuple(output_ids))
        return self._allowed[len(output_ids)] if len(output_ids) < len(self._allowed) else ()

    def raised(self, output_ids: Sequence[int]) -> Mapping[int, float]:
        return {}


class Raised:
    """Allows anything and raises some logits of the first token."""

    def __init__(self, raised: Mapping[int, float]) -> None:
        self._raised = raised

    def allowed(self, output_ids: Sequence[int]) -> Sequence[int] | None:
        return None

    def raised(self, output_ids: Sequence[int]) -> Mapping[int, float]:
        return {} if output_ids else self._raised


def test_a_raised_token_is_chosen_once_it_is_raised_past_the_likeliest(backend: TransformerBackend) -> None:
    plan = plan_for()
    reading = read(backend, PREFIX, plan)
    likeliest = answer(backend, QUESTION, reading, plan, 1)[0]
    other = (likeliest.token_id + 1) % 10
    forced = answer(backend, QUESTION, reading, plan, 1, constraint=Scripted([other]))[0]
    behind = likeliest.logprob - forced.logprob
    chosen = [
        answer(backend, QUESTION, reading, plan, 2, constraint=Raised({other: behind + more}))[0]
        for more in (-0.01, 0.01)
    ]
    assert [token.token_id for token in chosen] == [likeliest.token_id, other]
    assert chosen[1].logprob == pytest.approx(forced.logprob)  # the model's own, not the raised one


def test_a_constraint_says_what_may_come_next_and_when_to_end(backend: TransformerBackend) -> None:
    plan = plan_for()
    reading = read(backend, PREFIX, plan)
    free = answer(backend, QUESTION, reading, plan, 1)[0]
    script = Scripted([5], None, [8, 9])
    found = answer(backend, QUESTION, reading, plan, 8, constraint=script)
    out = [token.token_id for token in found]
    assert (len(out), out[0]) == (3, 5)
    assert out[2] in (8, 9)
    assert script.seen == [(), (5,), (5, out[1]), tuple(out)]
    # The probability reported is the model's own, not what is left of it under the constraint.
    assert found[0].logprob < free.logprob


def test_evidence_shares_are_best_first_and_leave_the_first_block_out(backend: TransformerBackend) -> None:
    plan = plan_for()
    reading = read(backend, PREFIX, plan)
    for token in answer(backend, QUESTION, reading, plan, 4, evidence_tokens=8):
        blocks, shares = zip(*token.evidence, strict=True)
        assert len(blocks) == 8
        assert 0 not in blocks
        assert max(blocks) <= 129 // 8
        assert list(shares) == sorted(shares, reverse=True)
        assert 0 < sum(shares) <= 1 + 1e-6


def test_evidence_does_not_change_the_answer(backend: TransformerBackend) -> None:
    plan = plan_for()
    reading = read(backend, PREFIX, plan)
    with_it, without = (answer(backend, QUESTION, reading, plan, 8, evidence_tokens=n) for n in (16, 0))
    assert [token.token_id for token in with_it] == [token.token_id for token in without]
    assert [token.logprob for token in with_it] == pytest.approx([token.logprob for token in without], abs=1e-5)
    assert all(token.evidence == () for token in without)


def test_evidence_is_what_the_model_s_own_attention_weights_say(backend: TransformerBackend) -> None:
    plan = plan_for()
    found = answer(backend, QUESTION, read(backend, PREFIX, plan), plan, 3, evidence_tokens=16)
    eager = toy("Qwen3ForCausalLM")
    eager.set_attn_implementation("eager")
    written = [token.token_id for token in found]
    with torch.no_grad():
        attentions = eager(torch.tensor([IDS + written]), output_attentions=True).attentions
    for at, token in enumerate(found):
        row = sum(layer[0, :, len(IDS) - 1 + at, : len(PREFIX)].sum(0) for layer in attentions)
        mass = torch.stack([block.sum() for block in row.split(16)])
        mass[0] = 0
        shares = (mass / mass.sum()).tolist()
        expected = sorted(((block, share) for block, share in enumerate(shares) if block), key=lambda pair: -pair[1])
        assert [block for block, _ in token.evidence] == [block for block, _ in expected[:8]]
        assert [share for _, share in token.evidence] == pytest.approx([share for _, share in expected[:8]], abs=1e-5)


def test_a_question_without_documents_is_answered(backend: TransformerBackend) -> None:
    plan = plan_for()
    reading = backend.new_cache(plan, 0)
    found = answer(backend, QUESTION, reading, plan, 3)
    assert len(found) == 3
    assert found[0].evidence == ()


def test_an_empty_question_is_refused(backend: TransformerBackend) -> None:
    plan = plan_for()
    with pytest.raises(UserError, match="empty"):
        answer(backend, [], read(backend, PREFIX, plan), plan)


def test_a_long_question_is_read_in_steps_and_answers_as_one_read_whole(backend: TransformerBackend) -> None:
    question = tokens(400, seed=3)
    small, large = plan_for(prefill_step=50), plan_for(prefill_step=1000)
    reading = read(backend, PREFIX, large)
    one, other = answer(backend, question, reading, small, 3), answer(backend, question, reading, large, 3)
    assert [token.token_id for token in one] == [token.token_id for token in other]
    assert [token.logprob for token in one] == pytest.approx([token.logprob for token in other], abs=1e-5)


def test_running_out_of_memory_shortens_the_step_and_goes_on(
    backend: TransformerBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, sizes, run = plan_for(prefill_step=128), [], backend._run

    def tight(piece: Any, *args: Any, **options: Any) -> Any:
        sizes.append(len(piece))
        if len(piece) > 40:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory")
        return run(piece, *args, **options)

    monkeypatch.setattr(backend, "_run", tight)
    reading = backend.new_cache(plan, len(PREFIX))
    assert list(backend.prefill(PREFIX, reading, plan, threading.Event()))[-1] == 130
    assert sizes[:3] == [128, 64, 32]


def test_no_memory_at_all_is_one_clear_error_and_the_reading_stays_usable(
    backend: TransformerBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(prefill_step=64)
    reading = backend.new_cache(plan, len(PREFIX))
    steps = backend.prefill(PREFIX, reading, plan, threading.Event())
    next(steps)
    with monkeypatch.context() as patched:
        patched.setattr(backend, "_run", _no_memory)
        with pytest.raises(ModelError, match="Memory ran out"):
            next(steps)
        with pytest.raises(ModelError, match="Memory ran out"):
            answer(backend, QUESTION, reading, plan)
    assert reading.n_tokens == 64
    assert list(backend.prefill(PREFIX, reading, plan, threading.Event())) == [128, 130]


def _no_memory(*args: Any, **options: Any) -> Any:
    raise RuntimeError("DefaultCPUAllocator: can't allocate memory")


def test_other_faults_of_the_model_are_not_taken_for_missing_memory(
    backend: TransformerBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for()
    monkeypatch.setattr(interface, "running", _broken)
    with pytest.raises(RuntimeError, match="something else"):
        read(backend, PREFIX, plan)


def _broken(step: Any) -> Any:
    raise RuntimeError("something else")


def test_numbers_that_overflow_are_an_error_and_not_an_answer(backend: TransformerBackend) -> None:
    plan = plan_for()
    reading = read(backend, PREFIX, plan)
    reading.layers[0].values[:] = float("nan")
    with pytest.raises(ModelError, match="overflow"):
        answer(backend, QUESTION, reading, plan)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"attention": "sparce"}, "sparce"),
        ({"cache_tier": "tape"}, "tape"),
        ({"kv_dtype": "int3"}, "int3"),
        ({"position_method": "yran"}, "yarn"),
        ({"position_method": "yarn", "factor": 0.5}, "factor"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused_before_anything_runs(
    backend: TransformerBackend, change: dict[str, Any], words: str
) -> None:
    plan = plan_for(**change)
    with pytest.raises(UserError, match=words):
        read(backend, PREFIX, plan)


def test_frequencies_other_than_described_are_not_extended() -> None:
    model = toy("Qwen3ForCausalLM")
    backend = backend_of(model, rope_parameters={"rope_type": "default", "rope_theta": 500000.0})
    with pytest.raises(ModelError, match="frequencies"):
        read(backend, PREFIX, plan_for(position_method="yarn", factor=4.0))
    assert read(backend, PREFIX, plan_for()).n_tokens == 130


def test_a_closed_backend_says_so() -> None:
    backend = backend_of(toy("LlamaForCausalLM"))
    assert backend.memory_bytes() > 0
    backend.close()
    backend.close()
    with pytest.raises(ModelError, match="closed"):
        backend.new_cache(plan_for(), 5)


def test_bfloat16_keys_change_little(backend: TransformerBackend) -> None:
    exact, short = plan_for(), plan_for(kv_dtype="bf16")
    fine = answer(backend, QUESTION, read(backend, PREFIX, exact), exact, 1)[0]
    coarse = answer(backend, QUESTION, read(backend, PREFIX, short), short, 1)[0]
    assert coarse.logprob == pytest.approx(fine.logprob, abs=0.1)


def test_products_are_as_exact_after_a_read_as_before() -> None:
    backend, settings = backend_of(toy("Qwen3ForCausalLM")), torch.backends.mkldnn.matmul
    before = settings.fp32_precision
    read(backend, PREFIX, plan_for(kv_dtype="bf16"))
    assert settings.fp32_precision == before


def test_a_bfloat16_model_answers_like_transformers() -> None:
    model, ids = toy("LlamaForCausalLM").bfloat16(), tokens(60)
    with torch.no_grad():
        expected = model(torch.tensor([ids])).logits[0, -1].float().log_softmax(-1)
    backend, plan = backend_of(model), plan_for(kv_dtype="bf16")
    found = answer(backend, ids[50:], read(backend, ids[:50], plan), plan, 1)[0]
    assert found.logprob == pytest.approx(float(expected[found.token_id]), abs=0.1)
    assert float(expected.max() - expected[found.token_id]) < 0.1


def test_scores_are_the_probabilities_of_the_text_itself(backend: TransformerBackend) -> None:
    with torch.no_grad():
        fresh = toy("Qwen3ForCausalLM")
        logits = fresh(torch.tensor([IDS])).logits[0, :-1].log_softmax(-1)
    expected = logits.gather(1, torch.tensor(IDS[1:])[:, None])[:, 0].tolist()
    found = [value for step in backend.score(IDS, plan_for(prefill_step=40), threading.Event()) for value in step]
    assert found == pytest.approx(expected, abs=1e-5)


def test_a_regime_leaves_the_model_s_own_module_alone() -> None:
    model = toy("LlamaForCausalLM")
    before = model.base_model.rotary_emb
    values = before.inv_freq.clone()
    regime = rotary.declared(model.base_model, 100)
    inside = []

    def fails() -> None:
        with regime.applied(model.base_model):
            inside.append(model.base_model.rotary_emb)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert inside == [regime.module]
    assert model.base_model.rotary_emb is before
    assert torch.equal(before.inv_freq, values)
