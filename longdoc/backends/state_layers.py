"""The library's cache as far as recurrent layers go: filled from a state, read back into one.

Convolution and recurrent states are kept by the library's own layers. Attention
layers of hybrid models keep nothing here: they hand new keys and values on to
`longdoc.attention`, which stores them in the reading.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, LinearAttentionAndFullAttentionLayer, LinearAttentionLayer

from longdoc.cache.segment import LayerShape
from longdoc.cache.state import State
from longdoc.errors import ModelError

_NOTHING = LayerShape(0, 0, 0)


class _Passing(DynamicLayer):  # type: ignore[misc]  # the library is untyped
    """Attention: keys and values are stored elsewhere."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        return key_states, value_states


class _PassingBeside(LinearAttentionAndFullAttentionLayer):  # type: ignore[misc]  # the library is untyped
    """Attention beside recurrence in one layer, as in Falcon-H1."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        return key_states, value_states


_OURS = {
    LinearAttentionLayer: LinearAttentionLayer,
    DynamicLayer: _Passing,
    LinearAttentionAndFullAttentionLayer: _PassingBeside,
}


def new_cache(config: Any, state: State | None) -> DynamicCache:
    """Return a cache that goes on from a copy of `state`. Raises ModelError for layers of another kind."""
    cache = DynamicCache(config=config)
    unknown = {type(layer).__name__ for layer in cache.layers} - {kind.__name__ for kind in _OURS}
    if unknown:
        raise ModelError(
            f"This model has layers of a kind that LongDoc does not run ({', '.join(sorted(unknown))}).",
            code="unsupported",
            next_step="Choose another model.",
        )
    cache.layers = [_OURS[type(layer)]() for layer in cache.layers]
    if state is not None:
        _fill(cache, state)
    return cache


def state_of(cache: DynamicCache) -> State:
    """Return what the recurrent layers hold; the cache is not to be used after that."""
    tensors: dict[str, Tensor] = {}
    for index, layer in enumerate(cache.layers):
        if isinstance(layer, LinearAttentionLayer):
            for part in range(layer.number_of_states):
                tensors[f"conv.{index}.{part}"] = layer.conv_states[part]
                tensors[f"recurrent.{index}.{part}"] = layer.recurrent_states[part]
    return State({name: tensor for name, tensor in tensors.items() if tensor is not None})


def layer_shapes(config: Any, cache: DynamicCache) -> tuple[LayerShape, ...]:
    """Return what each layer's attention stores for a token; nothing for layers without attention."""
    if not any(isinstance(layer, DynamicLayer) for layer in cache.layers):
        return (_NOTHING,) * len(cache.layers)
    num_heads = config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // num_heads
    attention = LayerShape(getattr(config, "num_key_value_heads", None) or num_heads, head_dim, head_dim)
    return tuple(attention if isinstance(layer, DynamicLayer) else _NOTHING for layer in cache.layers)


def _fill(cache: DynamicCache, state: State) -> None:
    for name, tensor in state.tensors.items():
        kind, index, part = name.split(".")
        layer: Any = cache.layers[int(index)]
        # The library keeps these tensors for good and changes them in place: the state itself stays as it is.
        if kind == "conv":
            layer.lazy_initialization(conv_states=tensor, state_idx=int(part))
            layer.conv_states[int(part)].copy_(tensor)
            layer.has_previous_state[int(part)] = True
        else:
            layer.lazy_initialization(recurrent_states=tensor, state_idx=int(part))
            layer.recurrent_states[int(part)].copy_(tensor)
