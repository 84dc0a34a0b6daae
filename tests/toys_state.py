"""Tiny random models of every state-space family that is served.

A new family gets a row in STATE_TOYS; the generic tests walk it. Weights are large
enough, and steps short enough, that the state of many tokens ago still shows.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import transformers
from toys import NATIVE, VOCAB, Words

from longdoc.backends.state_models import FAMILIES, describe
from longdoc.backends.state_space import StateSpaceBackend
from longdoc.cache.segment import Reading
from longdoc.packing import PromptFrame
from longdoc.planning.recurrent import RECURRENT
from longdoc.types import ModelInfo, ReadingPlan

_COMMON: dict[str, Any] = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "tie_word_embeddings": False,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_ATTENTION = {
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": NATIVE,
}
_MAMBA2 = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 12, "mamba_n_groups": 2, "mamba_chunk_size": 16}

STATE_TOYS: dict[str, dict[str, Any]] = {
    "BambaForCausalLM": {**_ATTENTION, **_MAMBA2, "attn_layer_indices": [1]},
    "FalconH1ForCausalLM": {**_ATTENTION, **_MAMBA2, "mamba_d_ssm": 64},
    "FalconMambaForCausalLM": {"state_size": 8},
    "GraniteMoeHybridForCausalLM": {
        **_ATTENTION,
        **_MAMBA2,
        "layer_types": ["linear_attention", "full_attention", "linear_attention"],
        "num_local_experts": 4,
        "shared_intermediate_size": 24,
    },
    "JambaForCausalLM": {
        **_ATTENTION,
        "num_hidden_layers": 4,
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
        "num_experts": 4,
        "mamba_d_state": 8,
        "mamba_dt_rank": 6,
    },
    "Mamba2ForCausalLM": {"num_heads": 8, "head_dim": 8, "state_size": 12, "n_groups": 2, "chunk_size": 16},
    "MambaForCausalLM": {"state_size": 8},
    "Qwen3NextForCausalLM": {
        **_ATTENTION,
        "head_dim": 16,
        "layer_types": ["linear_attention", "full_attention", "linear_attention"],
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 12,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 16,
        "shared_expert_intermediate_size": 16,
    },
}
READER = Path(__file__).resolve().parents[1] / "models" / "reader"
LOSES_ITS_STATE = ("FalconMambaForCausalLM", "JambaForCausalLM", "MambaForCausalLM")


def state_toy(architecture: str, **changes: Any) -> Any:
    """Return a random model."""
    torch.manual_seed(0)
    kind = getattr(transformers, architecture)
    model = kind(kind.config_class(**{**_COMMON, **STATE_TOYS[architecture], **changes})).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("A_log"):
                parameter.uniform_(-4, 0.5)  # some channels forget at once, some hardly ever
            elif name.endswith("dt_bias") or name.endswith("dt_proj.bias"):
                parameter.uniform_(-4, 0)
            elif "conv1d" in name:
                parameter.normal_(0, 0.5)
            elif parameter.dim() > 1:
                parameter.normal_(0, 1.0 if "embed" in name else 1.3 / parameter.shape[-1] ** 0.5)
    model.requires_grad_(False)
    return model


def state_info(model: Any, folder: Path | None = None) -> ModelInfo:
    """Return what the catalogue says of a toy."""
    config = json.loads(model.config.to_json_string())
    rope = config.get("rope_parameters") or {"rope_type": "default", "rope_theta": 10000.0}
    info = describe(
        folder or Path("toy"), type(model).__name__, config, {}, (1000, 4000), rope, lambda: (NATIVE, 16 * NATIVE)
    )
    return replace(info, folder=None)


def state_backend(model: Any, **changes: Any) -> StateSpaceBackend:
    """Return a backend around a toy."""
    info = replace(state_info(model), **changes)
    return StateSpaceBackend(model, info, Words(), PromptFrame("chat", (), ()), ["weights"])  # type: ignore[arg-type]


def state_plan(backend: StateSpaceBackend, n_tokens: int = 200, **changes: Any) -> ReadingPlan:
    """Return a plan in float32, so that numbers can be compared closely."""
    attention = "dense" if backend.info.num_kv_heads else RECURRENT
    plan = ReadingPlan(
        "toy", n_tokens, NATIVE, 1024, "none", 1.0, attention, "ram", "float32", 64, 0, None, "native", ()
    )
    return replace(plan, **changes)


def known_families() -> frozenset[str]:
    return frozenset(FAMILIES)


def state_folder(parent: Path, architecture: str, name: str = "") -> Path:
    """Save a toy as transformers writes it, with the bundled reader's tokenizer."""
    folder = parent / (name or architecture)
    longer = {"max_position_embeddings": 2048} if "max_position_embeddings" in STATE_TOYS[architecture] else {}
    state_toy(architecture, vocab_size=8192, **longer).save_pretrained(folder)
    for file in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(READER / file, folder / file)
    return folder


def state_after(reading: Reading) -> dict[str, torch.Tensor]:
    """Return the state after the last token of a reading."""
    assert reading.states is not None
    assert reading.states.current is not None
    return dict(reading.states.current.tensors)
