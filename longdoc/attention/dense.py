"""Dense attention of one step over everything read so far, one layer at a time.

A `Step` is one forward pass of a few tokens: it stores the new keys and values
where they belong (document segment or tail) and attends over segment and tail by
the branches of the position method. Which model calls it, and how queries and keys
turn, is the backend's business.

For other kinds of attention built on it: `_turned` gives one query a branch, as its
keys meet it. A branch whose `key_positions` are None meets keys as they are kept, so
bounds over kept keys hold for that query; the others (`_moves`) see a few keys near
the query or at the beginning only, and get them from `_met`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longdoc.attention.apart import block_edges, joined_apart
from longdoc.attention.evidence import Evidence
from longdoc.attention.merge import Partial, merge, with_sinks
from longdoc.attention.partial import attend_blocks, attend_run
from longdoc.attention.single import Piece, Workspace, attend_one, fits
from longdoc.attention.tiles import Tile, cut
from longdoc.cache.buffer import Layer
from longdoc.cache.segment import Reading
from longdoc.positions.method import Branch, Causal, Positions

Turn = Callable[[Any, Tensor], Tensor]
"""(attention module, queries or keys [heads, n, head_dim]) -> the same rotated on, float32 or their own dtype."""

MakeTurn = Callable[[Positions], Turn]
"""Positions to add for each of n tokens -> the turn that adds them."""

_PLAIN: tuple[Branch, ...] = (Causal(),)


def _as_they_are(positions: Positions) -> Positions | None:
    """Keep keys at their own positions."""
    return None


_MOST_PARTS = 8  # partial results of a layer held at once


class Ended(Exception):
    """Everything a pass was run for is stored; the rest of the model need not run."""


@dataclass(frozen=True)
class Scores:
    """How one layer scores keys, as its model passes it."""

    scale: float
    window: int | None = None  # keys less than this many tokens back are visible
    softcap: float | None = None
    sinks: Tensor | None = None  # [heads]: learned scores that take a share and carry no value
    slopes: Tensor | None = None  # [heads]: ALiBi, what a score loses for each token of distance


@dataclass
class Step:
    """One forward pass of `n_queries` tokens at positions from `first` on.

    With `in_tail` the tokens go to the tail, on top of the whole document segment, else they
    continue the segment. `evidence` collects what the last query reads.
    """

    reading: Reading
    first: int
    n_queries: int
    in_tail: bool
    branches: Sequence[Branch]
    make_turn: MakeTurn
    windows: Sequence[int | None] = ()  # by layer, where the model does not pass its window itself
    unshifted: frozenset[int] = frozenset()  # layers without positions: plain causal
    evidence: Evidence | None = None
    ends_at: int | None = None  # layer after whose keys and values nothing more of this pass is needed
    stored: Callable[[Positions], Positions | None] = _as_they_are  # where keys are kept, `Method.stored_positions`
    work: Workspace = field(default_factory=Workspace)  # of a single token; shared by the steps of an answer
    _turns: list[Turn | None] = field(init=False)  # one a branch; None where queries stay
    _storing: Turn | None = field(init=False)  # of new keys; None where they stay
    _key_turns: dict[tuple[int, int, int], Turn] = field(init=False, default_factory=dict)
    _cuts: dict[tuple[bool, int | None, int], list[Tile]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        positions = np.arange(self.first, self.first + self.n_queries, dtype=np.int64)
        offsets = [branch.query_positions(positions) - positions for branch in self.branches]
        self._turns = [self.make_turn(offset) if offset.any() else None for offset in offsets]
        kept = self.stored(positions)
        self._storing = None if kept is None else self.make_turn(kept - positions)

    def layer(self, module: Any, index: int, query: Tensor, key: Tensor, value: Tensor, scores: Scores) -> Tensor:
        """Store the layer's new keys and values [kv_heads, n, head_dim] and attend.

        query: [heads, n, head_dim]; query and key stand rotated at their own positions. Returns
        [heads, n, head_dim]. Raises Ended in layer `ends_at`.
        """
        plain = index in self.unshifted
        self._store(index, key if plain or self._storing is None else self._storing(module, key), value)
        if index == self.ends_at:
            raise Ended
        if scores.window is None and self.windows:
            scores = replace(scores, window=self.windows[index])
        kv_heads = key.shape[0]
        grouped = self._turned(module, query, plain)
        grouped = [part.reshape(kv_heads, -1, *part.shape[1:]) for part in grouped]
        sinks = None if scores.sinks is None else scores.sinks.reshape(kv_heads, -1, 1)
        met = self._met_by_one(module, index, grouped, plain, scores) if self.in_tail and self.n_queries == 1 else None
        if met is not None:
            return (
                attend_one(
                    met,
                    self.work,
                    scale=scores.scale,
                    softcap=scores.softcap,
                    sinks=sinks,
                    evidence=self.evidence,
                    block=self._block,
                )
                .reshape(query.shape)
                .to(query.dtype)
            )
        if self.evidence is not None and self.n_queries == 1:
            joined = self._observed(module, index, grouped, plain, scores, sinks)
        else:
            joined = self._joined(module, index, grouped, plain, scores, sinks)
            if self.evidence is not None:
                last = [part[:, :, -1:] for part in grouped]
                self._observed(module, index, last, plain, scores, sinks)
        return joined.output.flatten(0, 1).to(query.dtype)

    def _store(self, index: int, key: Tensor, value: Tensor) -> None:
        if self.in_tail:
            tail = self.reading.tail
            tail.layers[index].write(tail.n_tokens, key, value)
        else:
            self.reading.layers[index].write(self.reading.n_tokens, key, value)

    def _turned(self, module: Any, query: Tensor, plain: bool) -> list[Tensor]:
        """Return the query as each branch's keys meet it, in the dtype of the stored keys."""
        turns = [None] if plain else self._turns
        moved = [query if turn is None else turn(module, query) for turn in turns]
        return [part.to(self.reading.dtype).contiguous() for part in moved]

    @property
    def _block(self) -> int:
        """Tokens of the blocks that pieces of `_met_by_one` name; here none does."""
        return 0

    def _met_by_one(
        self, module: Any, index: int, query: Sequence[Tensor], plain: bool, scores: Scores
    ) -> list[Piece] | None:
        """Return all that a single query meets in a layer; None where it must be taken run by run."""
        tiles = self._tiles(plain, scores.window, 1)
        if not fits(
            self.reading.layers[index], sum(tile.end - tile.start for tile in tiles), len(query[0][0]) * len(query[0])
        ):
            return None
        return [piece for tile in tiles for piece in self._pieces_by_one(module, index, query, plain, scores, tile)]

    def _pieces_by_one(
        self, module: Any, index: int, query: Sequence[Tensor], plain: bool, scores: Scores, tile: Tile
    ) -> list[Piece]:
        """Return one tile's keys as a single query meets them."""
        row, in_document = query[tile.branch].squeeze(2), tile.end <= self._boundary()
        return [
            Piece(
                row,
                *self._met(module, index, tile.branch, start, end, plain),
                start if in_document else None,
                self._bias(scores, len(row), start, end),
            )
            for start, end in self._pieces(index, tile)
        ]

    def _joined(
        self, module: Any, index: int, query: Sequence[Tensor], plain: bool, scores: Scores, sinks: Tensor | None
    ) -> Partial:
        parts: list[Partial] = []
        for tile in self._tiles(plain, scores.window, self.n_queries):
            for start, end in self._pieces(index, tile):
                keys, values = self._met(module, index, tile.branch, start, end, plain)
                part = attend_run(
                    query[tile.branch],
                    keys,
                    values,
                    scale=scores.scale,
                    causal=tile.kind == "causal",
                    trailing=tile.kind == "trailing",
                    mask=tile.mask,
                    softcap=scores.softcap,
                    bias=self._bias(scores, len(keys), start, end),
                )
                # Joined now and then, so that memory does not grow with the number of pieces.
                parts = [merge([*parts, part])] if len(parts) >= _MOST_PARTS else [*parts, part]
        joined = merge(parts)
        return joined if sinks is None else with_sinks(joined, sinks)

    def _observed(
        self, module: Any, index: int, query: Sequence[Tensor], plain: bool, scores: Scores, sinks: Tensor | None
    ) -> Partial:
        """Attend with one query, prefix blocks apart, and note what each block got."""
        assert self.evidence is not None
        block, n_document = self.evidence.block_tokens, self._boundary()
        parts: list[Partial] = []  # of runs, output [kv_heads, group, 1, head_dim]
        apart: list[Tensor] = []  # lse of each run's blocks [kv_heads, n, group]
        blocks: list[int] = []  # of the document, one after the other as runs have them; -1 for the tail
        for tile in self._tiles(plain, scores.window, 1):
            row, in_document = query[tile.branch], tile.end <= n_document
            for piece in self._pieces(index, tile):
                all_keys, all_values = self._met(module, index, tile.branch, *piece, plain)
                for start, end in block_edges(*piece, block) if in_document else [piece]:
                    inside = slice(start - piece[0], end - piece[0])
                    keys, values = all_keys[:, inside], all_values[:, inside]
                    scoring: Any = {
                        "scale": scores.scale,
                        "softcap": scores.softcap,
                        "bias": self._bias(scores, len(keys), start, end),
                    }
                    if in_document and end - start > block:
                        run, inside_lse = attend_blocks(row, keys, values, block=block, **scoring)
                    else:
                        run = attend_run(row, keys, values, **scoring)
                        inside_lse = run.lse.transpose(1, 2)
                    parts.append(run)
                    apart.append(inside_lse)
                    blocks += range(start // block, -(-end // block)) if in_document else [-1]
        joined, weights = joined_apart(parts, apart, sinks)
        self.evidence.add_columns(blocks, weights.sum((0, 2)))
        return joined

    def _moves(self, branch: int) -> bool:
        """Return whether a branch meets keys elsewhere than where they are kept."""
        return self.branches[branch].key_positions(np.zeros(1, dtype=np.int64)) is not None

    def _met(self, module: Any, index: int, branch: int, start: int, end: int, plain: bool) -> tuple[Tensor, Tensor]:
        """Return the keys of tokens start .. end as a branch meets them, and their values."""
        keys, values = self._run(index, start, end)
        if plain or not self._moves(branch):
            return keys, values
        if not self.in_tail or self.n_queries > 1 or end > self._boundary():
            return self._moved(module, branch, keys, start, end), values
        # The answer's next tokens meet the same keys at the same places, but for the first few.
        known = self.reading.tail.moved.get((index, branch, end))
        if known is None or known[0] > start:
            known = start, self._moved(module, branch, keys, start, end)
            self.reading.tail.moved[index, branch, end] = known
        return known[1][:, start - known[0] :], values

    def _moved(self, module: Any, branch: int, keys: Tensor, start: int, end: int) -> Tensor:
        """Return the kept keys of tokens start .. end rotated on to where a branch meets them."""
        wanted = (branch, start, end)
        if wanted not in self._key_turns:  # the same for all layers
            positions = np.arange(start, end, dtype=np.int64)
            met, kept = self.branches[branch].key_positions(positions), self.stored(positions)
            assert met is not None
            self._key_turns[wanted] = self.make_turn(met - (positions if kept is None else kept))
        return self._key_turns[wanted](module, keys).to(keys.dtype)

    def _bias(self, scores: Scores, kv_heads: int, start: int, end: int) -> Tensor | None:
        """Return what ALiBi adds to the scores of keys start .. end, [kv_heads, group, n], float32.

        Counted from the step's last query: what all scores of a query have in common changes nothing.
        """
        if scores.slopes is None:
            return None
        back = torch.arange(start, end, device=scores.slopes.device) - (self.first + self.n_queries - 1)
        return scores.slopes.float().reshape(kv_heads, -1, 1) * back

    def _boundary(self) -> int:
        return self.reading.n_tokens if self.in_tail else self.first + self.n_queries

    def _pieces(self, index: int, tile: Tile) -> list[tuple[int, int]]:
        """Return a tile's keys in the pieces that their storage gives best; only full tiles may be cut."""
        if tile.kind != "full" or tile.end > self._boundary():
            return [(tile.start, tile.end)]
        return self.reading.layers[index].cuts(tile.start, tile.end)

    def _run(self, index: int, start: int, end: int) -> tuple[Tensor, Tensor]:
        """Return keys, as they are kept, and values of tokens start .. end, which do not cross the boundary."""
        boundary = self._boundary()
        buffer: Layer = self.reading.layers[index]
        if start >= boundary:
            buffer = self.reading.tail.layers[index]
            start, end = start - boundary, end - boundary
        return buffer.run(start, end)

    def _tiles(self, plain: bool, window: int | None, n_queries: int) -> list[Tile]:
        """Return the tiles for the last `n_queries` queries; computed once a step, the same for all such layers."""
        wanted = (plain, window, n_queries)
        if wanted not in self._cuts:
            self._cuts[wanted] = cut(
                _PLAIN if plain else self.branches,
                self.first + self.n_queries - n_queries,
                n_queries,
                boundary=self._boundary(),
                window=window,
                dtype=self.reading.dtype,
            )
        return self._cuts[wanted]
