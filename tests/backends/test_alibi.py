"""BLOOM and MPT against transformers' own code, in any steps, and what they refuse."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from toys import VOCAB, Words, answer, plan_for, read, tokens

from longdoc.backends import alibi_models, catalogue
from longdoc.backends.alibi import AlibiBackend, attention_layers
from longdoc.errors import ModelError, UserError
from longdoc.packing import PromptFrame

PREFIX, QUESTION, NEW = 130, 20, 8
TOKENIZER = Path(__file__).resolve().parents[2] / "models" / "reader" / "tokenizer.json"
TOYS: dict[str, dict[str, Any]] = {
    "BloomForCausalLM": {"hidden_size": 32, "n_layer": 3, "n_head": 4, "vocab_size": VOCAB},
    "MptForCausalLM": {"d_model": 32, "n_layers": 3, "n_heads": 4, "vocab_size": VOCAB, "max_seq_len": 256},
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "bloom": ("BloomForCausalLM", {}),
    "bloom, six heads": ("BloomForCausalLM", {"n_head": 6, "hidden_size": 48}),
    "bloom, residual after the norm": ("BloomForCausalLM", {"apply_residual_connection_post_layernorm": True}),
    "mpt": ("MptForCausalLM", {}),
    "mpt, six heads": ("MptForCausalLM", {"n_heads": 6, "d_model": 48}),
    "mpt, clipped": ("MptForCausalLM", {"attn_config": {"clip_qkv": 0.5, "softmax_scale": 0.4}}),
}


def made(name: str) -> Any:
    """A random model, its weights large enough that tokens differ."""
    torch.manual_seed(0)
    architecture, changes = CASES[name]
    kind = getattr(transformers, architecture)
    model = kind(kind.config_class(**{**TOYS[architecture], **changes, "tie_word_embeddings": False})).eval()
    with torch.no_grad():
        for part, parameter in model.named_parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 1.0 if "wte" in part or "embed" in part else 1.3 / parameter.shape[-1] ** 0.5)
    return model


def backend_of(model: Any, tmp_path: Path) -> AlibiBackend:
    """A backend around a toy, described as its folder would be."""
    model.save_pretrained(tmp_path)
    info = catalogue.describe(tmp_path)
    return AlibiBackend(model, info, Words(), PromptFrame("chat", (), ()), ["weights"])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CASES)
def test_answers_equal_those_of_transformers_whatever_the_steps(name: str, tmp_path: Path) -> None:
    model, ids = made(name), tokens(PREFIX + QUESTION)
    expected = model.generate(torch.tensor([ids]), max_new_tokens=NEW, do_sample=False, eos_token_id=None)
    expected = [int(token) for token in expected[0, len(ids) :]]
    with torch.no_grad():
        logits = model(torch.tensor([ids + expected])).logits[0, len(ids) - 1 : -1]
    likely = logits.float().log_softmax(-1).gather(1, torch.tensor(expected)[:, None])[:, 0].tolist()
    backend = backend_of(model, tmp_path)
    for step in (64, 33):
        plan = plan_for(prefill_step=step)
        reading = read(backend, ids[:PREFIX], plan)
        for _ in range(2):  # what the first answer left behind must not matter
            found = answer(backend, ids[PREFIX:], reading, plan, NEW)
            assert [token.token_id for token in found] == expected
            assert [token.logprob for token in found] == pytest.approx(likely, abs=1e-5)
    assert sum(share for _, share in found[0].evidence) <= 1 + 1e-6


def test_biases_are_as_steep_as_the_checkpoint_says(tmp_path: Path) -> None:
    """The library always takes 8 (5.23); MPT-7B-StoryWriter was trained with 16."""
    model, ids = made("mpt"), tokens(PREFIX)
    model.config.attn_config.alibi_bias_max = 16
    base = model.base_model
    base.build_mpt_alibi_tensor = partial(type(base).build_mpt_alibi_tensor, base, alibi_bias_max=16)
    with torch.no_grad():
        expected = model(torch.tensor([ids])).logits[0, -1].log_softmax(-1)
    backend, plan = backend_of(model, tmp_path), plan_for()
    found = answer(backend, ids[-5:], read(backend, ids[:-5], plan), plan, 1)[0]
    assert found.token_id == int(expected.argmax())
    assert found.logprob == pytest.approx(float(expected.max()), abs=1e-5)


@pytest.mark.parametrize("name", ["bloom", "mpt"])
def test_the_model_is_its_own_again_after_every_step(name: str, tmp_path: Path) -> None:
    model, ids = made(name), tokens(PREFIX)
    with torch.no_grad():
        before = model(torch.tensor([ids])).logits
    backend, plan = backend_of(model, tmp_path), plan_for()
    read(backend, ids, plan)
    assert not any("forward" in vars(layer) for layer in attention_layers(model))
    with torch.no_grad():
        assert torch.equal(model(torch.tensor([ids])).logits, before)
    backend.close()


def test_bfloat16_keys_change_little(tmp_path: Path) -> None:
    ids, backend = tokens(PREFIX + QUESTION), backend_of(made("bloom"), tmp_path)
    exact, rough = plan_for(), plan_for(kv_dtype="bf16")
    found = [answer(backend, ids[PREFIX:], read(backend, ids[:PREFIX], plan), plan, 1)[0] for plan in (exact, rough)]
    assert found[0].logprob == pytest.approx(found[1].logprob, abs=0.05)


@pytest.mark.parametrize("heads", [1, 4, 6, 8, 12, 14, 112])
def test_slopes_equal_the_library_s_own(heads: int) -> None:
    from transformers.models.bloom.modeling_bloom import _get_alibi_slopes
    from transformers.models.mpt.modeling_mpt import build_mpt_alibi_tensor

    theirs = _get_alibi_slopes(heads, torch.device("cpu"))
    torch.testing.assert_close(torch.tensor(alibi_models.bloom_slopes(heads)), theirs, rtol=1e-6, atol=0)
    theirs = -build_mpt_alibi_tensor(heads, 2, alibi_bias_max=8)[:, 0, 0]
    torch.testing.assert_close(torch.tensor(alibi_models.mpt_slopes(heads, 8)), theirs, rtol=1e-6, atol=0)


def test_neither_a_method_nor_sparse_attention_is_taken(tmp_path: Path) -> None:
    backend = backend_of(made("mpt"), tmp_path)
    with pytest.raises(UserError, match="no rotary positions"):
        backend.fingerprint(plan_for(position_method="yarn", factor=4.0))
    with pytest.raises(UserError, match="only dense attention"):
        backend.new_cache(plan_for(attention="sparse"), 100)


REFUSED = {
    "learned positions": {"attn_config": {"alibi": False}},
    "two-way prefix": {"attn_config": {"prefix_lm": True}},
    "normalised queries": {"attn_config": {"qk_ln": True}},
    "one key head": {"attn_config": {"attn_type": "multiquery_attention"}},
    "scaled logits": {"logit_scale": 0.5},
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_kind_of_mpt_that_would_be_computed_wrongly_is_refused(name: str, tmp_path: Path) -> None:
    made("mpt").save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **REFUSED[name]}))
    with pytest.raises(ModelError, match="does not carry out") as caught:
        catalogue.describe(tmp_path)
    assert caught.value.code == "unsupported"


def test_a_folder_is_described_and_planned_without_a_method(tmp_path: Path) -> None:
    from longdoc.planning import make_plan
    from longdoc.settings import Settings

    made("mpt").save_pretrained(tmp_path)
    shutil.copy(TOKENIZER, tmp_path / "tokenizer.json")
    info = catalogue.describe(tmp_path)
    assert (info.native_context, info.num_heads, info.head_dim, info.num_layers) == (256, 4, 8, 3)
    info, settings = replace(info, window=100_000), Settings(home=tmp_path / "home")
    plan = make_plan(info, 5000, settings=settings)
    assert (plan.position_method, plan.factor) == ("none", 1.0)
    with pytest.raises(UserError, match="no rotary positions"):
        make_plan(info, 5000, settings=settings, position="string")
