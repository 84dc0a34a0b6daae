"""Frequencies of a loaded model, switched without loading it again.

A `Regime` is a rotary module of the model's own class with fixed frequencies: the
layout of pairs (halves, interleaved, part of the head) stays the model's business.
Checkpoints whose frequencies follow the length so far (dynamic NTK, LongRoPE) are
fixed for the planned length, because keys in a cache belong to one set.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from longdoc.attention.dense import Turn
from longdoc.errors import ModelError
from longdoc.files import sha256_text
from longdoc.positions.method import Frequencies, Positions

_GLOBAL = "full_attention"  # the layer type that a method extends where types differ
_FEW = 16  # fewer tokens than this are turned by one matrix; more of them would take part in bfloat16 products
_MATRICES = 64  # kept


@dataclass(frozen=True)
class Regime:
    """One set of frequencies for a whole read."""

    module: Any  # the model's rotary module class, frequencies fixed
    attention_factor: float
    by_layer_type: bool
    digest: str  # of every frequency in use
    _matrices: dict[tuple[str, int], Tensor] = field(init=False, default_factory=dict, compare=False)

    @contextmanager
    def applied(self, base_model: Any) -> Iterator[None]:
        """Let the model rotate by this regime within the block."""
        before = base_model.rotary_emb
        base_model.rotary_emb = self.module
        try:
            yield
        finally:
            base_model.rotary_emb = before

    def turn(self, offsets: Positions) -> Turn:
        """Return a function that rotates queries or keys on by `offsets` positions, one a token, in float32."""
        if len(offsets) < _FEW and (offsets == offsets[0]).all():
            return self._turn_all(int(offsets[0]))
        return self._turn_each(torch.from_numpy(offsets))

    def _turn_all(self, offset: int) -> Turn:
        """Rotate every token by the same angles: one product in place of a dozen small operations."""

        def rotate(module: Any, tokens: Tensor) -> Tensor:
            known = (type(module).__module__, offset)
            if known not in self._matrices:
                if len(self._matrices) >= _MATRICES:
                    self._matrices.clear()
                axes = torch.eye(tokens.shape[-1], device=tokens.device).unsqueeze(0)
                self._matrices[known] = self._turn_each(torch.full((axes.shape[1],), offset))(module, axes)[0]
            return tokens.float() @ self._matrices[known]

        return rotate

    def _turn_each(self, offsets: Tensor) -> Turn:
        positions = offsets.unsqueeze(0)
        probe = torch.zeros(1, dtype=torch.float32)
        kind = {"layer_type": _GLOBAL} if self.by_layer_type else {}
        cos, sin = self.module(probe, positions, **kind)
        # The query carries the factor already.
        cos, sin = cos / self.attention_factor, sin / self.attention_factor

        def rotate(module: Any, query: Tensor) -> Tensor:
            rotary = sys.modules[type(module).__module__].apply_rotary_pos_emb
            wide = query.unsqueeze(0).float()
            turned: Tensor = rotary(wide, wide[:, :1], cos.to(query.device), sin.to(query.device))[0]
            return turned[0]

        return rotate


def declared(base_model: Any, n_tokens: int, temperature: float = 1.0) -> Regime:
    """Return the frequencies the checkpoint declares, for a prompt of `n_tokens`; scores rise by `temperature`."""
    module, kinds = _copied(base_model)
    for kind in kinds:
        rope_type = module.rope_type[kind] if kind else module.rope_type
        if rope_type == "longrope" or "dynamic" in rope_type:
            fixed = _frequencies_for(module.config, rope_type, kind, n_tokens)
            _fix(module, kind, *fixed)
        if temperature != 1:  # queries and keys take a root each
            name = _name(kind, "attention_scaling")
            setattr(module, name, getattr(module, name) * temperature**0.5)
    return _regime(module, kinds)


def replaced(base_model: Any, frequencies: Frequencies, unchanged: tuple[float, ...]) -> Regime:
    """Return a regime with a method's frequencies.

    `unchanged` is what the method took the model's own frequencies to be. Raises ModelError if the
    model has others, for then the method's numbers would be wrong.
    """
    module, kinds = _copied(base_model)
    kind = _GLOBAL if _GLOBAL in kinds else kinds[0]
    rope_type = module.rope_type[kind] if kind else module.rope_type
    own = getattr(module, _name(kind, "inv_freq"))
    expected = torch.tensor(unchanged, dtype=torch.float32)
    if own.shape != expected.shape or (rope_type == "default" and not torch.allclose(own.cpu(), expected, rtol=1e-4)):
        raise ModelError(
            "The model's rotary frequencies are not those of its config.json, so they cannot be extended.",
            code="unsupported",
            next_step="Use the position method none.",
        )
    _fix(module, kind, torch.tensor(frequencies.inv_freq, dtype=torch.float32), frequencies.attention_factor)
    return _regime(module, kinds)


def _copied(base_model: Any) -> tuple[Any, list[str]]:
    """Return a copy of the rotary module and its layer types, [""] where all layers share one."""
    module = copy.deepcopy(base_model.rotary_emb)
    if isinstance(module.rope_type, dict):
        module.rope_type = dict(module.rope_type)
        return module, sorted(module.rope_type)
    return module, [""]


def _frequencies_for(config: Any, rope_type: str, kind: str, n_tokens: int) -> tuple[Tensor, float]:
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    longest = n_tokens
    if "dynamic" in rope_type:
        # The next doubling, so that a longer question does not change the frequencies.
        native = int(config.max_position_embeddings)
        longest = native
        while longest < n_tokens:
            longest *= 2
    options = {"layer_type": kind} if kind else {}
    inv_freq, attention_factor = ROPE_INIT_FUNCTIONS[rope_type](config, None, seq_len=longest, **options)
    return inv_freq, float(attention_factor)


def _fix(module: Any, kind: str, inv_freq: Tensor, attention_factor: float) -> None:
    setattr(module, _name(kind, "inv_freq"), inv_freq.to(getattr(module, _name(kind, "inv_freq")).device))
    setattr(module, _name(kind, "attention_scaling"), attention_factor)
    if kind:
        module.rope_type[kind] = "default"
    else:
        module.rope_type = "default"  # anything else may be recomputed while reading


def _regime(module: Any, kinds: list[str]) -> Regime:
    kind = _GLOBAL if _GLOBAL in kinds else kinds[0]
    parts = []
    for each in kinds:
        inv_freq = getattr(module, _name(each, "inv_freq")).float().cpu()
        parts += [
            each,
            inv_freq.numpy().tobytes().hex(),
            repr(float(getattr(module, _name(each, "attention_scaling")))),
        ]
    return Regime(module, float(getattr(module, _name(kind, "attention_scaling"))), bool(kind), sha256_text(*parts))


def _name(kind: str, attribute: str) -> str:
    return f"{kind}_{attribute}" if kind else attribute
