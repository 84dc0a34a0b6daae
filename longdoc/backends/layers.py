"""What the attention layers of a loaded model store, and which of them ignore positions."""

from __future__ import annotations

from typing import Any

from longdoc.cache.segment import LayerShape
from longdoc.errors import ModelError


def layer_shapes(config: Any) -> tuple[LayerShape, ...]:
    """Return what each layer stores for a token."""
    num_heads = config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // num_heads
    num_kv_heads = getattr(config, "num_key_value_heads", None) or num_heads
    return tuple(LayerShape(num_kv_heads, head_dim, head_dim) for _ in range(config.num_hidden_layers))


def layer_windows(config: Any) -> tuple[int | None, ...]:
    """Return each layer's sliding window in tokens as the configuration has it; None sees everything.

    Some models pass the window to their attention function, others only put it in a mask.
    """
    kinds = getattr(config, "layer_types", None) or [""] * config.num_hidden_layers
    unknown = set(kinds) - {"", "full_attention", "sliding_attention"}
    if unknown:
        raise ModelError(
            f"This model has layers of a kind that LongDoc does not run ({', '.join(sorted(unknown))}).",
            code="unsupported",
            next_step="Choose another model.",
        )
    window = getattr(config, "sliding_window", None)
    return tuple(window if kind == "sliding_attention" else None for kind in kinds)


def unpositioned_layers(base_model: Any) -> frozenset[int]:
    """Return the layers whose queries must not be moved: without rotation, or with frequencies of their own.

    Raises ModelError for a model whose attention layers cannot be told apart.
    """
    modules = [module for module in base_model.modules() if hasattr(module, "layer_idx") and hasattr(module, "scaling")]
    by_layer_type = isinstance(base_model.rotary_emb.rope_type, dict)
    if sorted(module.layer_idx for module in modules) != list(range(len(modules))):
        raise ModelError("The attention layers of this model cannot be told apart.", code="unsupported")
    return frozenset(
        module.layer_idx
        for module in modules
        if not _rotates(module) or (by_layer_type and getattr(module, "sliding_window", None) is not None)
    )


def _rotates(module: Any) -> bool:
    """Return whether an attention layer rotates its queries, as its own code decides."""
    name = type(module).__name__
    if name == "SmolLM3Attention":
        return bool(module.use_rope)
    if name == "Cohere2Attention":
        return module.sliding_window is not None
    if name == "Exaone4Attention":
        return module.sliding_window is None or bool(module.is_sliding)
    return True
