"""Which blocks are chosen for one reading, and what is remembered of it from step to step.

While a text is read, blocks are ranked by bounds over their resident summaries; for a
question and its answer by the scores their keys really have, where those are at hand
(`exact.py`). While an answer is written a choice holds for a few tokens, and the blocks that the question asked for
most are part of every choice (choosing anew for every token can break long
quotations).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from longdoc.attention import probe
from longdoc.attention.block_cache import BlockCache
from longdoc.attention.choice import Span
from longdoc.attention.exact import at_hand, largest_scores
from longdoc.attention.probe import Probe
from longdoc.attention.sparsity import Sparsity
from longdoc.attention.summaries import Summaries, bounds
from longdoc.cache.segment import Reading

_CACHED_BUDGETS = 8  # blocks kept on the device for each key head, in budgets
_CACHED_FROM_FILES = 2  # the same where they come from mapped files: gathering there takes many times as long

Phase = Literal["reading", "question", "answer", "look"]
"""Who chooses; a look neither remembers nor is bound by what was remembered."""


class Held(NamedTuple):
    """Blocks [kv_heads, 1, count] chosen out of low .. high."""

    low: int
    high: int
    blocks: Tensor


class Chosen:
    """The choices of one reading and of the answer being written on top of it."""

    _known: ClassVar[WeakKeyDictionary[Reading, Chosen]] = WeakKeyDictionary()

    def __init__(self, reading: Reading, numbers: Sparsity) -> None:
        self.numbers = numbers
        self.summaries = Summaries(reading, numbers.block)
        self.reading_probe, self.answer_probe = Probe(), Probe()
        self.answer_tokens = 0
        self._asked: dict[tuple[int, int], Tensor] = {}  # layer, branch -> highest ranks for the question
        self._held: dict[tuple[int, int], Held] = {}  # layer, branch -> last choice for the answer
        self._caches: dict[int, BlockCache] = {}  # by layer, where keys lie in files or away from the device
        self._cached_to = 0  # tokens of the document when they were filled
        probe.register(reading, self.reading_probe, self.answer_probe)

    @classmethod
    def of(cls, reading: Reading, numbers: Sparsity) -> Chosen:
        """Return what is remembered of a reading, made on first use."""
        found = cls._known.get(reading)
        if found is None or found.numbers != numbers:
            found = cls._known[reading] = cls(reading, numbers)
        return found

    def begin(self, n_tokens: int) -> None:
        """Begin to read on from `n_tokens`, or to answer: the reading may have been cut, the question is another."""
        self.summaries.cut(n_tokens)
        self._asked.clear()
        self._held.clear()
        if n_tokens < self._cached_to:
            self._caches.clear()
        self._cached_to = n_tokens
        self.answer_tokens = 0
        self.answer_probe.clear()

    def blocks(self, reading: Reading, layer: int, packed: Tensor, spans: Sequence[Span], phase: Phase) -> Tensor:
        """Return the blocks [kv_heads, n_tiles, count] of `spans`, one a tile, that its rows attend.

        packed: [kv_heads, n_tiles, rows, head_dim].
        """
        span, key = spans[0], (layer, spans[0].branch)
        if phase == "answer" and self.answer_tokens % self.numbers.refresh:
            held = self._held.get(key)
            # A branch whose keys moved on has other blocks to choose from.
            if held is not None and (held.low, held.high, held.blocks.shape[-1]) == (span.low, span.high, span.count):
                return held.blocks
        low, high = min(one.low for one in spans), max(one.high for one in spans)
        found = self._ranks(reading, layer, packed, low, high, phase)
        if phase == "question":
            self._remember(key, found, low, reading.n_tokens // self.numbers.block)
        for at, one in enumerate(spans):
            row, first, end = found[:, at], one.low - low, one.high - low
            row[:, :first] = -math.inf
            row[:, end:] = -math.inf
            if phase == "answer":
                self._keep_asked(key, row[:, first:end], one)
            row[:, first : first + one.first_kept] = math.inf
            row[:, end - one.last_kept : end] = math.inf
        # In the order of the text, so that memory is read forwards.
        chosen = torch.topk(found, span.count, sorted=False).indices.sort(-1).values + low
        if phase == "answer":
            self._held[key] = Held(span.low, span.high, chosen)
        return chosen

    def _ranks(self, reading: Reading, layer: int, packed: Tensor, low: int, high: int, phase: Phase) -> Tensor:
        """Return what blocks low .. high are ranked by, [kv_heads, n_tiles, high - low]."""
        block = self.numbers.block
        if phase != "reading" and self.by_scores(reading, layer):
            return largest_scores(packed, reading.layers[layer], low, high, block)
        extremes = self.summaries.of(reading, layer, high * block)[:, low:]
        return torch.stack([bounds(packed[:, at], extremes) for at in range(packed.shape[1])], 1)

    def by_scores(self, reading: Reading, layer: int) -> bool:
        """Say whether blocks of a layer are ranked by their keys' real scores while answering."""
        return at_hand(reading.layers[layer], reading.n_tokens)

    def gather(self, reading: Reading, layer: int, blocks: Tensor, phase: Phase) -> tuple[Tensor, Tensor]:
        """Return keys and values [kv_heads, m * block, head_dim] of chosen blocks [kv_heads, m]."""
        lies = reading.layers[layer]
        if phase in ("reading", "question") or not lies.away:  # tiles choose the same blocks many times
            return lies.gather(blocks, self.numbers.block)
        budgets = _CACHED_FROM_FILES if lies.device.type == "cpu" else _CACHED_BUDGETS
        slots = budgets * self.numbers.budget_blocks
        if blocks.shape[1] > slots:
            return lies.gather(blocks, self.numbers.block)
        if layer not in self._caches:
            self._caches[layer] = BlockCache(lies, slots, self.numbers.block)
        return self._caches[layer].gather(blocks)

    def _remember(self, key: tuple[int, int], found: Tensor, low: int, n_blocks: int) -> None:
        """Keep the highest rank that the question's tokens gave each block; found: [kv_heads, n_tiles, n]."""
        asked = found.new_full((len(found), n_blocks), -math.inf)
        asked[:, low : low + found.shape[2]] = found.amax(1)
        before = self._asked.get(key)
        self._asked[key] = asked if before is None else torch.maximum(before, asked)

    def _keep_asked(self, key: tuple[int, int], row: Tensor, span: Span) -> None:
        """Let the blocks that the question asked for most be chosen in any case; row: [kv_heads, n] of the span."""
        asked = self._asked.get(key)
        if asked is None:
            return
        room = span.count - span.first_kept - span.last_kept
        within = asked[:, span.low : span.high]
        n = min(int(room * self.numbers.floor_share), within.shape[1])
        if n > 0:
            row.scatter_(1, torch.topk(within, n).indices, math.inf)
