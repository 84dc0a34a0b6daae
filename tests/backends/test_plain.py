"""Single tokens without the model's modules: the same numbers, or not taken."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from toys import TOYS, answer, backend_of, plan_for, read, tokens, toy

from longdoc.backends import Decoded, plain, products
from longdoc.backends.plain import PlainDecoder
from longdoc.types import ReadingPlan

KNOWN = ["LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM"]
N_PREFIX = 150
PLANS = {
    "dense": {},
    "sparse": {"attention": "sparse", "attention_budget": 64},
    "yarn": {"position_method": "yarn", "factor": 4.0},
    "string": {"position_method": "string"},
    "bf16": {"kv_dtype": "bf16"},
}


def rounded(model: Any) -> Any:
    """Return the model with weights as a checkpoint in bfloat16 has them."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.bfloat16())
    return model


def answers(model: Any, plan: ReadingPlan, monkeypatch: pytest.MonkeyPatch) -> list[list[Decoded]]:
    """Answer through the plain decoder, then through the model's own code."""
    ids, found = tokens(N_PREFIX + 12), []
    for taken in (True, False):
        with monkeypatch.context() as patch:
            if not taken:
                patch.setattr(PlainDecoder, "of", classmethod(lambda cls, model: None))
            backend = backend_of(model)
            found.append(answer(backend, ids[N_PREFIX:], read(backend, ids[:N_PREFIX], plan), plan, 12))
            assert (backend.memory_bytes() > sum(p.nbytes for p in model.parameters())) == taken
            backend.close()
    return found


def same(found: list[list[Decoded]], tolerance: float) -> None:
    plain_way, own_way = found
    assert [token.token_id for token in plain_way] == [token.token_id for token in own_way]
    likely = [[token.logprob for token in way] for way in found]
    assert likely[0] == pytest.approx(likely[1], abs=tolerance)
    for one, other in zip(plain_way, own_way, strict=True):
        assert dict(one.evidence) == pytest.approx(dict(other.evidence), abs=1e-3)


@pytest.mark.parametrize("kind", sorted(PLANS))
@pytest.mark.parametrize("architecture", KNOWN)
def test_an_answer_equals_that_of_the_models_own_code(
    architecture: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    same(answers(toy(architecture), plan_for(**PLANS[kind]), monkeypatch), 1e-3 if kind == "bf16" else 1e-5)


@pytest.mark.parametrize("architecture", KNOWN)
def test_weights_of_a_bfloat16_checkpoint_give_the_same_numbers(
    architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    same(answers(rounded(toy(architecture)), plan_for(), monkeypatch), 1e-5)


@pytest.mark.parametrize("changes", [{"attention_bias": True, "mlp_bias": True}, {"tie_word_embeddings": True}])
def test_biases_and_a_tied_head_are_kept(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    model = toy("LlamaForCausalLM", **changes)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0, 0.5)
    same(answers(model, plan_for(), monkeypatch), 1e-5)


def test_weights_too_large_to_copy_are_used_where_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    model, ids = toy("Qwen3ForCausalLM"), tokens(N_PREFIX + 12)
    plan, found = plan_for(), []
    for most in (1 << 30, 1000):
        monkeypatch.setattr(plain, "_COPIED_BYTES", most)
        backend = backend_of(model)
        found.append(answer(backend, ids[N_PREFIX:], read(backend, ids[:N_PREFIX], plan), plan))
        decoder = PlainDecoder.of(model)
        assert decoder is not None
        assert (decoder.nbytes > 0) == (most > 1000)
    same(found, 1e-5)


@pytest.mark.parametrize("architecture", sorted(set(TOYS) - set(KNOWN)))
def test_models_with_other_layers_keep_their_own_code(architecture: str) -> None:
    assert PlainDecoder.of(toy(architecture)) is None


def test_other_dtypes_and_replaced_products_keep_the_models_own_code() -> None:
    assert PlainDecoder.of(toy("Qwen3ForCausalLM")) is not None
    assert PlainDecoder.of(toy("Qwen3ForCausalLM").bfloat16()) is None

    class Other(torch.nn.Linear):
        """A product that may compute anything."""

    model = toy("Qwen3ForCausalLM")
    model.model.layers[1].mlp.up_proj = Other(32, 48, bias=False)
    assert PlainDecoder.of(model) is None


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", ["bfloat16", "float16", "float32", "tiny", "huge", "float64"])
@pytest.mark.parametrize("kernel", [True, False])
def test_a_joined_product_is_exact_whatever_the_weights_are(
    kind: str, bias: bool, kernel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    if not kernel:
        monkeypatch.delattr(torch, "fbgemm_linear_fp16_weight_fp32_activation", raising=False)
    modules = [torch.nn.Linear(40, n, bias=bias and n != 7) for n in (24, 7, 16)]
    row = torch.randn(1, 40)
    with torch.no_grad():
        for module in modules:
            if kind in ("bfloat16", "float16"):
                module.weight.copy_(module.weight.to(getattr(torch, kind)))
            elif kind in ("tiny", "huge"):  # what float16 does not hold
                module.weight.copy_((module.weight * (1e-7 if kind == "tiny" else 1e8)).bfloat16())
            elif kind == "float64":
                module.double()
        row = row.to(modules[0].weight.dtype)
        expected = torch.cat([module.double()(row.double()) for module in modules], 1)
        for module in modules:
            module.to(row.dtype)
        assert products.copied_bytes(modules, 10**6) > 0
        for copied in (True, False):
            found = products.joined(modules, copied=copied)(row)
            scale = float(expected.abs().max())
            assert float((found.double() - expected).abs().max()) < 2e-6 * scale


def test_a_thread_that_came_while_another_answered_reads_with_all_threads() -> None:
    backend, ids, plan, before = backend_of(toy("Qwen3ForCausalLM")), tokens(60), plan_for(), torch.get_num_threads()
    backend._threads = 2
    seen = list[int]()

    def ask() -> None:
        torch.set_num_threads(1)
        reading = read(backend, ids[:50], plan)
        seen.append(torch.get_num_threads())
        answer(backend, ids[50:], reading, plan, 3)
        seen.append(torch.get_num_threads())

    try:
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    finally:
        torch.set_num_threads(before)
    assert seen == [2, 2]
