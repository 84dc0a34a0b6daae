"""Rotary decoders of transformers: our own reading and answering loops around them.

The model's code computes everything but attention; keys and values go into a
`Reading` of ours and attention is `longdoc.attention`. Reading skips the work of
the last layer that no key or value depends on, and the head. One caller at a time.
"""

from __future__ import annotations

import gc
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from operator import eq
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from longdoc.attention import interface, ways
from longdoc.attention.chosen import Chosen
from longdoc.attention.dense import Ended
from longdoc.attention.evidence import Evidence
from longdoc.attention.single import Workspace
from longdoc.backends import EVIDENCE_BLOCKS, Constraint, Decoded, alibi_models, catalogue, precision, rotary
from longdoc.backends.frames import frame_of
from longdoc.backends.layers import layer_shapes, layer_windows, unpositioned_layers
from longdoc.backends.loading import load_model
from longdoc.backends.pace import Pace
from longdoc.backends.plain import PlainDecoder
from longdoc.backends.weights import digests, inspect
from longdoc.cache import kv_dtypes
from longdoc.cache.segment import Reading, new_reading
from longdoc.errors import CacheError, ModelError, Stopped, UserError
from longdoc.files import sha256_text
from longdoc.packing import PromptFrame
from longdoc.planning import TIERS, memory
from longdoc.positions import make, rope_of
from longdoc.positions.method import Method
from longdoc.settings import Settings
from longdoc.tokens import TextTokenizer
from longdoc.types import ModelInfo, ReadingPlan

_INCIDENTAL = frozenset({"_name_or_path", "transformers_version", "architectures", "dtype", "_attn_implementation"})
_SCORE_STEP = 256  # tokens whose logits over the whole vocabulary are held at once
_KV_FORMAT = "1"  # changes when the same inputs would give other keys or values


def load(name: str, settings: Settings) -> TransformerBackend:
    """Load a model by name, path or cached hub name. Raises ModelError with the reason it cannot be used."""
    folder = catalogue.resolve(name, settings)
    info = catalogue.describe(folder)
    declared = catalogue.declared_hashes(folder)
    hashes = digests(inspect(folder), declared, settings)
    tokenizer = TextTokenizer.from_folder(folder)
    model = load_model(folder, info, precision.weight_dtype(info.n_parameters))
    if settings.threads:
        torch.set_num_threads(settings.threads)
    backend = _kind_of(info)(model, info, tokenizer, frame_of(folder, tokenizer), sorted(hashes.values()))
    backend.working, backend._threads = settings.cache_working, torch.get_num_threads()
    return backend


class TransformerBackend:
    """See `longdoc.backends.Backend`, whose contract this keeps."""

    _plain: PlainDecoder | None = None  # for single tokens; of models whose layers it knows, from the first answer on
    _plain_known = False
    _threads: int | None = None  # of the processor, for this model; None: as torch is set

    def __init__(
        self, model: Any, info: ModelInfo, tokenizer: TextTokenizer, frame: PromptFrame, weight_hashes: Sequence[str]
    ) -> None:
        """Take over a loaded model; `close` gives it back as it came."""
        self.info, self.tokenizer, self.frame = info, tokenizer, frame
        self._model, self._base = model, model.base_model
        self._before = model.config._attn_implementation
        interface.register()
        model.set_attn_implementation(interface.NAME)
        self._config = model.config.get_text_config(decoder=True)
        self._shapes = layer_shapes(self._config)
        self._windows = layer_windows(self._config)
        self._unpositioned = unpositioned_layers(self._base)
        self._weights = [*weight_hashes, _identity(self._config)]
        self.working: Path | None = None  # where readings on the disk tier are made
        self._regimes: dict[tuple[str, float, int, str, int], tuple[Method, rotary.Regime]] = {}

    def memory_bytes(self) -> int:
        copied = 0 if self._plain is None else self._plain.nbytes
        return copied + sum(int(parameter.nbytes) for parameter in self._model.parameters())

    def close(self) -> None:
        if self._model is None:
            return
        self._model.set_attn_implementation(self._before)
        self._model = self._base = self._plain = None
        self._regimes.clear()
        gc.collect()

    def fingerprint(self, plan: ReadingPlan) -> str:
        method, regime = self._regime(plan)
        numbers = json.dumps(dict(method.numbers), sort_keys=True)
        shapes = [f"{s.num_kv_heads}x{s.key_dim}x{s.value_dim}" for s in self._shapes]
        dtypes = f"{next(self._model.parameters()).dtype} {plan.kv_dtype}"
        method_name = f"{plan.position_method} {numbers} {regime.digest}"
        return sha256_text(
            _KV_FORMAT, *self._weights, self.tokenizer.fingerprint, dtypes, method_name, ways.identity(plan), *shapes
        )

    def new_cache(self, plan: ReadingPlan, n_prefix: int) -> Reading:
        self._check(plan)
        tier = plan.cache_tier
        if tier == "disk" and self.working is None:
            raise UserError("There is no folder to keep keys and values in.", code="tier", next_step="Choose ram.")
        reading = new_reading(
            self._shapes,
            n_prefix,
            kv_dtypes.parse(plan.kv_dtype),
            tier,
            device=self._model.device,
            working=self.working,
            resident_bytes=memory.available_bytes() // 2 if tier == "disk" else None,
        )
        return ways.prepare(plan, reading)

    def prefill(
        self, token_ids: Sequence[int], reading: Reading, plan: ReadingPlan, stop: threading.Event
    ) -> Iterator[int]:
        self._check(plan)
        if len(token_ids) < reading.n_tokens or not all(map(eq, reading.token_ids, token_ids)):
            raise CacheError("The stored reading is of other text than the prompt begins with.", code="other_tokens")
        if len(token_ids) > reading.capacity:
            raise CacheError(f"The reading has room for {reading.capacity:,} tokens only.", code="capacity")
        method, regime = self._regime(plan)
        fast = self._model.device.type != "cpu"
        pace = Pace(self.info, plan.prefill_step, ways.numbers_of(plan), accelerated=fast)
        chosen = ways.begin(plan, reading, len(token_ids))
        while reading.n_tokens < len(token_ids):
            if stop.is_set():
                raise Stopped
            start = reading.n_tokens
            piece = token_ids[start : _step_end(start, pace, method)]
            began = time.perf_counter()
            try:
                self._run(piece, reading, method, regime, chosen, in_tail=False)
            except RuntimeError as error:
                _check_out_of_memory(error)
                if not pace.shrink(len(piece)):
                    raise _out_of_memory(self.info) from error
                continue
            pace.took(len(piece), time.perf_counter() - began)
            reading.commit(piece)
            yield reading.n_tokens

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
        self._check(plan)
        if not question_ids:
            raise UserError("The question is empty.", code="empty_question", next_step="Write a question.")
        method, regime = self._regime(plan)
        evidence = Evidence(reading.n_tokens, evidence_tokens) if evidence_tokens else None
        output: list[int] = []
        reading.tail.drop()
        chosen, work = ways.begin(plan, reading), Workspace()
        try:
            logits = self._read_question(list(question_ids), reading, plan, method, regime, chosen, stop, evidence)
            while len(output) < max_new_tokens:
                allowed = None if constraint is None else constraint.allowed(output)
                if stop.is_set():
                    raise Stopped
                if allowed is not None and not len(allowed):
                    return
                token, logprob = _choose(logits, allowed, constraint.raised(output) if constraint else {})
                output.append(token)
                yield Decoded(token, () if evidence is None else evidence.top(EVIDENCE_BLOCKS), logprob)
                if token in stop_ids or len(output) == max_new_tokens:
                    return
                if not self._plain_known:  # after the first word, which is waited for
                    self._plain, self._plain_known = PlainDecoder.of(self._model), True
                logits = self._run(
                    [token], reading, method, regime, chosen, in_tail=True, head=True, evidence=evidence, work=work
                )
        except RuntimeError as error:
            _check_out_of_memory(error)
            raise _out_of_memory(self.info) from error
        finally:
            reading.tail.drop()

    def score(self, token_ids: Sequence[int], plan: ReadingPlan, stop: threading.Event) -> Iterator[list[float]]:
        """Yield, step by step, the natural log-probability of every token but the first. Raises as `prefill`."""
        self._check(plan)
        method, regime = self._regime(plan)
        reading, pace = self.new_cache(plan, len(token_ids)), Pace(self.info, min(plan.prefill_step, _SCORE_STEP))
        chosen = ways.begin(plan, reading)
        while reading.n_tokens < len(token_ids) - 1:
            if stop.is_set():
                raise Stopped
            at = reading.n_tokens
            piece = list(token_ids[at : min(_step_end(at, pace, method), len(token_ids) - 1)])
            logits = self._run(piece, reading, method, regime, chosen, in_tail=False, head=True, every=True)
            reading.commit(piece)
            following = torch.tensor(token_ids[at + 1 : reading.n_tokens + 1], device=logits.device)
            yield torch.log_softmax(logits, -1).gather(1, following[:, None])[:, 0].tolist()

    def _read_question(
        self,
        question_ids: list[int],
        reading: Reading,
        plan: ReadingPlan,
        method: Method,
        regime: rotary.Regime,
        chosen: Chosen | None,
        stop: threading.Event,
        evidence: Evidence | None,
    ) -> Tensor:
        """Read the question into the tail and return the logits after its last token."""
        pace, at = Pace(self.info, plan.prefill_step), 0
        while True:
            if stop.is_set():
                raise Stopped
            first = reading.n_tokens + at
            piece = question_ids[at : at + _step_end(first, pace, method) - first]
            at += len(piece)
            last = at == len(question_ids)
            seen = evidence if last else None
            logits = self._run(piece, reading, method, regime, chosen, in_tail=True, head=last, evidence=seen)
            if last:
                return logits

    @torch.inference_mode()
    def _run(
        self,
        token_ids: Sequence[int],
        reading: Reading,
        method: Method,
        regime: rotary.Regime,
        chosen: Chosen | None,
        *,
        in_tail: bool,
        head: bool = False,
        every: bool = False,
        evidence: Evidence | None = None,
        work: Workspace | None = None,
    ) -> Tensor:
        """One forward pass; keys and values go to segment or tail.

        Returns logits [vocab] after the last token, with `every` [n, vocab] after each; empty without `head`.
        `work`: memory that the steps of an answer share, where this is one.
        """
        tail, n = reading.tail, len(token_ids)
        first = reading.n_tokens + (tail.n_tokens if in_tail else 0)
        if in_tail:
            tail.reserve(tail.n_tokens + n)
        step = ways.step(
            chosen,
            reading,
            first,
            n,
            in_tail,
            method.branches(first + n),
            regime.turn,
            self._windows,
            self._unpositioned,
            evidence,
            ends_at=None if head else len(self._shapes) - 1,
            stored=method.stored_positions,
            work=work or Workspace(),
        )
        if work is not None and self._plain is not None:  # one token of an answer
            logits = self._plain.logits(token_ids[0], first, regime, step).float()
            tail.n_tokens += n
            return logits
        device = self._model.device
        ids = torch.tensor([list(token_ids)], device=device)
        positions = torch.arange(first, first + n, device=device).unsqueeze(0)
        logits = torch.empty(0)
        with regime.applied(self._base), precision.products(reading.dtype, n), interface.running(step):
            if head:
                keep = 0 if every else 1  # 0 is all of them
                result = self._model(input_ids=ids, position_ids=positions, use_cache=False, logits_to_keep=keep)
                logits = result.logits[0].float() if every else result.logits[0, -1].float()
            else:
                with suppress(Ended):
                    self._base(input_ids=ids, position_ids=positions, use_cache=False)
        if in_tail:
            tail.n_tokens += n
        return logits

    def _regime(self, plan: ReadingPlan) -> tuple[Method, rotary.Regime]:
        """Return the plan's method and frequencies, made once for each method, factor and planned length."""
        key = (plan.position_method, plan.factor, plan.n_tokens, plan.attention, plan.attention_budget)
        if key not in self._regimes:
            method = ways.method_of(plan, make(plan.position_method, self.info, plan.factor))
            frequencies = method.frequencies
            if frequencies is None:
                regime = rotary.declared(self._base, plan.n_tokens, method.temperature(plan.n_tokens))
            else:
                regime = rotary.replaced(self._base, frequencies, rope_of(self.info).inv_freq)
            if len(self._regimes) > 64:
                self._regimes.clear()
            self._regimes[key] = method, regime
        return self._regimes[key]

    def _check(self, plan: ReadingPlan) -> None:
        if self._model is None:
            raise ModelError(f"The model {self.info.name} is closed.", code="closed", next_step="Load it again.")
        ways.check(plan)
        if plan.cache_tier not in TIERS:
            raise UserError(
                f"Keys and values cannot be kept on {plan.cache_tier!r}.",
                code="unknown_tier",
                next_step=f"Choose {', '.join(TIERS[:-1])} or {TIERS[-1]}.",
            )
        kv_dtypes.parse(plan.kv_dtype)
        if self._threads is not None and torch.get_num_threads() != self._threads:
            # A thread that came to torch while another wrote an answer, by one thread at times, began with one.
            torch.set_num_threads(self._threads)


def _kind_of(info: ModelInfo) -> type[TransformerBackend]:
    """Return the backend of a model's positions."""
    if info.architecture not in alibi_models.FAMILIES:
        return TransformerBackend
    from longdoc.backends.alibi import AlibiBackend

    return AlibiBackend


def _identity(config: Any) -> str:
    """Return the configuration that a model computes by, without where it lies and who wrote it."""
    fields = {key: value for key, value in config.to_diff_dict().items() if key not in _INCIDENTAL}
    return json.dumps(fields, sort_keys=True, default=str)


def _step_end(start: int, pace: Pace, method: Method) -> int:
    """Return where a step from `start` on ends: after what the pace allows, or where a branch's keys jump."""
    end = start + pace.size(start)
    edge = method.next_edge(start)
    return end if edge is None else min(end, edge)


def _choose(logits: Tensor, allowed: Sequence[int] | None, raised: Mapping[int, float]) -> tuple[int, float]:
    """Return the likeliest allowed token, some logits raised, and its own log-probability among all.

    Raises ModelError for broken numbers.
    """
    logprobs = torch.log_softmax(logits, -1)
    weighed = logprobs
    if raised:
        weighed = logprobs.clone()
        weighed[list(raised)] += torch.tensor(list(raised.values()), dtype=weighed.dtype, device=weighed.device)
    if allowed is None:
        token = int(weighed.argmax())
    else:
        candidates = torch.as_tensor(list(allowed), device=logits.device)
        token = int(candidates[weighed[candidates].argmax()])
    logprob = float(logprobs[token])
    if logprob != logprob:
        raise ModelError(
            "The model's numbers overflowed while answering.", code="overflow", next_step="Choose another model."
        )
    return token, logprob


def _check_out_of_memory(error: RuntimeError) -> None:
    """Raise `error` again unless it says that memory ran out; torch has one class for it on GPUs only."""
    if isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error) or "alloc_cpu" in str(error):
        gc.collect()
        return
    raise error


def _out_of_memory(info: ModelInfo) -> ModelError:
    return ModelError(
        f"Memory ran out while {info.name} was reading.",
        code="memory",
        next_step="Close other programs, leave out a source, or choose a smaller model.",
    )
