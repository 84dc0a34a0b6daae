"""What of the keys a tile of queries sees can be left out, and what is always attended.

`cut` says what every query of a tile sees; here its long runs become spans of whole
blocks to choose from, and their ends, the tile's own keys and the tail stay as they
are. Positions and block numbers only; which blocks are chosen is decided by
`sparse.py` from the keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from longdoc.attention.sparsity import Sparsity
from longdoc.attention.tiles import Tile


@dataclass(frozen=True)
class Span:
    """Whole blocks low .. high of the document, met by one branch of every query; `count` of them are attended."""

    branch: int
    low: int
    high: int
    count: int
    first_kept: int = 0  # blocks at the beginning that are attended in any case: sinks
    last_kept: int = 0  # and at the end: the window before the queries


@dataclass(frozen=True)
class Division:
    """A tile's keys: spans to choose from, and runs attended whole. Without spans all is attended."""

    spans: tuple[Span, ...]
    whole: tuple[Tile, ...]


def divide(tiles: Sequence[Tile], n_document: int, numbers: Sparsity, fixed: frozenset[int] = frozenset()) -> Division:
    """Divide the tiles of one group of queries.

    `n_document`: tokens whose complete blocks can be chosen. `fixed`: branches whose keys are attended whole.
    """
    block = numbers.block
    open_runs: list[tuple[int, int, int]] = []  # branch, low, high
    whole: list[Tile] = []
    for tile in tiles:
        low, high = -(-tile.start // block), tile.end // block
        if tile.kind != "full" or tile.end > n_document or tile.branch in fixed or low >= high:
            whole.append(tile)
            continue
        open_runs.append((tile.branch, low, high))
        if tile.start < low * block:
            whole.append(Tile(tile.branch, tile.start, low * block, "full"))
        if high * block < tile.end:
            whole.append(Tile(tile.branch, high * block, tile.end, "full"))
    sizes = [high - low for _, low, high in open_runs]
    if sum(sizes) <= numbers.budget_blocks:
        return Division((), tuple(tiles))
    nearest = max(range(len(open_runs)), key=lambda at: open_runs[at][2])
    spans = []
    for at, ((branch, low, high), count) in enumerate(
        zip(open_runs, shares(sizes, numbers.budget_blocks), strict=True)
    ):
        kept = min(max(numbers.sink_blocks - low, 0), count)
        last = min(numbers.window_blocks, count - kept) if at == nearest else 0
        spans.append(Span(branch, low, high, count, kept, last))
    return Division(tuple(spans), tuple(whole))


def shares(sizes: Sequence[int], total: int) -> list[int]:
    """Share `total` among runs of these sizes, evenly; what a short run does not need goes to the others."""
    given = [0] * len(sizes)
    left, order = total, sorted(range(len(sizes)), key=lambda at: sizes[at])
    for done, at in enumerate(order):
        given[at] = min(sizes[at], left // (len(order) - done))
        left -= given[at]
    return given
