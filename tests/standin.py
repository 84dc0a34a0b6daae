"""A model without weights for tests: deterministic, instant, and sensitive to every stored byte.

Each token's keys and values follow from the token, its position and the state
that the token before left in the cache; an answer is a hash of all keys and
values of the prefix and of the question. Whatever is lost, moved or flipped on
the way to disk and back changes the answer.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from longdoc.backends import Constraint, Decoded
from longdoc.cache import kv_dtypes
from longdoc.cache.buffer import plain
from longdoc.cache.disk import DiskCache
from longdoc.cache.layout import flat_bytes
from longdoc.cache.segment import LayerShape, Reading, new_reading
from longdoc.cache.writer import open_writer, plan_entry
from longdoc.errors import CacheError, ModelError, Stopped
from longdoc.files import sha256_text
from longdoc.formats import SPECIAL_TOKENS, SpecialIds
from longdoc.packing import PromptFrame
from longdoc.settings import Settings
from longdoc.tokens import TextTokenizer
from longdoc.types import Document, ModelInfo, Prompt, ReadingPlan, Region

_STATE = 1 << 20  # states stay below 2**24, so float32 holds them exactly
ANSWER_TOKENS = 12


@cache
def byte_tokenizer() -> TextTokenizer:
    """One token a byte, ids 0 to 255 in the order of the byte alphabet, then the reader's special tokens."""
    vocabulary = {symbol: index for index, symbol in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    return TextTokenizer(tokenizer, "byte-tokenizer")


def special_ids(tokenizer: TextTokenizer | None = None) -> SpecialIds:
    tokenizer = tokenizer or byte_tokenizer()
    ids = [tokenizer.special_id(token) for token in SPECIAL_TOKENS]
    return SpecialIds(*(token for token in ids if token is not None))


def reader_frame(tokenizer: TextTokenizer | None = None) -> PromptFrame:
    ids = special_ids(tokenizer)
    return PromptFrame("reader", (ids.bos,), (ids.answer,), ids, frozenset({ids.end}))


class StandIn:
    """A backend (`longdoc.backends.Backend`) with two layers of one head of eight numbers.

    `step_s`: seconds a prefill step takes. `memory_step`: steps above this many tokens run out of
    memory. `weights`: another value is another model. `working`: where readings on the disk tier are made.
    """

    shapes = (LayerShape(1, 8, 8), LayerShape(1, 8, 8))

    def __init__(
        self,
        *,
        weights: str = "a",
        native_context: int = 2048,
        window: int = 1 << 20,
        tested_context: int = 32768,
        step_s: float = 0.0,
        token_s: float = 0.0,
        memory_step: int | None = None,
        working: Path | None = None,
    ) -> None:
        self.working = working
        self.info = ModelInfo(
            f"standin-{weights}", "transformer", None, "StandIn", native_context, window, tested_context,
            8, 2, 1, 1, 1000, 4000, 10000.0, rope_parameters={"rope_type": "default"},
        )  # fmt: skip
        self.tokenizer = byte_tokenizer()
        self.frame = reader_frame()
        self.weights, self.step_s, self.token_s, self.memory_step = weights, step_s, token_s, memory_step
        self.steps: list[int] = []  # sizes of the steps done
        self.closed = False

    def fingerprint(self, plan: ReadingPlan) -> str:
        method = (plan.position_method, str(plan.factor), plan.attention, plan.kv_dtype)
        return sha256_text("standin", self.weights, self.tokenizer.fingerprint, *method)

    def new_cache(self, plan: ReadingPlan, n_prefix: int) -> Reading:
        tier, kv = plan.cache_tier, kv_dtypes.parse(plan.kv_dtype)
        return new_reading(self.shapes, n_prefix, kv, tier, working=self.working)

    def prefill(
        self, token_ids: Sequence[int], reading: Reading, plan: ReadingPlan, stop: threading.Event
    ) -> Iterator[int]:
        if list(token_ids[: reading.n_tokens]) != reading.token_ids:
            raise CacheError("The reading holds other tokens.")
        while (start := reading.n_tokens) < len(token_ids):
            if stop.is_set():
                raise Stopped
            end = min(start + plan.prefill_step, len(token_ids))
            if self.memory_step is not None and end - start > self.memory_step:
                raise ModelError("There is not enough memory for a step.", code="memory")
            if self.step_s and stop.wait(self.step_s):
                raise Stopped
            before = len(self.weights) + sum(map(ord, self.weights))
            if start and reading.kv.narrow:  # what was stored is rounded, and steps may end anywhere
                before = int(self._states(before, token_ids[:start], 0)[-1])
            elif start:
                before = int(reading.layers[0].run(start - 1, start)[0][0, 0, 0])
            states = self._states(before, token_ids[start:end], start)
            for index, layer in enumerate(reading.layers):
                factors = torch.arange(8) * 3 + index * 7
                keys = ((states[:, None] + factors) % _STATE).float()
                if index == 0:
                    keys[:, 0] = states.float()
                layer.write(start, keys[None], ((states[:, None] * (factors + 1)) % 8191).float()[None])
            reading.commit(token_ids[start:end])
            self.steps.append(end - start)
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
        digest = hashlib.sha256(repr(list(question_ids)).encode())
        for layer in reading.layers:
            for strip in flat_bytes(layer.stored(0, reading.n_tokens)):
                digest.update(strip.numpy().tobytes())
        seed = digest.digest()
        letters = self.tokenizer.ids("abcdefghijklmnopqrstuvwxyz")
        output: list[int] = []
        for index in range(min(max_new_tokens, ANSWER_TOKENS)):
            if stop.is_set():
                raise Stopped
            if self.token_s:
                time.sleep(self.token_s)
            token = letters[seed[index] % 26] if index + 1 < ANSWER_TOKENS else min(stop_ids, default=letters[0])
            allowed = constraint.allowed(output) if constraint else None
            if allowed is not None:
                if not allowed:
                    return
                token = token if token in allowed else allowed[seed[index] % len(allowed)]
            output.append(token)
            blocks = max(reading.n_tokens // evidence_tokens, 1) if evidence_tokens else 0
            yield Decoded(token, ((seed[index] % blocks, 1.0),) if blocks else ())
            if token in stop_ids:
                return

    def memory_bytes(self) -> int:
        return self.info.weight_bytes

    def close(self) -> None:
        self.closed = True

    @staticmethod
    def _states(before: int, token_ids: Sequence[int], start: int) -> torch.Tensor:
        """Running sums of products of token and position, below 2**20; int64 [n]."""
        ids = torch.tensor(list(token_ids), dtype=torch.int64)
        places = torch.arange(start, start + len(ids)) % 1009 + 1
        return (torch.cumsum((ids + 1) * places, 0) + before) % _STATE


def plan_for(
    backend: StandIn,
    n_tokens: int,
    *,
    step: int = 256,
    method: str = "none",
    factor: float = 1.0,
    tier: str = "ram",
    kv_dtype: str = "float32",
) -> ReadingPlan:
    info = backend.info
    return ReadingPlan(
        info.name, n_tokens, info.native_context, info.window, method, factor, "dense", tier, kv_dtype, step,
        n_tokens * 128, None, "native", (),
    )  # fmt: skip


def prompt_of(*texts: str, question: str = "who?", tokenizer: TextTokenizer | None = None) -> Prompt:
    """Pack texts in the reader's format, one document each; document ids are `doc-<hash of the text>`."""
    tokenizer = tokenizer or byte_tokenizer()
    special = special_ids(tokenizer)
    ids, regions = [special.bos], [Region("system", (0, 1))]
    for number, text in enumerate(texts, 1):
        header = [special.doc, *tokenizer.ids(f"[{number}] text {number}\n")]
        encoded = tokenizer.encode(text if text.endswith("\n") else text + "\n")
        regions.append(Region("system", (len(ids), len(ids) + len(header)), document_id(text)))
        ids += header
        regions.append(Region("document", (len(ids), len(ids) + len(encoded.ids)), document_id(text), 0, encoded.chars))
        ids += encoded.ids
    prefix_len = len(ids)
    ids += [special.ask, *tokenizer.ids(f" {question}"), special.answer]
    regions.append(Region("question", (prefix_len, len(ids))))
    return Prompt(tuple(ids), tuple(regions), (), prefix_len)


def document_id(text: str) -> str:
    return f"doc-{sha256_text(text)[:12]}"


def document_of(text: str, name: str = "text.txt") -> Document:
    return Document(document_id(text), sha256_text(name, text), name, text)


def text_of(n_tokens: int, seed: str = "x") -> str:
    """Return ASCII text of exactly `n_tokens` byte tokens, the last a newline."""
    block = hashlib.sha256(seed.encode()).hexdigest()
    words = "".join(f"{block[i % 60 : i % 60 + 4]} {i} " for i in range(n_tokens // 6 + 2))
    return words[: n_tokens - 1] + "\n"


def settings_in(folder: Path, **fields: object) -> Settings:
    return Settings(home=folder / "home", **fields)  # type: ignore[arg-type]


def random_reading(
    n_tokens: int,
    *,
    seed: int = 0,
    shapes: Sequence[LayerShape] = StandIn.shapes,
    dtype: torch.dtype = torch.float32,
    kv: str | None = None,
    working: Path | None = None,
) -> Reading:
    """Return a full reading of random bytes over random tokens; the same seed gives the same beginning.

    `kv`: a form of keys and values, else `dtype`; with `working` on the disk tier.
    """
    form = plain(dtype) if kv is None else kv_dtypes.parse(kv)
    reading = new_reading(shapes, n_tokens, form, "disk" if working else "ram", working=working)
    for index, (layer, shape) in enumerate(zip(reading.layers, shapes, strict=True)):
        planes = []
        for kind, width in enumerate((shape.key_dim, shape.value_dim)):
            # Token by token, so that a longer reading of the same seed begins with the shorter one.
            generator = torch.Generator().manual_seed(100 * seed + 2 * index + kind)
            planes.append(torch.randn(n_tokens, shape.num_kv_heads, width, generator=generator).transpose(0, 1))
        layer.write(0, *planes)
    ids = torch.randint(0, 250, (n_tokens,), generator=torch.Generator().manual_seed(seed + 1))
    reading.commit(ids.tolist())
    return reading


def stored_bytes(reading: Reading, n_tokens: int | None = None) -> bytes:
    """Return all keys and values of the first tokens, byte for byte."""
    n_tokens = reading.n_tokens if n_tokens is None else n_tokens
    strips = [strip for layer in reading.layers for strip in flat_bytes(layer.stored(0, n_tokens))]
    return b"".join(strip.numpy().tobytes() for strip in strips)


def save_reading(
    cache: DiskCache, reading: Reading, *, fingerprint: str = "f", at: Sequence[int] = (), documents: Sequence[str] = ()
) -> str | None:
    """Save a reading in checkpoints at the given token counts; return its key, None when nothing was to be done."""
    ids = reading.token_ids
    writer = open_writer(cache, plan_entry(cache, fingerprint, ids, reading, documents), ids)
    if writer is None:
        return None
    for n_tokens in at or [reading.n_tokens]:
        writer.save(reading, n_tokens)
    writer.close()
    return writer.manifest.key


def load_reading(
    cache: DiskCache, like: Reading, token_ids: Sequence[int], fingerprint: str = "f", working: Path | None = None
) -> Reading:
    """Return what the cache holds of some tokens, in memory or, with `working`, mapped."""
    match = cache.find(fingerprint, token_ids).match
    assert match is not None
    reading = new_reading(like.shapes, len(token_ids), like.kv, "disk" if working else "ram", working=working)
    cache.load(match, reading)
    return reading
