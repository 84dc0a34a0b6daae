"""Models with ALiBi: which are served, what their configuration tells, how steep their biases are.

Paper: https://arxiv.org/abs/2108.12409. A score loses slope * distance, with one slope a
head; nothing is rotated, so no position method applies. Reads JSON values only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from longdoc.errors import ModelError
from longdoc.types import ModelInfo

_BLOOM_CONTEXT = 2048  # tokens the family was trained on, where its configuration does not say
_EXTRAPOLATED = 2  # window in native lengths: biases fade out what is farther away, and little is gained beyond

Config = Mapping[str, Any]


def _bloom(config: Config) -> dict[str, int]:
    return {
        "num_heads": int(config.get("num_attention_heads") or config["n_head"]),
        "num_layers": int(config.get("num_hidden_layers") or config["n_layer"]),
        "hidden_size": int(config.get("n_embed") or config["hidden_size"]),
        "native_context": int(config.get("seq_length") or _BLOOM_CONTEXT),
    }


def _mpt(config: Config) -> dict[str, int]:
    attention = config.get("attn_config") or {}
    unlike = {
        "attn_config.alibi": not attention.get("alibi", True),
        "attn_config.prefix_lm": bool(attention.get("prefix_lm")),
        "attn_config.qk_ln": bool(attention.get("qk_ln")),
        "attn_config.attn_type": attention.get("attn_type", "multihead_attention") != "multihead_attention",
        "logit_scale": config.get("logit_scale") is not None,
    }
    found = [name for name, set_so in unlike.items() if set_so]
    if found:
        raise ModelError(
            f"This MPT model is of a kind that transformers does not carry out ({found[0]} in config.json).",
            code="unsupported",
            next_step="Choose another model.",
        )
    return {
        "num_heads": int(config["n_heads"]),
        "num_layers": int(config["n_layers"]),
        "hidden_size": int(config["d_model"]),
        "native_context": int(config["max_seq_len"]),
    }


FAMILIES: Mapping[str, Callable[[Config], dict[str, int]]] = {"BloomForCausalLM": _bloom, "MptForCausalLM": _mpt}
"""Architecture to what its configuration says; each is a row in the tests' table."""


def describe(
    folder: Path, architecture: str, config: Config, card: Mapping[str, Any], weights: tuple[int, int]
) -> ModelInfo:
    """Return what is known of a model with ALiBi; `weights`: (parameters, bytes).

    Raises KeyError, TypeError or ValueError for a configuration that lacks something, ModelError for
    one that asks for what is not carried out.
    """
    found = FAMILIES[architecture](config)
    num_heads, native = found["num_heads"], found["native_context"]
    return ModelInfo(
        name=folder.name,
        kind="transformer",
        folder=str(folder),
        architecture=architecture,
        native_context=native,
        window=int(card.get("window", native * _EXTRAPOLATED)),
        tested_context=int(card.get("tested_context", 0)),
        head_dim=found["hidden_size"] // num_heads,
        num_layers=found["num_layers"],
        num_heads=num_heads,
        num_kv_heads=num_heads,
        n_parameters=weights[0],
        weight_bytes=weights[1],
        rope_theta=0.0,
        rope_parameters={},  # no rotary positions
        licence=str(card.get("licence", "")),
        note=str(card.get("note", "")),
    )


def bloom_slopes(num_heads: int) -> list[float]:
    """Return BLOOM's slopes: a geometric series for a power of two, the gaps of the next one after it."""
    whole = 2 ** math.floor(math.log2(num_heads))
    slopes = [2.0 ** (-8 * (head + 1) / whole) for head in range(whole)]
    return slopes + [2.0 ** (-4 * (2 * head + 1) / whole) for head in range(num_heads - whole)]


def mpt_slopes(num_heads: int, steepest: float) -> list[float]:
    """Return MPT's slopes: those of the next power of two, every second one first."""
    whole = 2 ** math.ceil(math.log2(num_heads))
    slopes = [2.0 ** (-steepest * (head + 1) / whole) for head in range(whole)]
    return slopes if whole == num_heads else (slopes[1::2] + slopes[::2])[:num_heads]
