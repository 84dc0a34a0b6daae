"""Sparse attention: for every tile of queries a few chosen blocks of keys, the first ones and the recent ones.

Quest (https://arxiv.org/abs/2406.10774) bounds what a query can score in a block by
the block's extremes; the blocks with the largest bounds are attended exactly. For a question and its answer
blocks are ranked by their keys' real scores instead, see `exact.py`.
Query heads that share a key head share a choice, and so do, while reading, the
queries of a tile: a tile then costs the same wherever it stands, but for one small
product to choose. While reading every layer is sparse, while answering the first
layers are dense where blocks are ranked by bounds.

What can be left out is said by `choice`, what is chosen by `chosen`. Every position
method is served: each branch has blocks and queries of its own, and keys that a
branch meets elsewhere than they are kept are attended whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from longdoc.attention.apart import block_edges, joined_apart
from longdoc.attention.choice import Division, divide
from longdoc.attention.chosen import Chosen, Phase
from longdoc.attention.dense import Scores, Step
from longdoc.attention.merge import Partial, merge, with_sinks
from longdoc.attention.packed import attend_packed, packed_tiles, unpacked
from longdoc.attention.partial import attend_blocks, attend_run
from longdoc.attention.probe import EVERY_TOKENS
from longdoc.attention.single import Piece
from longdoc.attention.sparsity import NO_BIASES
from longdoc.attention.tiles import Tile, cut
from longdoc.errors import UserError
from longdoc.positions.method import Causal

_TILES_AT_ONCE = 16  # whose keys are gathered together


class Call(NamedTuple):
    """One layer's attention. query: one a branch, [kv_heads, group, n, head_dim]; plain: without branches."""

    module: Any
    layer: int
    query: Sequence[Tensor]
    plain: bool
    scores: Scores

    def rows(self, first: int, n: int) -> Call:
        """Return the call for n of its queries."""
        return self._replace(query=[part[:, :, first : first + n] for part in self.query])


class Group(NamedTuple):
    """Neighbouring tiles of `size` queries that choose as many blocks each; `first` counts queries of the step."""

    first: int
    size: int
    tiles: list[Division]


@dataclass
class SparseStep(Step):
    """A step of sparse attention. Layers that have a window, and queries that the budget covers, are dense."""

    chosen: Chosen | None = None
    _groups: dict[bool, list[Group]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.in_tail and self.n_queries == 1:
            self._memory.answer_tokens += 1

    @property
    def _memory(self) -> Chosen:
        assert self.chosen is not None
        return self.chosen

    @property
    def _phase(self) -> Phase:
        if not self.in_tail:
            return "reading"
        return "answer" if self.n_queries == 1 else "question"

    @property
    def _block(self) -> int:
        return self._memory.numbers.block

    def _met_by_one(
        self, module: Any, index: int, query: Sequence[Tensor], plain: bool, scores: Scores
    ) -> list[Piece] | None:
        call, groups = Call(module, index, query, plain, scores), self._grouped(plain)
        if self._stays_dense(call, groups):
            return super()._met_by_one(module, index, query, plain, scores)
        if self.reading.device.type != "cpu":
            return None
        division, pieces = groups[0].tiles[0], list[Piece]()
        for tile in division.whole:
            pieces += self._pieces_by_one(module, index, query, plain, scores, tile)
        for span in division.spans:
            row = query[span.branch].squeeze(2)
            blocks = self._memory.blocks(self.reading, index, row.unsqueeze(1), [span], "answer")
            gather = partial(self._memory.gather, self.reading, index, blocks[:, 0], "answer")
            wide = torch.float64 if row.dtype == torch.float64 else torch.float32
            pieces.append(Piece(row, *self.work.chosen((index, span.branch), blocks, gather, wide), blocks[:, 0]))
        return pieces

    def _joined(
        self, module: Any, index: int, query: Sequence[Tensor], plain: bool, scores: Scores, sinks: Tensor | None
    ) -> Partial:
        call = Call(module, index, query, plain, scores)
        if self._stays_dense(call, self._grouped(plain)):
            return super()._joined(module, index, query, plain, scores, sinks)
        joined = _side_by_side([self._attend(call, group) for group in self._grouped(plain)])
        self._sample(call, joined)
        return joined if sinks is None else with_sinks(joined, sinks)

    def _observed(
        self, module: Any, index: int, query: Sequence[Tensor], plain: bool, scores: Scores, sinks: Tensor | None
    ) -> Partial:
        call = Call(module, index, query, plain, scores)
        if self.n_queries == 1:
            groups, phase = self._grouped(plain), self._phase
        else:
            groups, phase = [Group(0, 1, [self._division(plain, self.n_queries - 1, 1)])], "look"
        if self._stays_dense(call, groups):
            return super()._observed(module, index, query, plain, scores, sinks)
        return self._apart(call, sinks, groups[0].tiles[0], phase)

    def _stays_dense(self, call: Call, groups: list[Group]) -> bool:
        if call.scores.slopes is not None:
            raise UserError(NO_BIASES, code="attention_refused", next_step="Choose dense attention.")
        memory = self._memory
        first = self.in_tail and call.layer < memory.numbers.dense_layers
        if call.scores.window is not None or (first and not memory.by_scores(self.reading, call.layer)):
            return True
        return not any(division.spans for group in groups for division in group.tiles)

    # which queries choose together

    def _grouped(self, plain: bool) -> list[Group]:
        """Return the step's queries in groups; computed once, the same in all such layers."""
        if plain not in self._groups:
            self._groups[plain] = self._cut_groups(plain)
        return self._groups[plain]

    def _cut_groups(self, plain: bool) -> list[Group]:
        numbers, groups, at = self._memory.numbers, list[Group](), 0
        while at < self.n_queries:
            # Tiles of a document begin at multiples of their size, however it is cut into steps.
            size = numbers.question_tile if self.in_tail else numbers.tile - (self.first + at) % numbers.tile
            size = min(size, self.n_queries - at)
            division = self._division(plain, at, size)
            last = groups[-1] if groups else None
            if last is not None and not division.spans and not last.tiles[0].spans:
                # Queries that see all there is need no tiles.
                whole = at + size - last.first
                groups[-1] = Group(last.first, whole, [self._division(plain, last.first, whole, choosing=False)])
            elif last is not None and size == last.size and len(last.tiles) < _TILES_AT_ONCE and _alike(division, last):
                last.tiles.append(division)
            else:
                groups.append(Group(at, size, [division]))
            at += size
        return groups

    def _division(self, plain: bool, at: int, n: int, *, choosing: bool = True) -> Division:
        branches, boundary = (Causal(),) if plain else tuple(self.branches), self._boundary()
        tiles = cut(branches, self.first + at, n, boundary=boundary, window=None, dtype=self.reading.dtype)
        if not choosing:
            return Division((), tuple(tiles))
        fixed = frozenset[int]() if plain else frozenset(i for i in range(len(branches)) if self._moves(i))
        return divide(tiles, boundary, self._memory.numbers, fixed)

    # attending

    def _attend(self, call: Call, group: Group) -> Partial:
        """Attend for one group of tiles; rows in the step's order."""
        call = call.rows(group.first, group.size * len(group.tiles))
        parts = [self._whole(call, group)]
        for at, span in enumerate(group.tiles[0].spans):
            spans = [division.spans[at] for division in group.tiles]
            packed = packed_tiles(call.query[span.branch], len(spans))
            blocks = self._memory.blocks(self.reading, call.layer, packed, spans, self._phase)
            gathered = self._memory.gather(self.reading, call.layer, blocks.flatten(1), self._phase)
            keys, values = (run.view(len(run), len(spans), -1, run.shape[2]) for run in gathered)
            part = attend_packed(packed, keys, values, scale=call.scores.scale, softcap=call.scores.softcap)
            parts.append(unpacked(part, call.query[0].shape[1]))
        return merge(parts)

    def _whole(self, call: Call, group: Group) -> Partial:
        """Attend over the runs that nothing is left out of."""
        tiles = group.tiles
        if len(tiles) > 1 and all(len(tile.whole) == 1 and tile.whole[0].kind == "causal" for tile in tiles):
            return self._own(call, tiles)
        found = []
        for at, division in enumerate(tiles):
            own = call.rows(at * group.size, group.size)
            found.append(merge([self._run_of(own, tile) for tile in division.whole]))
        return _side_by_side(found)

    def _own(self, call: Call, tiles: list[Division]) -> Partial:
        """Attend causally within each of many tiles, in one call."""
        first, last = tiles[0].whole[0], tiles[-1].whole[0]
        row = call.query[first.branch]
        kv_heads, group, n, head_dim = row.shape
        by_tile = (kv_heads, group * len(tiles), n // len(tiles))
        met = self._met(call.module, call.layer, first.branch, first.start, last.end, call.plain)
        wide = [run.unsqueeze(1).expand(-1, group, -1, -1).reshape(*by_tile, run.shape[-1]) for run in met]
        part = attend_packed(
            row.reshape(*by_tile, head_dim), *wide, scale=call.scores.scale, causal=True, softcap=call.scores.softcap
        )
        return Partial(part.output.reshape(kv_heads, group, n, -1), part.lse.reshape(kv_heads, group, n))

    def _run_of(self, call: Call, tile: Tile) -> Partial:
        """Attend over one tile's keys."""
        parts = [
            attend_run(
                call.query[tile.branch],
                *self._met(call.module, call.layer, tile.branch, start, end, call.plain),
                scale=call.scores.scale,
                causal=tile.kind == "causal",
                trailing=tile.kind == "trailing",
                mask=tile.mask,
                softcap=call.scores.softcap,
            )
            for start, end in self._pieces(call.layer, tile)
        ]
        return merge(parts)

    # what was read, and what was missed

    def _apart(self, call: Call, sinks: Tensor | None, division: Division, phase: Phase) -> Partial:
        """Attend with one query, blocks apart, and note what each block of the document got."""
        assert self.evidence is not None
        block, n_document, scores = self._memory.numbers.block, self._boundary(), call.scores
        noted = self.evidence.block_tokens
        piece = math.gcd(block, noted)
        parts: list[Partial] = []  # of runs, output [kv_heads, group, 1, head_dim]
        apart: list[Tensor] = []  # lse of each run's blocks [kv_heads, n, group]
        places: list[Tensor | None] = []  # [kv_heads or 1, n]: blocks of the evidence; None for the tail
        for tile in division.whole:
            in_document = tile.end <= n_document
            for start, end in block_edges(tile.start, tile.end, noted) if in_document else [(tile.start, tile.end)]:
                row = call.query[tile.branch]
                keys, values = self._met(call.module, call.layer, tile.branch, start, end, call.plain)
                if in_document and end - start > noted:
                    run, inside_lse = attend_blocks(
                        row, keys, values, scale=scores.scale, block=noted, softcap=scores.softcap
                    )
                else:
                    run = attend_run(row, keys, values, scale=scores.scale, softcap=scores.softcap)
                    inside_lse = run.lse.transpose(1, 2)
                parts.append(run)
                apart.append(inside_lse)
                places.append(torch.arange(start // noted, -(-end // noted)).unsqueeze(0) if in_document else None)
        for span in division.spans:
            row = call.query[span.branch]
            blocks = self._memory.blocks(self.reading, call.layer, row.flatten(1, 2).unsqueeze(1), [span], phase)[:, 0]
            keys, values = self._memory.gather(self.reading, call.layer, blocks, phase)
            run, inside_lse = attend_blocks(row, keys, values, scale=scores.scale, block=piece, softcap=scores.softcap)
            parts.append(run)
            apart.append(inside_lse)
            inside = torch.arange(0, block, piece, device=blocks.device)
            places.append((blocks.unsqueeze(-1) * block + inside).flatten(1) // noted)
        joined, weights = joined_apart(parts, apart, sinks)
        at = 0
        for place, part in zip(places, apart, strict=True):
            n = part.shape[1]
            if place is not None:
                self.evidence.add_at(place, weights[:, at : at + n].sum(2))
            at += n
        return joined

    def _sample(self, call: Call, joined: Partial) -> None:
        """Compare what the last query attended with all it could have attended, now and then."""
        if self._phase == "reading":
            if self.first // EVERY_TOKENS == (self.first + self.n_queries) // EVERY_TOKENS:
                return
        elif self.evidence is None:  # the last of the question's steps
            return
        last = call.rows(self.n_queries - 1, 1)
        dense = merge([self._run_of(last, tile) for tile in self._tiles(call.plain, None, 1)])
        shares = torch.exp(joined.lse[:, :, -1:] - dense.lse).flatten().tolist()
        (self._memory.reading_probe if self._phase == "reading" else self._memory.answer_probe).add(shares)


def _alike(division: Division, group: Group) -> bool:
    """Return whether a tile attends as many blocks of each branch as the tiles of a group."""
    spans = group.tiles[0].spans
    return bool(spans) and [(s.branch, s.count) for s in division.spans] == [(s.branch, s.count) for s in spans]


def _side_by_side(parts: Sequence[Partial]) -> Partial:
    """Join parts of neighbouring queries [kv_heads, group, n, ...]."""
    if len(parts) == 1:
        return parts[0]
    return Partial(torch.cat([part.output for part in parts], 2), torch.cat([part.lse for part in parts], 2))
