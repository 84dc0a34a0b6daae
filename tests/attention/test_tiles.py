from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longdoc.attention.tiles import Tile, cut
from longdoc.positions.method import Branch, Causal, Positions
from longdoc.positions.string import Far, Near


class Chunks:
    """Keys of the query's own chunk of ten: a lower bound that jumps."""

    def keys(self, positions: Positions) -> tuple[Positions, Positions]:
        return positions // 10 * 10, positions + 1

    def query_positions(self, positions: Positions) -> Positions:
        return positions


BRANCHES: dict[str, tuple[Branch, ...]] = {
    "causal": (Causal(),),
    "string": (Near(7), Far(7, 5)),
    "chunks": (Chunks(),),
}


def painted(tiles: list[Tile], branch: int, first: int, n_queries: int) -> np.ndarray:
    """How often each query sees each key through the tiles of one branch."""
    seen = np.zeros((n_queries, first + n_queries), dtype=int)
    for tile in tiles:
        if tile.branch != branch:
            continue
        if tile.kind == "full":
            seen[:, tile.start : tile.end] += 1
        elif tile.kind in ("causal", "trailing"):
            assert tile.end - tile.start == n_queries
            square = np.ones((n_queries, n_queries), dtype=int)
            seen[:, tile.start : tile.end] += np.tril(square) if tile.kind == "causal" else np.triu(square)
        else:
            assert tile.mask is not None
            seen[:, tile.start : tile.end] += (tile.mask == 0).numpy()
    return seen


@settings(max_examples=120, deadline=None)
@given(
    kind=st.sampled_from(sorted(BRANCHES)),
    first=st.integers(0, 40),
    n_queries=st.integers(1, 25),
    boundary=st.integers(0, 70),
    window=st.none() | st.integers(1, 30),
)
def test_tiles_show_each_query_exactly_its_keys(
    kind: str, first: int, n_queries: int, boundary: int, window: int | None
) -> None:
    branches = BRANCHES[kind]
    tiles = cut(branches, first, n_queries, boundary=boundary, window=window, dtype=torch.float32)
    positions = np.arange(first, first + n_queries)
    for index, branch in enumerate(branches):
        low, high = branch.keys(positions)
        keys = np.arange(first + n_queries)
        expected = (keys >= low[:, None]) & (keys < high[:, None])
        if window is not None:
            expected &= keys > positions[:, None] - window
        assert (painted(tiles, index, first, n_queries) == expected).all()


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from(sorted(BRANCHES)),
    first=st.integers(0, 40),
    n_queries=st.integers(1, 25),
    boundary=st.integers(0, 70),
)
def test_no_tile_crosses_the_end_of_the_document(kind: str, first: int, n_queries: int, boundary: int) -> None:
    for tile in cut(BRANCHES[kind], first, n_queries, boundary=boundary, window=None, dtype=torch.float32):
        assert tile.start < tile.end
        assert tile.end <= boundary or tile.start >= boundary


@pytest.mark.parametrize("kind", ["causal", "string"])
@pytest.mark.parametrize("window", [None, 50_000])
def test_masks_do_not_grow_with_the_prefix(kind: str, window: int | None) -> None:
    tiles = cut(BRANCHES[kind], 100_000, 64, boundary=100_064, window=window, dtype=torch.float32)
    assert max((tile.mask.numel() for tile in tiles if tile.mask is not None), default=0) <= 64 * 80


def test_a_plain_step_needs_no_mask() -> None:
    tiles = cut((Causal(),), 1000, 64, boundary=1064, window=None, dtype=torch.float32)
    assert [(tile.start, tile.end, tile.kind) for tile in tiles] == [(0, 1000, "full"), (1000, 1064, "causal")]


def test_string_needs_no_mask_once_there_are_enough_keys() -> None:
    tiles = cut((Near(700), Far(700, 500)), 2000, 64, boundary=2064, window=None, dtype=torch.float32)
    assert [tile.kind for tile in tiles if tile.branch == 0] == ["trailing", "full", "causal"]
    assert [tile.kind for tile in tiles if tile.branch == 1] == ["full", "causal"]


def test_a_window_needs_no_mask_once_there_are_enough_keys() -> None:
    tiles = cut((Causal(),), 2000, 64, boundary=2064, window=500, dtype=torch.float32)
    assert [tile.kind for tile in tiles] == ["trailing", "full", "causal"]
