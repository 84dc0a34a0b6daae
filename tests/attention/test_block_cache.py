"""Blocks kept on the device: always what the layer itself would give, and few copies."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from standin import random_reading

from longdoc.attention.block_cache import BlockCache
from longdoc.attention.chosen import Chosen
from longdoc.attention.sparsity import Sparsity
from longdoc.cache import layout
from longdoc.cache.segment import Buffer, LayerShape

HEADS, DIM, BLOCK, N = 2, 8, 4, 30  # N blocks, the last one half full
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")),
]


def layer_on(device: str) -> Buffer:
    layer = Buffer(
        LayerShape(HEADS, DIM, DIM), N * BLOCK - 2, torch.float32, torch.device(device), home=torch.device("cpu")
    )
    torch.manual_seed(0)
    layer.write(0, *torch.randn(2, HEADS, N * BLOCK - 2, DIM))
    return layer


def choices(seed: int, n: int, m: int) -> list[torch.Tensor]:
    """n choices of m different blocks a head, neighbours alike."""
    torch.manual_seed(seed)
    scores, found = torch.rand(HEADS, N - 1), []
    for _ in range(n):
        scores = scores + 0.2 * torch.rand(HEADS, N - 1)
        found.append(scores.topk(m).indices.sort(-1).values)
    return found


@pytest.mark.parametrize("device", DEVICES)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), slots=st.integers(6, 20))
def test_whatever_is_asked_for_in_whatever_order_comes_as_from_the_layer(device: str, seed: int, slots: int) -> None:
    layer = layer_on(device)
    cache = BlockCache(layer, slots, BLOCK)
    for blocks in choices(seed, 12, 6):
        for found, expected in zip(cache.gather(blocks.to(device)), layer.gather(blocks, BLOCK), strict=True):
            assert torch.equal(found.cpu(), expected.cpu())


@pytest.mark.parametrize("device", DEVICES)
def test_what_was_asked_for_before_is_not_copied_again(device: str) -> None:
    cache = BlockCache(layer_on(device), 12, BLOCK)
    blocks = choices(1, 1, 6)[0].to(device)
    cache.gather(blocks)
    assert (cache.asked, cache.fetched) == (12, 12)
    cache.gather(blocks)
    assert (cache.asked, cache.fetched) == (24, 12)


def test_blocks_not_asked_for_longest_give_way() -> None:
    cache = BlockCache(layer_on("cpu"), 4, BLOCK)

    def ask(*blocks: int) -> int:
        before = cache.fetched
        cache.gather(torch.tensor([blocks] * HEADS))
        return (cache.fetched - before) // HEADS

    assert ask(0, 1) == 2
    assert ask(2, 3) == 2
    assert ask(0, 1) == 0
    assert ask(4, 5) == 2  # over 2 and 3
    assert ask(0, 1) == 0
    assert ask(2, 3) == 2


@pytest.mark.parametrize("kv", ["bf16", "int8"])
def test_an_answer_gathers_a_block_from_files_once(tmp_path: Path, kv: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "FILE_BYTES", 16 << 10)  # several files
    given_ = {"shapes": (LayerShape(HEADS, DIM, DIM),), "kv": kv}
    ram, disk = random_reading(1500, **given_), random_reading(1500, working=tmp_path, **given_)
    chosen, fetched = Chosen(disk, Sparsity(budget_blocks=6)), list[int]()
    layer = disk.layers[0]
    through = layer.chosen
    monkeypatch.setattr(
        layer, "chosen", lambda blocks, block: fetched.append(blocks.shape[1]) or through(blocks, block)
    )
    torch.manual_seed(1)
    for _ in range(3):
        blocks = torch.stack([torch.randperm(23)[:6].sort().values for _ in range(HEADS)])
        for _ in range(4):  # a choice holds for a few tokens
            for found, expected in zip(
                chosen.gather(disk, 0, blocks, "answer"), ram.layers[0].gather(blocks), strict=True
            ):
                assert torch.equal(found, expected)
    assert len(fetched) == 3
    assert Chosen(ram, Sparsity(budget_blocks=6)).gather(ram, 0, blocks, "answer")[0].shape == (HEADS, 6 * 64, DIM)
    # While reading, tiles choose the same blocks many times over: nothing is kept.
    fetched.clear()
    for _ in range(2):
        chosen.gather(disk, 0, blocks, "reading")
    assert fetched == [6, 6]
