"""A slow, readable form of sparse attention in float64, and texts of random queries and keys to try it on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from longdoc.attention.choice import Division, Span
from longdoc.attention.chosen import Chosen, Phase
from longdoc.attention.dense import Scores
from longdoc.attention.evidence import Evidence
from longdoc.attention.merge import Partial
from longdoc.attention.single import Piece
from longdoc.attention.sparse import Call, Group, SparseStep
from longdoc.attention.sparsity import Sparsity
from longdoc.cache.segment import LayerShape, Reading
from longdoc.positions.method import Branch, Positions

HEADS, KV_HEADS, DIM = 6, 2, 8
GROUP = HEADS // KV_HEADS
PLAIN = Scores(0.3)
OMEGA = 1.0 / 10000 ** (torch.arange(0, DIM, 2).double() / DIM)
SMALL = Sparsity(
    budget_blocks=5, block=4, tile=8, sink_blocks=1, window_blocks=2, question_tile=4, dense_layers=0, refresh=1
)


def rotated(x: Tensor, positions: Tensor) -> Tensor:
    """Rotate [..., n, DIM] by the angles of `positions`, pairs in halves."""
    angle = positions.to(x.device).double()[:, None] * OMEGA.to(x.device)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., : DIM // 2], x[..., DIM // 2 :]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def make_turn(offsets: Positions) -> Any:
    moves = torch.from_numpy(offsets)
    return lambda module, query: rotated(query, moves)


@dataclass
class Text:
    """Unrotated queries, keys and values of a whole text."""

    query: Tensor
    key: Tensor
    value: Tensor

    @classmethod
    def of(cls, n: int, seed: int, device: str = "cpu") -> Text:
        torch.manual_seed(seed)
        parts = torch.randn(HEADS, n, DIM) * 2, torch.randn(KV_HEADS, n, DIM) * 2, torch.randn(KV_HEADS, n, DIM)
        return cls(*(part.to(device) for part in parts))


@dataclass
class Choice:
    """What one tile chose: queries first .. first + n, blocks [kv_heads, count] of one branch's low .. high."""

    first: int
    n: int
    span: Span
    blocks: Tensor


class LoggedChosen(Chosen):
    """Notes every choice that is attended."""

    def __init__(self, reading: Reading, numbers: Sparsity) -> None:
        super().__init__(reading, numbers)
        self.log: list[Choice] = []
        self.at, self.size = 0, 1

    def blocks(self, reading: Reading, layer: int, packed: Tensor, spans: Sequence[Span], phase: Phase) -> Tensor:
        found = super().blocks(reading, layer, packed, spans, phase)
        if phase != "look":
            for tile, span in enumerate(spans):
                self.log.append(Choice(self.at + tile * self.size, self.size, span, found[:, tile].cpu()))
        return found


class LoggedStep(SparseStep):
    """Tells the log which queries choose."""

    def _attend(self, call: Call, group: Group) -> Partial:
        assert isinstance(self.chosen, LoggedChosen)
        self.chosen.at, self.chosen.size = self.first + group.first, group.size
        return super()._attend(call, group)

    def _met_by_one(
        self, module: Any, index: int, query: Sequence[Tensor], plain: bool, scores: Scores
    ) -> list[Piece] | None:
        assert isinstance(self.chosen, LoggedChosen)
        self.chosen.at, self.chosen.size = self.first, 1
        return super()._met_by_one(module, index, query, plain, scores)

    def _apart(self, call: Call, sinks: Tensor | None, division: Division, phase: Phase) -> Partial:
        assert isinstance(self.chosen, LoggedChosen)
        self.chosen.at, self.chosen.size = self.first + self.n_queries - 1, 1
        return super()._apart(call, sinks, division, phase)


@dataclass
class Ran:
    """What came of a run of one layer, and what was chosen on the way."""

    output: Tensor  # [HEADS, n, DIM]
    reading: Reading
    chosen: LoggedChosen


def run(
    text: Text,
    branches: Sequence[Branch],
    steps: Sequence[int],
    n_document: int,
    numbers: Sparsity = SMALL,
    scores: Scores = PLAIN,
    evidence: Evidence | None = None,
    dtype: torch.dtype = torch.float32,
) -> Ran:
    """Run a text through sparse steps of one layer; what lies past `n_document` goes to the tail.

    `evidence`: of the last step.
    """
    reading = Reading([LayerShape(KV_HEADS, DIM, DIM)], n_document, dtype, text.query.device)
    chosen, outputs, at = LoggedChosen(reading, numbers), list[Tensor](), 0
    for size in steps:
        if at == n_document:
            chosen.begin(reading.n_tokens)
        in_tail, last = at >= n_document, at + size == text.query.shape[1]
        seen = evidence if last else None
        step = LoggedStep(reading, at, size, in_tail, branches, make_turn, evidence=seen, chosen=chosen)
        positions, part = torch.arange(at, at + size), slice(at, at + size)
        query, key = rotated(text.query[:, part], positions), rotated(text.key[:, part], positions)
        outputs.append(step.layer(None, 0, query, key, text.value[:, part], scores))
        if in_tail:
            reading.tail.n_tokens += size
        else:
            reading.commit([0] * size)
        at += size
    return Ran(torch.cat(outputs, 1), reading, chosen)


def twin(
    text: Text, branches: Sequence[Branch], log: Sequence[Choice], scores: Scores, block: int
) -> tuple[Tensor, Tensor]:
    """(output [HEADS, n, DIM], weights [HEADS, n, n]) in float64, with the same blocks chosen.

    Every query meets every key that one of its branches lets it see, at the branch's distance, but
    for the blocks that its tile had the choice of and did not choose.
    """
    n = text.query.shape[1]
    positions = torch.arange(n)
    query, key, value = (part.cpu().double() for part in (text.query, text.key, text.value))
    key, value = rotated(key, positions).repeat_interleave(GROUP, 0), value.repeat_interleave(GROUP, 0)
    found = torch.full((HEADS, n, n), -torch.inf, dtype=torch.float64)
    for index, branch in enumerate(branches):
        low, high = (torch.from_numpy(bound) for bound in branch.keys(positions.numpy()))
        met = torch.from_numpy(branch.query_positions(positions.numpy()))
        seen = (positions >= low[:, None]) & (positions < high[:, None])
        seen = seen.expand(KV_HEADS, n, n).clone()
        for choice in log:
            if choice.span.branch != index:
                continue
            rows = slice(choice.first, choice.first + choice.n)
            for head in range(KV_HEADS):
                for number in set(range(choice.span.low, choice.span.high)) - set(choice.blocks[head].tolist()):
                    seen[head, rows, number * block : number * block + block] = False
        seen = seen.repeat_interleave(GROUP, 0)
        made = rotated(query, met) @ key.transpose(1, 2) * scores.scale
        if scores.softcap:
            made = torch.tanh(made / scores.softcap) * scores.softcap
        found = torch.where(seen, made, found)
    if scores.sinks is not None:
        found = torch.cat([found, scores.sinks[:, None, None].double().expand(-1, n, 1)], -1)
    weights = torch.softmax(found, -1)[..., :n]
    return weights @ value, weights


def bound(rows: Tensor, keys: Tensor) -> float:
    """Return the largest score any row could reach with any point between the extremes of keys [n, DIM]."""
    totals = []
    for row in rows.reshape(-1, rows.shape[-1]).tolist():
        corners = zip(row, keys.amin(0).tolist(), keys.amax(0).tolist(), strict=True)
        totals.append(sum(max(q * least, q * most) for q, least, most in corners))
    return max(totals)
