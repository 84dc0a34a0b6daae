"""One layer's step against a slow twin, over segment and tail, with evidence."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longdoc.attention.dense import Ended, Scores, Step
from longdoc.attention.evidence import Evidence
from longdoc.cache.segment import LayerShape, Reading
from longdoc.positions.method import Branch, Causal, Positions
from longdoc.positions.string import Far, Near

HEADS, KV_HEADS, DIM = 6, 2, 8
OMEGA = 1.0 / 10000 ** (torch.arange(0, DIM, 2).double() / DIM)
BRANCHES: dict[str, tuple[Branch, ...]] = {"causal": (Causal(),), "string": (Near(11), Far(11, 7))}


def rotated(x: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Rotate [..., n, DIM] by the angles of `positions`, pairs in halves."""
    angle = positions.double()[:, None] * OMEGA
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., : DIM // 2], x[..., DIM // 2 :]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def make_turn(offsets: Positions) -> Any:
    moves = torch.from_numpy(offsets)
    return lambda module, query: rotated(query, moves)


@dataclass
class Raw:
    """Unrotated queries, keys and values of a whole text."""

    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor

    @classmethod
    def of(cls, n: int, seed: int) -> Raw:
        torch.manual_seed(seed)
        return cls(torch.randn(HEADS, n, DIM) * 2, torch.randn(KV_HEADS, n, DIM) * 2, torch.randn(KV_HEADS, n, DIM))


def twin(raw: Raw, kind: str, scores: Scores) -> tuple[torch.Tensor, torch.Tensor]:
    """(output [HEADS, n, DIM], weights [HEADS, n, n]) by a full position matrix in float64."""
    n = raw.query.shape[1]
    query, key, value = raw.query.double(), raw.key.double(), raw.value.double()
    key, value = key.repeat_interleave(HEADS // KV_HEADS, 0), value.repeat_interleave(HEADS // KV_HEADS, 0)
    distance = torch.arange(n)[:, None] - torch.arange(n)[None]
    met = distance if kind == "causal" else torch.where(distance < 11, distance, distance - 7)
    found = torch.full((HEADS, n, n), -torch.inf, dtype=torch.float64)
    for at in met[distance >= 0].unique().tolist():
        moved = rotated(query, torch.full((n,), at))
        found = torch.where((met == at) & (distance >= 0), moved @ key.transpose(1, 2) * scores.scale, found)
    if scores.softcap:
        found = torch.tanh(found / scores.softcap) * scores.softcap
    hidden = distance < 0 if scores.window is None else (distance < 0) | (distance >= scores.window)
    found = found.masked_fill(hidden, -torch.inf)
    if scores.sinks is not None:
        found = torch.cat([found, scores.sinks[:, None, None].double().expand(-1, n, 1)], -1)
    weights = torch.softmax(found, -1)[..., :n]
    return weights @ value, weights


def run(
    raw: Raw, kind: str, scores: Scores, steps: Sequence[int], n_document: int, evidence: Evidence | None = None
) -> torch.Tensor:
    """Run a whole text through steps; what lies past `n_document` goes to the tail."""
    n = raw.query.shape[1]
    reading, outputs, at = Reading([LayerShape(KV_HEADS, DIM, DIM)], n_document), [], 0
    for size in steps:
        in_tail = at >= n_document
        last = at + size == n
        step = Step(reading, at, size, in_tail, BRANCHES[kind], make_turn, evidence=evidence if last else None)
        positions = torch.arange(at, at + size)
        part = slice(at, at + size)
        output = step.layer(
            None,
            0,
            rotated(raw.query[:, part], positions),
            rotated(raw.key[:, part], positions),
            raw.value[:, part],
            scores,
        )
        outputs.append(output)
        if in_tail:
            reading.tail.n_tokens += size
        else:
            reading.commit([0] * size)
        at += size
    return torch.cat(outputs, 1)


def partition(n: int, n_document: int, seed: int) -> list[int]:
    """Random step sizes, with an edge at the end of the document."""
    draw = np.random.default_rng(seed)
    edges = sorted({0, n_document, n, *draw.integers(1, n, 4).tolist()})
    return [b - a for a, b in itertools.pairwise(edges)]


SCORES = {
    "plain": Scores(0.3),
    "window": Scores(0.3, window=9),
    "capped": Scores(0.3, softcap=2.0),
    "sinks": Scores(0.3, sinks=torch.linspace(-1, 3, HEADS)),
    "all": Scores(0.3, 14, 2.0, torch.linspace(-1, 3, HEADS)),
}


@settings(max_examples=30, deadline=None)
@given(
    kind=st.sampled_from(sorted(BRANCHES)),
    scored=st.sampled_from(sorted(SCORES)),
    seed=st.integers(0, 1000),
    n_document=st.integers(1, 59),
)
def test_any_steps_over_segment_and_tail_give_the_whole(kind: str, scored: str, seed: int, n_document: int) -> None:
    raw, scores = Raw.of(60, seed), SCORES[scored]
    expected, _ = twin(raw, kind, scores)
    found = run(raw, kind, scores, partition(60, n_document, seed), n_document)
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    kind=st.sampled_from(sorted(BRANCHES)),
    scored=st.sampled_from(sorted(SCORES)),
    seed=st.integers(0, 1000),
    n_document=st.integers(1, 59),
    block=st.sampled_from([1, 4, 7, 16]),
    single=st.booleans(),
)
def test_evidence_is_the_attention_that_blocks_got(
    kind: str, scored: str, seed: int, n_document: int, block: int, single: bool
) -> None:
    raw, scores = Raw.of(60, seed), SCORES[scored]
    output, weights = twin(raw, kind, scores)
    evidence = Evidence(n_document, block)
    steps = [n_document, 59 - n_document, 1] if single and n_document < 59 else [n_document, 60 - n_document]
    found = run(raw, kind, scores, steps, n_document, evidence)
    torch.testing.assert_close(found.double(), output, atol=1e-5, rtol=1e-5)
    read = weights[:, -1, :n_document].sum(0)
    expected = torch.stack([part.sum() for part in read.split(block)])
    torch.testing.assert_close(evidence.mass.double(), expected, atol=1e-4, rtol=1e-4)


def test_evidence_names_the_best_blocks_without_the_first() -> None:
    evidence = Evidence(100, 10)
    evidence.add(0, torch.tensor([50.0, 1.0, 3.0]))
    evidence.add(2, torch.tensor([3.0]))
    assert evidence.top(8) == ((2, pytest.approx(6 / 7)), (1, pytest.approx(1 / 7)))
    assert evidence.top(8) == ()


def test_evidence_over_an_empty_prefix_is_empty() -> None:
    assert Evidence(0, 64).top(8) == ()


def test_a_step_that_needs_keys_only_ends_after_storing_them() -> None:
    raw, reading = Raw.of(5, 0), Reading([LayerShape(KV_HEADS, DIM, DIM)], 5)
    step = Step(reading, 0, 5, False, BRANCHES["causal"], make_turn, ends_at=0)
    with pytest.raises(Ended):
        step.layer(None, 0, raw.query, raw.key, raw.value, Scores(0.3))
    assert torch.equal(reading.layers[0].keys, raw.key)


def test_layers_without_positions_ignore_the_branches() -> None:
    raw, reading = Raw.of(40, 3), Reading([LayerShape(KV_HEADS, DIM, DIM)], 40)
    step = Step(reading, 0, 40, False, BRANCHES["string"], make_turn, unshifted=frozenset({0}))
    output = step.layer(None, 0, raw.query, raw.key, raw.value, Scores(0.3))
    keys, values = (part.repeat_interleave(HEADS // KV_HEADS, 0) for part in (raw.key, raw.value))
    found = (raw.query @ keys.transpose(1, 2) * 0.3).masked_fill(~torch.ones(40, 40).tril().bool(), -torch.inf)
    torch.testing.assert_close(output, torch.softmax(found, -1) @ values, atol=1e-5, rtol=1e-5)


def test_a_window_that_only_the_configuration_names_is_honoured() -> None:
    raw = Raw.of(30, 4)
    reading = Reading([LayerShape(KV_HEADS, DIM, DIM)], 30)
    step = Step(reading, 0, 30, False, BRANCHES["causal"], make_turn, windows=(9,))
    positions = torch.arange(30)
    output = step.layer(None, 0, rotated(raw.query, positions), rotated(raw.key, positions), raw.value, Scores(0.3))
    expected, _ = twin(raw, "causal", Scores(0.3, window=9))
    torch.testing.assert_close(output.double(), expected, atol=1e-5, rtol=1e-5)
