"""One token through a Llama-like decoder, without the model's own modules around each product.

For a small model on a processor most of a token's time goes to the code around the
products: modules calling modules, norms of seven operations, three products where
one would do. Here a token takes what its numbers need, and where a copy of the
weights is small, they lie as a single row reads them fastest (`products.py`).
Results are those of the model's code within float32's rounding; models of other
layers, other dtypes or other devices keep their own code. Attention and keys stay
`longdoc.attention`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from longdoc.attention.dense import Scores, Step
from longdoc.backends import products
from longdoc.backends.rotary import Regime

_LAYERS = frozenset({"LlamaDecoderLayer", "MistralDecoderLayer", "Qwen2DecoderLayer", "Qwen3DecoderLayer"})
_DTYPES = (torch.float32, torch.float64)
_COPIED_BYTES = 64 << 20  # of weights that are worth a second copy


class PlainDecoder:
    """The weights of one model, ready for single tokens."""

    def __init__(self, model: Any) -> None:
        base = model.base_model
        self.nbytes = products.copied_bytes(_linear(model), _COPIED_BYTES)  # beside the model's own weights
        copied = self.nbytes > 0
        self._embedding, self._head = base.embed_tokens.weight, products.joined([model.lm_head], copied=copied)
        self._norm = _Norm(base.norm)
        self._layers = [_Layer(layer, copied) for layer in base.layers]

    @classmethod
    def of(cls, model: Any) -> PlainDecoder | None:
        """Return the decoder of a model whose layers are known; None for any other."""
        layers = getattr(model.base_model, "layers", ())
        if not len(layers) or any(type(layer).__name__ not in _LAYERS for layer in layers):
            return None
        if any(tensor.dtype not in _DTYPES or tensor.device.type != "cpu" for tensor in model.parameters()):
            return None
        # Products may have been replaced, by quantised ones for instance, and part of a head left unrotated.
        plain = all(type(module) is torch.nn.Linear for module in _linear(model))
        whole = all(2 * len(model.base_model.rotary_emb.inv_freq) == layer.self_attn.head_dim for layer in layers)
        return cls(model) if plain and whole else None

    def logits(self, token: int, position: int, regime: Regime, step: Step) -> Tensor:
        """Run one token at a position and return the logits after it, [vocab]; its keys and values go to `step`."""
        with products.one_thread():
            hidden = self._embedding[token : token + 1]
            cos, sin = _angles(regime.module, position, hidden.dtype)
            for index, layer in enumerate(self._layers):
                hidden = layer.run(index, hidden, cos, sin, step)
            logits: Tensor = self._head(self._norm.of(hidden))[0]
        return logits


class _Norm:
    """Root mean square norm of one row."""

    def __init__(self, module: Any) -> None:
        self._weight, self._epsilon = module.weight, float(module.variance_epsilon)

    def of(self, row: Tensor) -> Tensor:
        flat = row[0]
        square = float(torch.dot(flat, flat)) / len(flat)
        normed: Tensor = (row * self._weight).mul_(1 / math.sqrt(square + self._epsilon))
        return normed


class _Layer:
    """One decoder layer."""

    def __init__(self, layer: Any, copied: bool) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self._attention = attention
        self._before, self._after = _Norm(layer.input_layernorm), _Norm(layer.post_attention_layernorm)
        self._in = products.joined([attention.q_proj, attention.k_proj, attention.v_proj], copied=copied)
        self._out = products.joined([attention.o_proj], copied=copied)
        self._up = products.joined([mlp.gate_proj, mlp.up_proj], copied=copied)
        self._down = products.joined([mlp.down_proj], copied=copied)
        self._activation, self._width = mlp.act_fn, mlp.gate_proj.out_features
        dim = self._dim = int(attention.head_dim)
        self._heads, self._kv_heads = attention.q_proj.out_features // dim, attention.k_proj.out_features // dim
        self._scores = Scores(float(attention.scaling), _window(attention))
        self._head_norm: Tensor | None = None  # [heads + kv_heads, head_dim]
        if hasattr(attention, "q_norm"):
            norms = [attention.q_norm.weight] * self._heads + [attention.k_norm.weight] * self._kv_heads
            self._head_norm, self._epsilon = torch.stack(norms), float(attention.q_norm.variance_epsilon)

    def run(self, index: int, hidden: Tensor, cos: Tensor, sin: Tensor, step: Step) -> Tensor:
        """[1, hidden] -> [1, hidden]."""
        rows = self._in(self._before.of(hidden)).view(-1, self._dim)  # queries, keys, values
        turning = rows[: self._heads + self._kv_heads]
        if self._head_norm is not None:
            mean = turning.square().mean(1, keepdim=True).add_(self._epsilon)
            turning = (turning * self._head_norm).mul_(mean.rsqrt_())
        # sin's first half is negative: the halves of a row change places.
        turned = torch.addcmul(turning * cos, turning.roll(self._dim // 2, 1), sin).unsqueeze(1)
        query, key = turned[: self._heads], turned[self._heads :]
        value = rows[self._heads + self._kv_heads :].unsqueeze(1)
        found = step.layer(self._attention, index, query, key, value, self._scores)
        hidden = hidden + self._out(found.reshape(1, -1))
        both = self._up(self._after.of(hidden))
        return hidden + self._down(self._activation(both[:, : self._width]) * both[:, self._width :])


def _linear(model: Any) -> list[Any]:
    """Return the products of all layers and of the head."""
    parts = [part for layer in model.base_model.layers for part in (layer.self_attn, layer.mlp)]
    return [child for part in parts for name, child in part.named_children() if name.endswith("_proj")] + [
        model.lm_head
    ]


def _window(attention: Any) -> int | None:
    """Return the window that the model's own code passes with its scores."""
    config = getattr(attention, "config", None)
    if type(attention).__name__ == "MistralAttention":
        return getattr(config, "sliding_window", None)
    window: int | None = getattr(attention, "sliding_window", None)
    return window


def _angles(module: Any, position: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return cos and sin [head_dim] at a position, as the model turns by; of sin the first half is negative."""
    angle = module.inv_freq.float() * float(position)
    cos, sin = angle.cos().mul_(module.attention_scaling), angle.sin().mul_(module.attention_scaling)
    return torch.cat([cos, cos]).to(dtype), torch.cat([-sin, sin]).to(dtype)
