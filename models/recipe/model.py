"""The reader's architecture: a plain Qwen3 decoder with grouped keys, and its first weights."""

from __future__ import annotations

from typing import Any

import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

ROPE_THETA = 10_000.0
NATIVE_CONTEXT = 2048


def rope_parameters(yarn_factor: float = 1.0) -> dict[str, Any]:
    """Return the rope settings: plain, or YaRN from the native length by `yarn_factor`."""
    if yarn_factor <= 1:
        return {"rope_type": "default", "rope_theta": ROPE_THETA}
    return {
        "rope_type": "yarn",
        "rope_theta": ROPE_THETA,
        "factor": float(yarn_factor),
        "original_max_position_embeddings": NATIVE_CONTEXT,
    }


def configuration(shape: dict[str, int], yarn_factor: float = 1.0) -> Qwen3Config:
    """Return the configuration for `shape` (keys of Qwen3Config: hidden_size, num_hidden_layers, ...)."""
    return Qwen3Config(
        **shape,
        max_position_embeddings=int(NATIVE_CONTEXT * max(1.0, yarn_factor)),
        rope_parameters=rope_parameters(yarn_factor),
        tie_word_embeddings=True,
        attention_bias=False,
        bos_token_id=0,
        eos_token_id=6,
        pad_token_id=8,
        attn_implementation="sdpa",
    )


def new_model(config: Qwen3Config, qk_gain: float = 1.4) -> Qwen3ForCausalLM:
    """Return a model with first weights.

    Output projections start at zero, so that every layer begins as the identity;
    q and k gains above 1 let one perfect match stand out among 32K keys (QK-norm
    bounds scores at sqrt(head_dim) * gain_q * gain_k).
    """
    model = Qwen3ForCausalLM(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                weight.zero_()
            elif name.endswith(("q_norm.weight", "k_norm.weight")):
                weight.fill_(qk_gain)
    return model
