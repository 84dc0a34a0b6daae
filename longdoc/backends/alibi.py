"""BLOOM and MPT: our reading and answering loops around models whose positions are biases.

Their code computes attention itself, in one piece with its projections. While a pass
runs, the forward function of every attention layer is replaced by one that projects
with the layer's own weights and leaves attention and keys to us; everything else stays
the model's. Dense attention only, and no position method: nothing is rotated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from longdoc.attention import interface
from longdoc.attention.dense import Scores, Turn
from longdoc.backends import rotary
from longdoc.backends.alibi_models import bloom_slopes, mpt_slopes
from longdoc.backends.transformer import TransformerBackend, _identity
from longdoc.cache.segment import LayerShape
from longdoc.errors import ModelError, UserError
from longdoc.files import sha256_text
from longdoc.packing import PromptFrame
from longdoc.positions import make
from longdoc.positions.method import Method, Positions
from longdoc.tokens import TextTokenizer
from longdoc.types import ModelInfo, ReadingPlan

Forward = Callable[..., tuple[Tensor, None]]


@dataclass(frozen=True)
class Biased(rotary.Regime):
    """Biases in place of rotation; `slopes` [heads]."""

    slopes: Tensor

    @contextmanager
    def applied(self, base_model: Any) -> Iterator[None]:
        layers = attention_layers(base_model)
        try:
            for layer in layers:
                layer.forward = partial(_FORWARDS[type(layer).__name__], layer, self.slopes)
            yield
        finally:
            for layer in layers:
                layer.__dict__.pop("forward", None)

    def turn(self, offsets: Positions) -> Turn:
        raise AssertionError("queries without rotation are never turned")


class AlibiBackend(TransformerBackend):
    """See `longdoc.backends.Backend`, whose contract this keeps."""

    def __init__(
        self, model: Any, info: ModelInfo, tokenizer: TextTokenizer, frame: PromptFrame, weight_hashes: Sequence[str]
    ) -> None:
        """Take over a loaded model; nothing of it is changed but while a pass runs."""
        self.info, self.tokenizer, self.frame = info, tokenizer, frame
        self._model, self._base = model, model.base_model
        self._config = model.config
        self._before = model.config._attn_implementation
        heads, layers = info.num_heads, attention_layers(self._base)
        if [layer.layer_idx for layer in layers] != list(range(info.num_layers)):
            raise ModelError("The attention layers of this model cannot be told apart.", code="unsupported")
        self._shapes = tuple(LayerShape(heads, info.head_dim, info.head_dim) for _ in layers)
        self._windows = (None,) * len(layers)
        self._unpositioned = frozenset()
        self._weights = [*weight_hashes, _identity(self._config)]
        slopes = mpt_slopes(heads, self._config.attn_config.alibi_bias_max) if _is_mpt(layers) else bloom_slopes(heads)
        steep = torch.tensor(slopes, dtype=torch.float32, device=model.device)
        self._biased = Biased(None, 1.0, False, sha256_text("alibi", *map(repr, slopes)), steep)
        self.working = None
        self._regimes = {}

    def _regime(self, plan: ReadingPlan) -> tuple[Method, rotary.Regime]:
        return make(plan.position_method, self.info, plan.factor), self._biased

    def _check(self, plan: ReadingPlan) -> None:
        super()._check(plan)
        if plan.attention != "dense":
            raise UserError(
                f"{self.info.name} has biases for positions, with which only dense attention works.",
                code="unknown_attention",
                next_step="Choose dense.",
            )


def attention_layers(base_model: Any) -> list[Any]:
    """Return the attention layers that are replaced, in order."""
    return [module for module in base_model.modules() if type(module).__name__ in _FORWARDS]


def _is_mpt(layers: Sequence[Any]) -> bool:
    return bool(layers) and type(layers[0]).__name__ == "MptAttention"


def _bloom(layer: Any, slopes: Tensor, hidden: Tensor, residual: Tensor, **_: Any) -> tuple[Tensor, None]:
    query, key, value = layer._reshape(layer.query_key_value(hidden))  # [1, heads, n, head_dim] each
    found = _attended(layer, slopes, layer.inv_norm_factor, query, key, value)
    return layer.dense(found) + residual, None


def _mpt(layer: Any, slopes: Tensor, hidden: Tensor, **_: Any) -> tuple[Tensor, None]:
    projected = layer.Wqkv(hidden)
    if layer.clip_qkv:
        projected = projected.clamp(min=-layer.clip_qkv, max=layer.clip_qkv)
    query, key, value = projected.unflatten(2, (3, layer.n_heads, layer.head_dim)).permute(2, 0, 3, 1, 4)
    return layer.out_proj(_attended(layer, slopes, layer.softmax_scale, query, key, value)), None


def _attended(layer: Any, slopes: Tensor, scale: float, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Return attention [1, n, heads * head_dim] over all that was read so far."""
    step = interface.current()
    found = step.layer(layer, int(layer.layer_idx), query[0], key[0], value[0], Scores(scale, slopes=slopes))
    return found.transpose(0, 1).flatten(1).unsqueeze(0)


_FORWARDS: dict[str, Forward] = {"BloomAttention": _bloom, "MptAttention": _mpt}
