"""Frequencies as checkpoints declare them: ten public configurations, the library's code, and the papers' formulas."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from position_cases import CASES
from toys import NATIVE, answer, backend_of, info_of, plan_for, read, tokens, toy
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from longdoc.backends import rotary
from longdoc.backends.rope_settings import declared_rope
from longdoc.positions import DUAL_CHUNK, make

_LLAMA3 = {"rope_type": "llama3", "low_freq_factor": 1.0, "high_freq_factor": 4.0}
# Head size, base, longest text and rope settings as the checkpoints' config.json have them; the two
# lists of LongRoPE are shortened to a rule, since any numbers do.
PUBLIC: dict[str, dict[str, Any]] = {
    "Llama-3.1-8B": {
        "head_dim": 128, "rope_theta": 5e5, "max_position_embeddings": 131072,
        "rope_scaling": {**_LLAMA3, "factor": 8.0, "original_max_position_embeddings": 8192},
    },
    "Llama-3.2-1B": {
        "head_dim": 64, "rope_theta": 5e5, "max_position_embeddings": 131072,
        "rope_scaling": {**_LLAMA3, "factor": 32.0, "original_max_position_embeddings": 8192},
    },
    "Qwen2.5-7B, YaRN": {
        "head_dim": 128, "rope_theta": 1e6, "max_position_embeddings": 32768,
        "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768},
    },
    "Qwen3-8B, YaRN": {
        "head_dim": 128, "rope_theta": 1e6, "max_position_embeddings": 40960,
        "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768},
    },
    "Yarn-Llama-2-7B-64k": {
        "head_dim": 128, "rope_theta": 1e4, "max_position_embeddings": 65536,
        "rope_scaling": {"type": "yarn", "factor": 16.0, "original_max_position_embeddings": 4096},
    },
    "Yarn-Mistral-7B-128k": {
        "head_dim": 128, "rope_theta": 1e4, "max_position_embeddings": 131072,
        "rope_scaling": {"type": "yarn", "factor": 16.0, "original_max_position_embeddings": 8192},
    },
    "Phi-3-mini-128k": {
        "head_dim": 96, "rope_theta": 1e4, "max_position_embeddings": 131072,
        "original_max_position_embeddings": 4096,
        "rope_scaling": {"type": "longrope", "short_factor": 1.05, "long_factor": 64.0},
    },
    "Phi-3.5-MoE": {
        "head_dim": 128, "rope_theta": 1e4, "max_position_embeddings": 131072,
        "original_max_position_embeddings": 4096,
        "rope_scaling": {"type": "longrope", "short_factor": 1.2, "long_factor": 48.0},
    },
    "Vicuna-13B-16k": {
        "head_dim": 128, "rope_theta": 1e4, "max_position_embeddings": 4096,
        "rope_scaling": {"type": "linear", "factor": 4.0},
    },
    "InternLM2-7B": {
        "head_dim": 128, "rope_theta": 1e6, "max_position_embeddings": 32768,
        "rope_scaling": {"type": "dynamic", "factor": 2.0},
    },
}  # fmt: skip


def public(name: str) -> dict[str, Any]:
    """The configuration with LongRoPE's lists written out, growing from 1 to the number that stands there."""
    config = dict(PUBLIC[name])
    rope, pairs = dict(config["rope_scaling"]), config["head_dim"] // 2
    for key in ("short_factor", "long_factor"):
        if key in rope:
            rope[key] = [1 + (rope[key] - 1) * pair / (pairs - 1) for pair in range(pairs)]
    return {**config, "hidden_size": 4 * config["head_dim"], "num_attention_heads": 4, "rope_scaling": rope}


def by_paper(config: dict[str, Any], rope: dict[str, Any], n_tokens: int) -> tuple[list[float], float]:
    """Frequencies and attention factor in plain Python, as the papers and `long` texts have them."""
    dim, theta, kind = config["head_dim"], rope["rope_theta"], rope["rope_type"]
    plain = [theta ** (-2 * i / dim) for i in range(dim // 2)]
    native, factor = rope.get("original_max_position_embeddings") or config["max_position_embeddings"], 1.0
    factor = rope.get("factor") or config["max_position_embeddings"] / native
    if kind == "linear":
        return [w / factor for w in plain], 1.0
    if kind == "dynamic":
        longest = native
        while longest < n_tokens:
            longest *= 2
        base = theta * (factor * longest / native - (factor - 1)) ** (dim / (dim - 2))
        return [base ** (-2 * i / dim) for i in range(dim // 2)], 1.0
    if kind == "longrope":
        chosen = rope["long_factor" if n_tokens > native else "short_factor"]
        return [w / by for w, by in zip(plain, chosen, strict=True)], math.sqrt(1 + math.log(factor) / math.log(native))
    if kind == "llama3":
        found = []
        for w in plain:
            turns = native * w / (2 * math.pi)
            share = (turns - rope["low_freq_factor"]) / (rope["high_freq_factor"] - rope["low_freq_factor"])
            share = min(max(share, 0.0), 1.0)
            found.append(share * w + (1 - share) * w / factor)
        return found, 1.0

    def pair(turns: float) -> float:
        return dim * math.log(native / (turns * 2 * math.pi)) / (2 * math.log(theta))

    low, high = math.floor(pair(32)), math.ceil(pair(1))
    ramp = [min(max((i - low) / (high - low), 0), 1) for i in range(dim // 2)]
    return [(1 - r) * w + r * w / factor for w, r in zip(plain, ramp, strict=True)], 0.1 * math.log(factor) + 1


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_checkpoint_is_read_with_the_frequencies_it_declares(name: str, long: bool) -> None:
    written = public(name)
    rope = declared_rope(written, name)
    native = rope.get("original_max_position_embeddings") or written["max_position_embeddings"]
    n_tokens = 3 * native if long else native // 2
    fields = {key: value for key, value in written.items() if key not in ("rope_scaling", "rope_theta")}
    config = LlamaConfig(**fields, rope_parameters=dict(rope))
    base = SimpleNamespace(rotary_emb=LlamaRotaryEmbedding(config))
    regime = rotary.declared(base, n_tokens)
    # The library's own for a text of that length, dynamic NTK for the doubling that holds it.
    reached = (4 * native if long else native) if rope["rope_type"] == "dynamic" else n_tokens
    theirs, factor = ROPE_INIT_FUNCTIONS[rope["rope_type"]](config, None, seq_len=reached)
    torch.testing.assert_close(regime.module.inv_freq, theirs, rtol=0, atol=0)
    assert regime.attention_factor == pytest.approx(factor, rel=1e-12)
    formula, expected = by_paper(written, rope, n_tokens)
    torch.testing.assert_close(theirs, torch.tensor(formula), rtol=2e-5, atol=0)
    assert regime.attention_factor == pytest.approx(expected, rel=1e-9)


CHUNKS = {"chunk_size": 48, "local_size": 8}


def test_declared_dual_chunk_attention_is_carried_out_without_being_asked_for() -> None:
    model, ids = toy("Qwen2ForCausalLM", use_sliding_window=False), tokens(150)
    declares = {**info_of(model).rope_parameters, DUAL_CHUNK: CHUNKS}
    plan = plan_for(150)
    found = {}
    for name, backend in (
        ("declared", backend_of(model, rope_parameters=declares)),
        ("plain", backend_of(model)),
    ):
        found[name] = answer(backend, ids[-16:], read(backend, ids[:-16], plan), plan, 3)
        backend.close()
    backend, chosen = backend_of(model), plan_for(150, position_method="dca")
    assert make("dca", backend.info).numbers == CHUNKS == {"chunk_size": NATIVE * 3 // 4, "local_size": NATIVE // 8}
    assert "dca" in CASES  # and that agrees with its twin
    asked = answer(backend, ids[-16:], read(backend, ids[:-16], chosen), chosen, 3)
    assert [token.logprob for token in found["declared"]] == [token.logprob for token in asked]
    assert abs(found["declared"][0].logprob - found["plain"][0].logprob) > 1e-4


def test_declared_dual_chunk_scores_rise_beyond_the_length_it_names() -> None:
    """Twice the scale of scores, or queries times a factor: the same by another road."""
    model, ids = toy("Qwen2ForCausalLM", use_sliding_window=False), tokens(150)
    declares = {**info_of(model).rope_parameters, DUAL_CHUNK: {**CHUNKS, "original_max_position_embeddings": 80}}
    backend, plan = backend_of(model, rope_parameters=declares), plan_for(150)
    risen = answer(backend, ids[-16:], read(backend, ids[:-16], plan), plan, 1)[0]
    assert backend.fingerprint(plan) != backend.fingerprint(replace(plan, n_tokens=80))
    assert backend.fingerprint(plan) == backend.fingerprint(replace(plan, n_tokens=160))
    backend.close()
    for layer in model.model.layers:
        layer.self_attn.scaling *= 0.1 * math.log(2) + 1
    backend = backend_of(model, rope_parameters={**declares, DUAL_CHUNK: CHUNKS})
    by_hand = answer(backend, ids[-16:], read(backend, ids[:-16], plan), plan, 1)[0]
    assert risen.token_id == by_hand.token_id
    assert risen.logprob == pytest.approx(by_hand.logprob, abs=1e-5)
