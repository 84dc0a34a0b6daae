"""longdoc/attention/exact.py: real scores of blocks, wherever keys lie, and what they find that bounds do not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from standin import random_reading

from longdoc.attention import exact
from longdoc.attention.choice import Span
from longdoc.attention.chosen import Chosen, Phase
from longdoc.attention.exact import at_hand, largest_scores
from longdoc.attention.sparsity import Sparsity
from longdoc.cache import layout
from longdoc.cache.segment import Buffer, LayerShape, Reading

HEADS, DIM, BLOCK = 2, 8, 64
SHAPES = (LayerShape(HEADS, DIM, DIM),)


@pytest.mark.parametrize("kv", ["float32", "bf16", "int8", "fp8/bf16"])
@pytest.mark.parametrize("tier", ["ram", "disk"])
def test_scores_are_those_of_every_key_one_by_one(
    tmp_path: Path, kv: str, tier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "FILE_BYTES", 16 << 10)  # several files
    monkeypatch.setattr(exact, "LONGEST_TOKENS", 2 * BLOCK)  # several products
    reading = random_reading(700, shapes=SHAPES, kv=kv, working=tmp_path if tier == "disk" else None)
    layer = reading.layers[0]
    assert at_hand(layer, 700)
    packed = torch.randn(HEADS, 3, 2, DIM, generator=torch.Generator().manual_seed(1))
    found = largest_scores(packed, layer, 1, 9, BLOCK)
    keys, rows = layer.run(0, 700)[0].double(), packed.to(reading.dtype).double()
    for head in range(HEADS):
        for tile in range(3):
            for block in range(1, 9):
                own = keys[head, block * BLOCK : (block + 1) * BLOCK]
                expected = max(float(row @ key) for row in rows[head, tile] for key in own)
                rounding = 1e-5 if kv == "float32" else 1e-2
                assert float(found[head, tile, block - 1]) == pytest.approx(expected, rel=rounding)


def fast_channels() -> tuple[Reading, torch.Tensor]:
    """Return a reading whose blocks all reach far in every channel, but block 7 alone holds a key that fits the row."""
    generator = torch.Generator().manual_seed(2)
    signs = torch.randint(0, 2, (HEADS, 20 * BLOCK, DIM), generator=generator) * 2.0 - 1
    row = torch.ones(DIM)
    signs[(signs @ row) > 0] *= -1  # no key has more than half of its channels right
    reading = Reading(SHAPES, 20 * BLOCK, torch.float32)
    signs[:, 7 * BLOCK + 20] = 0.9
    reading.layers[0].write(0, signs, signs)
    reading.commit([0] * (20 * BLOCK))
    return reading, row.expand(HEADS, 1, 1, DIM)


@pytest.mark.parametrize(("phase", "found"), [("question", True), ("answer", True), ("look", True), ("reading", False)])
def test_an_answer_finds_the_one_key_that_fits_where_bounds_do_not(phase: Phase, found: bool) -> None:
    reading, packed = fast_channels()
    span = Span(0, 0, 20, 4, 1, 2)
    blocks = Chosen(reading, Sparsity(budget_blocks=4)).blocks(reading, 0, packed, [span], phase)
    assert [7 in head for head in blocks[:, 0].tolist()] == [found] * HEADS


def test_keys_across_a_bus_or_too_large_to_stay_in_memory_are_not_at_hand(tmp_path: Path) -> None:
    near = random_reading(128, shapes=SHAPES, working=tmp_path)
    assert near.store is not None
    assert at_hand(near.layers[0], 128)
    near.store.resident_bytes = near.layout.token_bytes * 127
    assert not at_hand(near.layers[0], 128)
    assert not at_hand(Buffer(SHAPES[0], 128, torch.float32, torch.device("meta"), home=torch.device("cpu")), 128)
