"""State-space models and hybrids: which are served, and what their configuration tells.

Reads JSON values only. Recurrent layers keep a state of fixed size, so neither
memory nor positions limit a pure state-space model; how far it was tested does.
Hybrids are limited by their attention layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longdoc.types import ModelInfo

UNLIMITED = 1 << 30  # tokens: the window of a model that nothing but time limits
_ASSUMED_CONTEXT = 2048  # both Mamba papers trained on this; configurations of pure models do not say
_PART_ROTATED = {"BambaForCausalLM": 0.5, "Qwen3NextForCausalLM": 0.25}  # unless the configuration says otherwise
_STATE_ITEM_BYTES = 4

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Layers:
    """The layers of one model: how many of each kind, and what a recurrent one keeps."""

    recurrent: int
    attention: int
    inner: int  # channels of a recurrent layer
    state_numbers: int  # of convolution and recurrence together

    @property
    def state_bytes(self) -> int:
        """Bytes of one snapshot; on the high side where weights are bfloat16."""
        return self.recurrent * self.state_numbers * _STATE_ITEM_BYTES


def _mamba(config: Config) -> Layers:
    inner = int(config.get("expand", 2) * config["hidden_size"])
    numbers = inner * (int(config.get("conv_kernel", 4)) + int(config.get("state_size", 16)))
    return Layers(int(config["num_hidden_layers"]), 0, inner, numbers)


def _mamba2(config: Config) -> Layers:
    inner, states = int(config.get("expand", 2) * config["hidden_size"]), int(config["state_size"])
    convolved = inner + 2 * int(config["n_groups"]) * states
    numbers = convolved * int(config.get("conv_kernel", 4)) + inner * states
    return Layers(int(config["num_hidden_layers"]), 0, inner, numbers)


def _jamba(config: Config) -> Layers:
    layers, period = int(config["num_hidden_layers"]), int(config.get("attn_layer_period", 8))
    attention = len(range(int(config.get("attn_layer_offset", 4)), layers, period))
    inner = int(config.get("mamba_expand", 2) * config["hidden_size"])
    numbers = inner * (int(config.get("mamba_d_conv", 4)) + int(config.get("mamba_d_state", 16)))
    return Layers(layers - attention, attention, inner, numbers)


def _hybrid_mamba2(config: Config, recurrent: int, attention: int) -> Layers:
    inner = int(config.get("mamba_d_ssm") or config.get("mamba_expand", 2) * config["hidden_size"])
    states = int(config.get("mamba_d_state", 256))
    convolved = inner + 2 * int(config.get("mamba_n_groups", 1)) * states
    return Layers(recurrent, attention, inner, convolved * int(config.get("mamba_d_conv", 4)) + inner * states)


def _bamba(config: Config) -> Layers:
    attention = len(set(config.get("attn_layer_indices") or ()))
    return _hybrid_mamba2(config, int(config["num_hidden_layers"]) - attention, attention)


def _granite(config: Config) -> Layers:
    layers = int(config["num_hidden_layers"])
    kinds = config.get("layer_types") or config.get("layers_block_type") or ["mamba"] * layers
    attention = sum("attention" in kind and "linear" not in kind for kind in kinds)
    return _hybrid_mamba2(config, layers - attention, attention)


def _falcon_h1(config: Config) -> Layers:
    layers = int(config["num_hidden_layers"])
    return _hybrid_mamba2(config, layers, layers)  # every layer is both


def _qwen3_next(config: Config) -> Layers:
    layers, every = int(config["num_hidden_layers"]), int(config.get("full_attention_interval") or 4)
    kinds = config.get("layer_types") or [""] * layers
    attention = layers // every if not any(kinds) else sum(kind == "full_attention" for kind in kinds)
    key_heads, value_heads = int(config["linear_num_key_heads"]), int(config["linear_num_value_heads"])
    key_dim, value_dim = int(config["linear_key_head_dim"]), int(config["linear_value_head_dim"])
    convolved = 2 * key_heads * key_dim + value_heads * value_dim
    numbers = convolved * int(config.get("linear_conv_kernel_dim", 4)) + value_heads * key_dim * value_dim
    return Layers(layers - attention, attention, convolved, numbers)


FAMILIES: Mapping[str, Callable[[Config], Layers]] = {
    "BambaForCausalLM": _bamba,
    "FalconH1ForCausalLM": _falcon_h1,
    "FalconMambaForCausalLM": _mamba,
    "GraniteMoeHybridForCausalLM": _granite,
    "JambaForCausalLM": _jamba,
    "Mamba2ForCausalLM": _mamba2,
    "MambaForCausalLM": _mamba,
    "Qwen3NextForCausalLM": _qwen3_next,
}
"""Architecture to what its configuration says of its layers; each is a row in the tests' table."""


def describe(
    folder: Path,
    architecture: str,
    config: Config,
    card: Mapping[str, Any],
    weights: tuple[int, int],
    rope: Mapping[str, Any],
    contexts: Callable[[], tuple[int, int]],
) -> ModelInfo:
    """Return what is known of a state-space model.

    weights: (parameters, bytes). rope: settings as declared; contexts: (native context, window) of a
    model with positions. Raises KeyError, TypeError or ValueError for a configuration that lacks something.
    """
    layers = FAMILIES[architecture](config)
    if layers.attention:
        num_heads = int(config["num_attention_heads"])
        head_dim = int(config.get("head_dim") or int(config["hidden_size"]) // num_heads)
        num_kv_heads = int(config.get("num_key_value_heads") or num_heads)
        native, window = contexts()
    else:
        num_heads, head_dim, num_kv_heads = 1, layers.inner, 0
        native, window = int(card.get("native_context", _ASSUMED_CONTEXT)), UNLIMITED
    positioned = bool(layers.attention) and _rotates(architecture, config)
    return ModelInfo(
        name=folder.name,
        kind="state_space",
        folder=str(folder),
        architecture=architecture,
        native_context=native,
        window=int(card.get("window", window)),
        tested_context=int(card.get("tested_context", 0)),
        head_dim=head_dim,
        num_layers=layers.attention,
        num_heads=num_heads,
        num_kv_heads=num_kv_heads,
        n_parameters=weights[0],
        weight_bytes=weights[1],
        rope_theta=float(rope["rope_theta"]) if positioned else 0.0,
        rope_parameters=_with_share(architecture, rope) if positioned else {},
        licence=str(card.get("licence", "")),
        note=str(card.get("note", "")),
        state_bytes=layers.state_bytes,
    )


def _rotates(architecture: str, config: Config) -> bool:
    """Return whether the attention layers have positions at all."""
    if architecture == "GraniteMoeHybridForCausalLM":
        return config.get("position_embedding_type") == "rope"
    return architecture != "JambaForCausalLM"


def _with_share(architecture: str, rope: Mapping[str, Any]) -> dict[str, Any]:
    share = _PART_ROTATED.get(architecture)
    return {**({"partial_rotary_factor": share} if share else {}), **rope}
