"""Tiny random models of every architecture that is served, and short ways to run them.

A new architecture gets a row in TOYS; the generic tests of `tests/backends` walk it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
import transformers

from longdoc.backends import Constraint, Decoded
from longdoc.backends.transformer import TransformerBackend
from longdoc.cache.segment import Reading
from longdoc.packing import PromptFrame
from longdoc.types import ModelInfo, ReadingPlan

NATIVE, VOCAB = 64, 96
_COMMON = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": NATIVE,
    "tie_word_embeddings": False,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_MIXED = {"sliding_window": 16, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}

TOYS: dict[str, dict[str, Any]] = {
    "ArceeForCausalLM": {},
    "Cohere2ForCausalLM": _MIXED,
    "CohereForCausalLM": {},
    "Ernie4_5ForCausalLM": {},
    "Exaone4ForCausalLM": _MIXED,
    "GPTNeoXForCausalLM": {"rotary_pct": 0.5, "num_key_value_heads": None},
    "Gemma2ForCausalLM": {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 16},
    "Gemma3ForCausalLM": {"head_dim": 16, "query_pre_attn_scalar": 16, **_MIXED},
    "GemmaForCausalLM": {"head_dim": 16},
    "Glm4ForCausalLM": {"head_dim": 8},
    "GlmForCausalLM": {"head_dim": 8},
    "GptOssForCausalLM": {
        "head_dim": 16,
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        **_MIXED,
    },
    "GraniteForCausalLM": {},
    "HeliumForCausalLM": {"head_dim": 8},
    "LlamaForCausalLM": {},
    "MistralForCausalLM": {"sliding_window": 16},
    "MixtralForCausalLM": {"num_local_experts": 4, "sliding_window": None},
    "Olmo2ForCausalLM": {},
    "Olmo3ForCausalLM": _MIXED,
    "OlmoForCausalLM": {},
    "Phi3ForCausalLM": {"sliding_window": 20},
    "Qwen2ForCausalLM": {"use_sliding_window": True, "sliding_window": 16, "max_window_layers": 1},
    "Qwen2MoeForCausalLM": {
        **_EXPERTS,
        "shared_expert_intermediate_size": 16,
        "use_sliding_window": True,
        "sliding_window": 16,
        "max_window_layers": 1,
    },
    "Qwen3ForCausalLM": {"head_dim": 16},
    "Qwen3MoeForCausalLM": {"head_dim": 16, **_EXPERTS},
    "SeedOssForCausalLM": {"head_dim": 16},
    "SmolLM3ForCausalLM": {"no_rope_layers": [1, 0, 1]},
    "Starcoder2ForCausalLM": {"sliding_window": 20},
}


class Words:
    """A tokenizer as far as a backend needs one."""

    fingerprint = "words"
    vocab_size = VOCAB


def toy(architecture: str, **changes: Any) -> Any:
    """Return a random model, its weights large enough that tokens differ."""
    torch.manual_seed(0)
    kind = getattr(transformers, architecture)
    fields = {key: value for key, value in {**_COMMON, **TOYS[architecture], **changes}.items() if value is not None}
    model = kind(kind.config_class(**fields)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 1.0 if "embed" in name else 1.3 / parameter.shape[-1] ** 0.5)
            elif "sinks" in name:
                parameter.normal_(0, 1)
    return model


def info_of(model: Any, window: int = 1024) -> ModelInfo:
    """Return what a catalogue would say of a toy."""
    config = model.config
    rope = config.rope_parameters
    num_heads = config.num_attention_heads
    return ModelInfo(
        name="toy",
        kind="transformer",
        folder=None,
        architecture=type(model).__name__,
        native_context=NATIVE,
        window=window,
        tested_context=0,
        head_dim=getattr(config, "head_dim", None) or config.hidden_size // num_heads,
        num_layers=config.num_hidden_layers,
        num_heads=num_heads,
        num_kv_heads=getattr(config, "num_key_value_heads", None) or num_heads,
        n_parameters=1000,
        weight_bytes=4000,
        rope_theta=(rope.get("full_attention") or rope)["rope_theta"],
        rope_parameters=dict(rope),
    )


def backend_of(model: Any, **changes: Any) -> TransformerBackend:
    """Return a backend around a toy."""
    info = replace(info_of(model), **changes)
    return TransformerBackend(model, info, Words(), PromptFrame("chat", (), ()), ["weights"])  # type: ignore[arg-type]


def plan_for(n_tokens: int = 200, **changes: Any) -> ReadingPlan:
    """Return a plan in float32, so that numbers can be compared closely."""
    plan = ReadingPlan("toy", n_tokens, NATIVE, 1024, "none", 1.0, "dense", "ram", "float32", 64, 0, None, "native", ())
    return replace(plan, **changes)


def tokens(n: int, seed: int = 1) -> list[int]:
    """Return ordinary token ids."""
    return torch.randint(3, VOCAB, (n,), generator=torch.Generator().manual_seed(seed)).tolist()


def read(backend: TransformerBackend, ids: Sequence[int], plan: ReadingPlan, room: int = 0) -> Reading:
    """Read a prefix whole."""
    reading = backend.new_cache(plan, len(ids) + room)
    for _ in backend.prefill(ids, reading, plan, threading.Event()):
        pass
    return reading


def answer(
    backend: TransformerBackend,
    question: Sequence[int],
    reading: Reading,
    plan: ReadingPlan,
    n: int = 8,
    constraint: Constraint | None = None,
    stop_ids: frozenset[int] = frozenset(),
    evidence_tokens: int = 16,
) -> list[Decoded]:
    """Answer a question of token ids."""
    return list(
        backend.decode(
            question,
            reading,
            plan,
            max_new_tokens=n,
            stop_ids=stop_ids,
            stop=threading.Event(),
            constraint=constraint,
            evidence_tokens=evidence_tokens,
        )
    )
