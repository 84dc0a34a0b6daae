"""One query over everything it meets, against float64, and the memory it works in."""

from __future__ import annotations

import pytest
import torch

from longdoc.attention import dense, single
from longdoc.attention.dense import Scores, Step
from longdoc.attention.evidence import Evidence
from longdoc.attention.single import Piece, Workspace, attend_one, fits
from longdoc.cache import kv_dtypes
from longdoc.cache.buffer import LONGEST_TOKENS, Buffer
from longdoc.cache.segment import LayerShape, Reading
from longdoc.positions.method import Causal

KV_HEADS, GROUP, DIM, BLOCK = 2, 3, 8, 16
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 1e-5}


def drawn(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape).to(dtype)


def reference(
    pieces: list[Piece], scale: float, softcap: float | None, sinks: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """(output, weights of all keys one after the other) in float64."""
    scores = []
    for piece in pieces:
        found = piece.row.double() @ piece.keys.double().transpose(1, 2) * scale
        found = found if softcap is None else torch.tanh(found / softcap) * softcap
        scores.append(found if piece.bias is None else found + piece.bias.double())
    n = sum(found.shape[2] for found in scores)
    row = torch.cat([*scores, *([] if sinks is None else [sinks.double()])], 2)
    weights = torch.softmax(row, -1)[:, :, :n]
    return weights @ torch.cat([piece.values.double() for piece in pieces], 1), weights


@pytest.mark.parametrize("dtype", sorted(TOLERANCE, key=str))
@pytest.mark.parametrize("scored", ["plain", "capped", "sinks", "biased"])
@pytest.mark.parametrize("n_document", [5 * BLOCK, LONGEST_TOKENS + 3 * BLOCK + 5])
@pytest.mark.parametrize("parallel", [1, 1 << 40])
def test_pieces_together_equal_one_softmax_in_float64(
    n_document: int, scored: str, dtype: torch.dtype, parallel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr(single, "_PARALLEL", parallel)
    work = Workspace()
    work.threads = 2
    blocks = torch.tensor([[0, 2, 3], [1, 2, 4]])
    for repeat in range(2):  # the second time in memory that has been used
        pieces = [
            Piece(
                drawn(KV_HEADS, GROUP, DIM, dtype=dtype), *(drawn(KV_HEADS, n, DIM, dtype=dtype) for _ in "kv"), place
            )
            for n, place in ((n_document, 0), (3 * BLOCK, blocks), (7 + repeat, None))
        ]
        if scored == "biased":
            pieces = [piece._replace(bias=drawn(KV_HEADS, GROUP, piece.keys.shape[1])) for piece in pieces]
        softcap = 1.5 if scored == "capped" else None
        sinks = drawn(KV_HEADS, GROUP, 1) if scored == "sinks" else None
        evidence = Evidence(n_document, BLOCK)
        found = attend_one(pieces, work, scale=0.7, softcap=softcap, sinks=sinks, evidence=evidence, block=BLOCK)
        expected, weights = reference(pieces, 0.7, softcap, sinks)
        tolerance = TOLERANCE[dtype]
        torch.testing.assert_close(found.double(), expected, atol=tolerance, rtol=tolerance)
        mass = torch.zeros(-(-n_document // BLOCK), dtype=torch.float64)
        mass.index_add_(0, torch.arange(n_document) // BLOCK, weights[:, :, :n_document].sum((0, 1)))
        chosen = weights[:, :, n_document : n_document + 3 * BLOCK].sum(1).unflatten(1, (-1, BLOCK)).sum(2)
        mass.index_add_(0, blocks.flatten(), chosen.flatten())
        torch.testing.assert_close(evidence.mass.double(), mass, atol=1e-4, rtol=1e-4)


def test_evidence_in_smaller_blocks_than_are_chosen_is_shared_out_by_token() -> None:
    torch.manual_seed(1)
    evidence, blocks = Evidence(8 * BLOCK, BLOCK // 4), torch.tensor([[3, 6], [0, 6]])
    piece = Piece(drawn(KV_HEADS, GROUP, DIM), *(drawn(KV_HEADS, 2 * BLOCK, DIM) for _ in "kv"), blocks)
    attend_one([piece], Workspace(), scale=0.5, evidence=evidence, block=BLOCK)
    _, weights = reference([piece], 0.5, None, None)
    expected = torch.zeros(8 * 4, dtype=torch.float64)
    quarters = weights.sum(1).unflatten(1, (2, 4, -1)).sum(3)  # [kv_heads, blocks, quarters]
    for head, row in enumerate(blocks.tolist()):
        for at, block in enumerate(row):
            expected[4 * block : 4 * block + 4] += quarters[head, at]
    torch.testing.assert_close(evidence.mass.double(), expected, atol=1e-5, rtol=1e-5)


def test_the_number_of_threads_is_as_before_also_after_a_failure() -> None:
    before = torch.get_num_threads()
    good = Piece(drawn(1, 1, DIM), drawn(1, 9, DIM), drawn(1, 9, DIM), None)
    try:
        torch.set_num_threads(3)
        attend_one([good], Workspace(), scale=1.0)
        assert torch.get_num_threads() == 3
        with pytest.raises(RuntimeError):
            attend_one([good._replace(keys=drawn(1, 9, DIM - 1))], Workspace(), scale=1.0)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_chosen_blocks_are_gathered_once_for_as_long_as_the_choice_holds() -> None:
    work, calls = Workspace(), list[int]()
    stored = [drawn(KV_HEADS, 40, DIM, dtype=torch.bfloat16) for _ in "kv"]

    def gather() -> tuple[torch.Tensor, torch.Tensor]:
        calls.append(1)
        return stored[0] * len(calls), stored[1]

    first = torch.tensor([[[1, 2]], [[3, 4]]])
    for blocks, n in ((first, 1), (first.clone(), 1), (first + 1, 2), (first + 1, 2), (first, 3)):
        keys, values = work.chosen((0, 0), blocks, gather, torch.float32)
        assert len(calls) == n
        assert keys.dtype == torch.float32
        torch.testing.assert_close(keys, (stored[0] * n).float())
        torch.testing.assert_close(values, stored[1].float())
    work.chosen((1, 0), first, gather, torch.float32)
    assert len(calls) == 4, "another layer has other keys"


def test_more_chosen_keys_than_may_be_kept_come_as_they_are_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single, "_KEPT_BYTES", 2 * 2 * 40 * DIM * 4)
    work, blocks = Workspace(), torch.zeros(1, 1, 1, dtype=torch.int64)
    keys = drawn(2, 40, DIM, dtype=torch.bfloat16)
    assert work.chosen((0, 0), blocks, lambda: (keys, keys), torch.float32)[0].dtype == torch.float32
    for _ in range(2):
        assert work.chosen((1, 0), blocks, lambda: (keys, keys), torch.float32)[0] is keys


def test_long_runs_that_must_be_converted_and_long_rows_are_taken_run_by_run() -> None:
    shape = LayerShape(1, DIM, DIM)
    plain = Buffer(shape, 8, torch.bfloat16, torch.device("cpu"))
    narrow = Buffer(shape, 8, torch.bfloat16, torch.device("cpu"), kv_dtypes.parse("int8"))
    assert fits(plain, 4 * LONGEST_TOKENS, 4)
    assert fits(narrow, LONGEST_TOKENS, 4)
    assert not fits(narrow, LONGEST_TOKENS + 1, 4)
    assert not fits(plain, 4 * LONGEST_TOKENS, 4096)


@pytest.mark.parametrize("kv", ["float32", "bf16", "int8"])
@pytest.mark.parametrize("window", [None, 37])
def test_an_answers_token_equals_the_same_run_by_run(
    window: int | None, kv: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(2)
    n_document = 150
    reading = Reading([LayerShape(KV_HEADS, DIM, DIM)], n_document, kv=kv_dtypes.parse(kv))
    reading.layers[0].write(0, *(drawn(KV_HEADS, n_document, DIM) for _ in "kv"))
    reading.commit([0] * n_document)
    query, new = drawn(KV_HEADS * GROUP, 1, DIM), [drawn(KV_HEADS, 1, DIM) for _ in "kv"]
    found = []
    for taken in (True, False):
        monkeypatch.setattr(dense, "fits", lambda *_, taken=taken: taken)
        evidence = Evidence(n_document, BLOCK)
        step = Step(reading, n_document, 1, True, (Causal(),), lambda offsets: None, evidence=evidence)  # type: ignore[arg-type, return-value]  # nothing turns
        output = step.layer(None, 0, query, *new, Scores(0.6, window))
        found.append((output, evidence.mass))
    tolerance = 1e-5 if kv == "float32" else 2e-2  # run by run, a bfloat16 tail has bfloat16 weights
    torch.testing.assert_close(found[0][0], found[1][0], atol=tolerance, rtol=tolerance)
    torch.testing.assert_close(found[0][1], found[1][1], atol=tolerance, rtol=tolerance)
