"""Sparse steps against a slow twin in float64 with the same choice, on every device there is."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch
from sparse_twin import DIM, GROUP, HEADS, KV_HEADS, PLAIN, SMALL, Text, bound, make_turn, rotated, run, twin

from longdoc.attention.dense import Scores, Step
from longdoc.attention.evidence import Evidence
from longdoc.attention.probe import recall_of
from longdoc.cache.segment import LayerShape, Reading
from longdoc.positions.method import Branch, Causal, Near
from longdoc.positions.string import Far

N, N_DOCUMENT = 150, 120
STEPS = [32, 40, 48, 20, 8, 1, 1]  # the first four read, the last two answer
BRANCHES: dict[str, tuple[Branch, ...]] = {"causal": (Causal(),), "string": (Near(43), Far(43, 30))}
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")),
]
SCORES = {
    "plain": PLAIN,
    "capped": Scores(0.3, softcap=2.0),
    "sinks": Scores(0.3, sinks=torch.linspace(-1, 3, HEADS)),
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", sorted(BRANCHES))
@pytest.mark.parametrize("scored", sorted(SCORES))
def test_a_whole_text_equals_the_twin_with_the_same_choice(kind: str, scored: str, device: str) -> None:
    text, branches, scores = Text.of(N, 1, device), BRANCHES[kind], SCORES[scored]
    ran = run(text, branches, STEPS, N_DOCUMENT, scores=scores)
    assert len(ran.chosen.log) > 10
    expected, weights = twin(text, branches, ran.chosen.log, scores, SMALL.block)
    torch.testing.assert_close(ran.output.cpu().double(), expected, atol=2e-5, rtol=2e-5)
    assert (weights[:, -1] > 0).sum(-1).max() < N / 2, "the last query left nothing out"


@pytest.mark.parametrize("device", DEVICES)
def test_bfloat16_keys_stay_within_their_own_rounding(device: str) -> None:
    text = Text.of(N, 2, device)
    ran = run(text, BRANCHES["causal"], STEPS, N_DOCUMENT, dtype=torch.bfloat16)
    expected, _ = twin(text, BRANCHES["causal"], ran.chosen.log, PLAIN, SMALL.block)
    torch.testing.assert_close(ran.output.cpu().double(), expected, atol=0.15, rtol=0.05)
    assert (ran.output.cpu().double() - expected).abs().mean() < 0.01


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", sorted(BRANCHES))
def test_a_budget_for_all_blocks_is_dense_attention(kind: str, device: str) -> None:
    text, branches = Text.of(N, 3, device), BRANCHES[kind]
    ran = run(text, branches, STEPS, N_DOCUMENT, replace(SMALL, budget_blocks=N))
    assert not ran.chosen.log
    reading = Reading([LayerShape(KV_HEADS, DIM, DIM)], N_DOCUMENT, torch.float32, torch.device(device))
    outputs, at = [], 0
    for size in STEPS:
        in_tail, part, positions = at >= N_DOCUMENT, slice(at, at + size), torch.arange(at, at + size)
        step = Step(reading, at, size, in_tail, branches, make_turn)
        query, key = rotated(text.query[:, part], positions), rotated(text.key[:, part], positions)
        outputs.append(step.layer(None, 0, query, key, text.value[:, part], PLAIN))
        if in_tail:
            reading.tail.n_tokens += size
        else:
            reading.commit([0] * size)
        at += size
    torch.testing.assert_close(ran.output, torch.cat(outputs, 1), atol=1e-5, rtol=1e-5)


def test_the_blocks_chosen_are_those_with_the_largest_bounds_besides_sinks_and_window() -> None:
    text = Text.of(N, 4)
    ran = run(text, BRANCHES["causal"], [N_DOCUMENT], N_DOCUMENT)
    key = rotated(text.key, torch.arange(N))
    query = rotated(text.query, torch.arange(N)).unflatten(0, (KV_HEADS, GROUP))
    assert {choice.n for choice in ran.chosen.log} == {SMALL.tile}
    for choice in ran.chosen.log:
        rows = query[:, :, choice.first : choice.first + choice.n]
        for head in range(KV_HEADS):
            chosen = set(choice.blocks[head].tolist())
            forced = {0, *range(choice.span.high - SMALL.window_blocks, choice.span.high)}
            rest = sorted(set(range(choice.span.high)) - forced)
            bounds = {b: bound(rows[head], key[head, b * 4 : b * 4 + 4]) for b in rest}
            best = sorted(rest, key=lambda b: -bounds[b])[: SMALL.budget_blocks - len(forced)]
            assert chosen == forced | set(best)
            # A bound is one: no score of the tile lies above it.
            for b in rest:
                assert float((rows[head] @ key[head, b * 4 : b * 4 + 4].T).max()) <= bounds[b] + 1e-4


@pytest.mark.parametrize("kind", sorted(BRANCHES))
@pytest.mark.parametrize("steps", [[120], [8] * 15, [16, 8, 64, 32], [1, 7, 112]])
def test_whole_tiles_choose_alike_however_a_text_is_cut_into_steps(kind: str, steps: list[int]) -> None:
    text = Text.of(N_DOCUMENT, 5)
    expected = run(text, BRANCHES[kind], [40, 80], N_DOCUMENT)
    found = run(text, BRANCHES[kind], steps, N_DOCUMENT)
    torch.testing.assert_close(found.output, expected.output, atol=1e-5, rtol=1e-5)


def test_a_step_costs_no_more_keys_the_farther_it_stands() -> None:
    text = Text.of(400, 6)
    ran = run(text, BRANCHES["causal"], [400], 400)
    _, weights = twin(text, BRANCHES["causal"], ran.chosen.log, PLAIN, SMALL.block)
    met = (weights > 0).sum(-1)
    assert met.max() <= SMALL.budget + SMALL.tile


@pytest.mark.parametrize("block", [4, 8, 16, 6])
@pytest.mark.parametrize("kind", sorted(BRANCHES))
@pytest.mark.parametrize("single", [True, False])
def test_evidence_is_the_attention_that_blocks_got(block: int, kind: str, single: bool) -> None:
    text, steps = Text.of(N, 7), STEPS if single else [*STEPS[:3], 30]
    evidence = Evidence(N_DOCUMENT, block)
    ran = run(text, BRANCHES[kind], steps, N_DOCUMENT, evidence=evidence)
    if not single:  # the last query of many looks for itself; its tile chose for the output
        assert evidence.mass.sum() > 0
        return
    output, weights = twin(text, BRANCHES[kind], ran.chosen.log, PLAIN, SMALL.block)
    torch.testing.assert_close(ran.output.double(), output, atol=2e-5, rtol=2e-5)
    expected = torch.stack([part.sum() for part in weights[:, -1, :N_DOCUMENT].sum(0).split(block)])
    torch.testing.assert_close(evidence.mass.double(), expected, atol=1e-4, rtol=1e-4)


def test_blocks_that_the_question_asked_for_stay_while_answering() -> None:
    numbers = replace(SMALL, budget_blocks=7, floor_share=1.0)
    text = Text.of(N, 8)
    # The question looks for block 13 alone; the answer's own queries look the other way.
    text.key[:, 13 * 4 : 13 * 4 + 4] = 3 * text.key[:, 13 * 4 : 13 * 4 + 1]
    wanted = rotated(text.key, torch.arange(N))[:, 13 * 4 : 13 * 4 + 4].mean(1) * 9
    turned_back = rotated(wanted.repeat_interleave(GROUP, 0)[:, None].expand(-1, 30, -1), -torch.arange(120, 150))
    text.query[:, 120:] = turned_back
    text.query[:, 148:] *= -1
    asked = run(text, BRANCHES["causal"], STEPS, N_DOCUMENT, numbers)
    last = [choice for choice in asked.chosen.log if choice.first == N - 1]
    assert last
    assert all(13 in blocks.tolist() for choice in last for blocks in choice.blocks)
    forgetful = run(text, BRANCHES["causal"], STEPS, N_DOCUMENT, replace(numbers, floor_share=0.0))
    last = [choice for choice in forgetful.chosen.log if choice.first == N - 1]
    assert not any(13 in blocks.tolist() for choice in last for blocks in choice.blocks)


@pytest.mark.parametrize("refresh", [1, 4])
def test_a_choice_holds_for_as_many_tokens_as_it_should(refresh: int) -> None:
    text, steps = Text.of(N, 9), [N_DOCUMENT, 22, *[1] * 8]
    ran = run(text, BRANCHES["causal"], steps, N_DOCUMENT, replace(SMALL, refresh=refresh, floor_share=0.0))
    answers = [tuple(c.blocks.flatten().tolist()) for c in ran.chosen.log if c.first >= 142]
    changes = sum(a != b for a, b in itertools.pairwise(answers))
    assert changes > 2 if refresh == 1 else changes <= 2
    expected, _ = twin(text, BRANCHES["causal"], ran.chosen.log, PLAIN, SMALL.block)
    torch.testing.assert_close(ran.output.double(), expected, atol=2e-5, rtol=2e-5)


def test_the_probe_gives_the_share_of_attention_that_was_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longdoc.attention.sparse.EVERY_TOKENS", 60)
    text = Text.of(N_DOCUMENT, 10)
    ran = run(text, BRANCHES["causal"], [64, 56], N_DOCUMENT)
    query, key = (rotated(part, torch.arange(N_DOCUMENT)).double() for part in (text.query, text.key))
    dense = torch.softmax(
        (query @ key.repeat_interleave(GROUP, 0).transpose(1, 2) * 0.3).masked_fill(
            torch.ones(N_DOCUMENT, N_DOCUMENT).triu(1).bool(), -torch.inf
        ),
        -1,
    )
    _, weights = twin(text, BRANCHES["causal"], ran.chosen.log, PLAIN, SMALL.block)
    held = [(dense[:, at] * (weights[:, at] > 0)).sum(-1).mean() for at in (63, 119)]
    assert recall_of(ran.reading) == pytest.approx(float(sum(held) / 2), abs=1e-4)
    assert ran.chosen.reading_probe.least == pytest.approx(float(min(held)), abs=1e-4)


def test_summaries_rebuilt_from_a_restored_reading_are_those_kept_while_reading() -> None:
    text = Text.of(N_DOCUMENT, 11)
    ran = run(text, BRANCHES["causal"], [32, 40, 48], N_DOCUMENT, dtype=torch.bfloat16)
    kept = ran.chosen.summaries.of(ran.reading, 0, N_DOCUMENT)
    restored = Reading([LayerShape(KV_HEADS, DIM, DIM)], N_DOCUMENT, torch.bfloat16)
    restored.layers[0].restore(0, ran.reading.layers[0].stored(0, N_DOCUMENT))
    restored.commit([0] * N_DOCUMENT)
    rebuilt = type(ran.chosen)(restored, SMALL).summaries.of(restored, 0, N_DOCUMENT)
    assert torch.equal(kept, rebuilt)
    assert kept.shape[1] == N_DOCUMENT // SMALL.block


def test_a_reading_that_was_cut_and_read_on_chooses_by_what_stands_there_now() -> None:
    text, other = Text.of(N_DOCUMENT, 12), Text.of(N_DOCUMENT, 13)
    ran = run(text, BRANCHES["causal"], [120], N_DOCUMENT)
    ran.reading.truncate(64)
    ran.chosen.begin(64)
    ran.reading.layers[0].write(64, other.key[:, 64:120], other.value[:, 64:120])
    found = ran.chosen.summaries.of(ran.reading, 0, 120)[:, 16:]
    blocks = other.key[:, 64:120].unflatten(1, (-1, 4))
    torch.testing.assert_close(found, torch.cat([blocks.amax(2), blocks.amin(2)], -1))
