"""State-space models and hybrids of transformers: the same loops, a state beside keys and values.

Reading and answering are those of `transformer.py`. What differs: the model's
recurrent layers go on from a copy of the reading's state (`state_layers.py`,
`state_scan.py`), and the reading can be cut back only to places whose state is
kept: the ends of documents and checkpoints. An answer is written on a copy, so the
document's state survives it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from longdoc.attention import interface
from longdoc.attention.dense import Turn
from longdoc.backends import Constraint, Decoded, catalogue, precision, rotary
from longdoc.backends.frames import frame_of
from longdoc.backends.loading import load_model
from longdoc.backends.state_layers import layer_shapes, new_cache, state_of
from longdoc.backends.state_scan import continuing, mixers
from longdoc.backends.transformer import TransformerBackend, _identity
from longdoc.backends.weights import digests, inspect
from longdoc.cache.segment import Reading
from longdoc.cache.state import Layout, States
from longdoc.errors import ModelError, UserError
from longdoc.packing import PromptFrame
from longdoc.planning.recurrent import RECURRENT
from longdoc.positions import make
from longdoc.positions.method import Method, Positions
from longdoc.settings import Settings
from longdoc.tokens import TextTokenizer
from longdoc.types import ModelInfo, ReadingPlan

_STATE_FORMAT = "state-1"  # changes when the same inputs would give another state


@dataclass(frozen=True)
class _Unpositioned(rotary.Regime):
    """For models whose layers know no positions."""

    @contextmanager
    def applied(self, base_model: Any) -> Iterator[None]:
        yield

    def turn(self, offsets: Positions) -> Turn:
        raise AssertionError("queries without positions are never turned")


class StateSpaceBackend(TransformerBackend):
    """See `longdoc.backends.Backend`, whose contract this keeps; its readings carry `States`."""

    def __init__(
        self, model: Any, info: ModelInfo, tokenizer: TextTokenizer, frame: PromptFrame, weight_hashes: Sequence[str]
    ) -> None:
        """Take over a loaded model; `close` gives it back as it came. Raises ModelError for unknown layers."""
        self.info, self.tokenizer, self.frame = info, tokenizer, frame
        self._model, self._base = model, model.base_model
        self._config = model.config.get_text_config(decoder=True)
        self._mixers = mixers(model)
        self._shapes = layer_shapes(self._config, new_cache(self._config, None))
        self._has_attention = any(shape.num_kv_heads for shape in self._shapes)
        self._before = model.config._attn_implementation
        if self._has_attention:
            interface.register()
            model.set_attn_implementation(interface.NAME)
        self._windows: tuple[int | None, ...] = (None,) * len(self._shapes)
        self._unpositioned: frozenset[int] = frozenset()
        self._weights = [_STATE_FORMAT, *weight_hashes, _identity(self._config)]
        self.working = None
        self._regimes = {}
        self.working = None
        self._tail_cache: Any = None  # of the answer being written
        self._layout: Layout = {}

    def close(self) -> None:
        self._tail_cache = None
        super().close()

    def new_cache(self, plan: ReadingPlan, n_prefix: int) -> Reading:
        reading = super().new_cache(plan, n_prefix)
        reading.states = States(self._state_layout(plan))
        return reading

    def prefill(
        self, token_ids: Sequence[int], reading: Reading, plan: ReadingPlan, stop: threading.Event
    ) -> Iterator[int]:
        assert reading.states is not None
        # The state after each document is kept, so that a change further on costs only what follows it.
        edges = {mark for mark in reading.states.marks if reading.n_tokens < mark < len(token_ids)}
        for edge in [*sorted(edges), len(token_ids)]:
            known = token_ids if edge == len(token_ids) else token_ids[:edge]
            yield from super().prefill(known, reading, plan, stop)
            reading.states.keep(reading.n_tokens)

    def decode(
        self,
        question_ids: Sequence[int],
        reading: Reading,
        plan: ReadingPlan,
        *,
        max_new_tokens: int,
        stop_ids: frozenset[int],
        stop: threading.Event,
        constraint: Constraint | None = None,
        evidence_tokens: int = 64,
    ) -> Iterator[Decoded]:
        try:
            yield from super().decode(
                question_ids,
                reading,
                plan,
                max_new_tokens=max_new_tokens,
                stop_ids=stop_ids,
                stop=stop,
                constraint=constraint,
                evidence_tokens=evidence_tokens if self._has_attention else 0,
            )
        finally:
            self._tail_cache = None

    @torch.inference_mode()
    def _run(self, token_ids: Sequence[int], reading: Reading, *args: Any, in_tail: bool, **kwargs: Any) -> Tensor:
        """One forward pass on a copy of the state; what it leaves is `pending`, or the tail's."""
        states = reading.states
        assert states is not None
        if not in_tail:
            cache = new_cache(self._config, states.current)
        elif reading.tail.n_tokens:
            cache = self._tail_cache
        else:
            cache = self._tail_cache = new_cache(self._config, states.current)
        with self._carrying(cache):
            logits = super()._run(token_ids, reading, *args, in_tail=in_tail, **kwargs)
        if not in_tail:
            states.pending = state_of(cache)
        return logits

    @contextmanager
    def _carrying(self, cache: Any) -> Iterator[None]:
        """Let the model go on from `cache` within the block, whoever calls it."""

        def hand_over(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
            return args, {**kwargs, name: cache, "use_cache": True}

        name = "past_key_values" if self._has_attention else "cache_params"
        hook = self._base.register_forward_pre_hook(hand_over, with_kwargs=True)
        try:
            with continuing(self._mixers):
                yield
        finally:
            hook.remove()

    def _state_layout(self, plan: ReadingPlan) -> Layout:
        """Return names, dtypes and shapes of the state, learnt once by reading a few tokens."""
        if not self._layout:
            probe = super().new_cache(plan, 3)
            probe.states = States({})
            with _quiet_library():  # several tokens, then one: the library has functions for each
                for n_tokens in (2, 3):
                    list(super().prefill([0] * n_tokens, probe, plan, threading.Event()))
            assert probe.states.current is not None
            self._layout = probe.states.current.layout
        return self._layout

    def _regime(self, plan: ReadingPlan) -> tuple[Method, rotary.Regime]:
        if self.info.rope_parameters:
            return super()._regime(plan)
        return make("none", self.info), _no_regime()

    def _check(self, plan: ReadingPlan) -> None:
        if self._has_attention and plan.attention == "dense":
            super()._check(plan)
            return
        if self._model is None:
            raise ModelError(f"The model {self.info.name} is closed.", code="closed", next_step="Load it again.")
        if self._has_attention or plan.attention != RECURRENT or plan.position_method != "none":
            raise UserError(
                f"{self.info.name} does not read with {plan.attention} attention and positions {plan.position_method}.",
                code="unknown_attention",
                next_step="Leave attention and positions as they are.",
            )


def load(name: str, settings: Settings) -> StateSpaceBackend:
    """Load a model by name, path or cached hub name. Raises ModelError with the reason it cannot be used."""
    folder = catalogue.resolve(name, settings)
    info = catalogue.describe(folder)
    hashes = digests(inspect(folder), catalogue.declared_hashes(folder), settings)
    tokenizer = TextTokenizer.from_folder(folder)
    model = load_model(folder, info, precision.weight_dtype(info.n_parameters))
    if settings.threads:
        torch.set_num_threads(settings.threads)
    backend = StateSpaceBackend(model, info, tokenizer, frame_of(folder, tokenizer), sorted(hashes.values()))
    backend.working = settings.cache_working
    return backend


def _no_regime() -> rotary.Regime:
    return _Unpositioned(None, 1.0, False, "no positions")


@contextmanager
def _quiet_library() -> Iterator[None]:
    """Keep the library from warning, once for each function, that it runs without special kernels."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)
