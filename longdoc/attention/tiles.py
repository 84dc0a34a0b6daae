"""Cutting what a step's queries may see into runs of keys.

A step is a few hundred queries at neighbouring positions. For each branch, most
keys are visible to all of them (a `full` tile, no mask); at the edges each query
sees a few keys more or fewer than its neighbour. An upper edge that moves one key
per query is a `causal` tile, a lower one a `trailing` tile (query i sees keys i and
later), any other a `masked` one. Edges are as long as the step, so no mask grows
with the prefix. Positions only; `dense` does the sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from longdoc.positions.method import Branch, Positions

Kind = Literal["full", "causal", "trailing", "masked"]


@dataclass(frozen=True)
class Tile:
    """Keys start .. end (positions) as one branch of every query of a step sees them."""

    branch: int
    start: int
    end: int
    kind: Kind
    mask: Tensor | None = None  # masked: [n_queries, end - start], 0 or -inf, added to scores


def cut(
    branches: Sequence[Branch], first: int, n_queries: int, *, boundary: int, window: int | None, dtype: torch.dtype
) -> list[Tile]:
    """Return disjoint tiles for queries at positions first .. first + n_queries.

    No tile crosses `boundary`, where the document segment ends and the tail begins. `window`: a key
    is visible less than `window` tokens back only. `dtype`: of the masks.
    """
    positions = np.arange(first, first + n_queries, dtype=np.int64)
    tiles: list[Tile] = []
    for index, branch in enumerate(branches):
        low, high = branch.keys(positions)
        if window is not None:
            low = np.maximum(low, positions - window + 1)
        for start, end, kind in _runs(low, np.maximum(high, low), boundary):
            mask = None if kind != "masked" else _mask(low, high, start, end, dtype)
            tiles.append(Tile(index, start, end, kind, mask))
    return tiles


def _runs(low: Positions, high: Positions, boundary: int) -> Iterator[tuple[int, int, Kind]]:
    """Yield (start, end, kind) of the runs that cover every query's keys low .. high."""
    seen = high > low
    if not seen.any():
        return
    outer = int(low[seen].min()), int(high[seen].max())
    inner = (int(low.max()), int(high.min())) if seen.all() else (outer[1], outer[1])
    if inner[0] >= inner[1]:  # no key is visible to every query
        yield from _split(*outer, "masked", boundary)
        return
    # The diagonal: one more key for each query, and the last key that all see is its corner.
    diagonal = _slides(high)
    corner = inner[1] - 1 if diagonal else inner[1]
    if diagonal and (corner < boundary < outer[1] or corner < inner[0]):
        diagonal, corner = False, inner[1]
    # The other end: one key fewer for each query; its corner is the first key that all see.
    opening = outer[0] + len(low)
    if _slides(low) and opening <= corner and not outer[0] < boundary < opening:
        yield outer[0], opening, "trailing"
    else:
        opening = inner[0]
        yield from _split(outer[0], opening, "masked", boundary)
    yield from _split(opening, corner, "full", boundary)
    yield from _split(corner, outer[1], "causal" if diagonal else "masked", boundary)


def _slides(bound: Positions) -> bool:
    return len(bound) > 1 and bool((np.diff(bound) == 1).all())


def _split(start: int, end: int, kind: Kind, boundary: int) -> Iterator[tuple[int, int, Kind]]:
    """Yield the run in one or two parts, so that none crosses the boundary; nothing for an empty run."""
    for a, b in ((start, min(end, boundary)), (max(start, boundary), end)):
        if a < b:
            yield a, b, kind


def _mask(low: Positions, high: Positions, start: int, end: int, dtype: torch.dtype) -> Tensor:
    keys = np.arange(start, end, dtype=np.int64)
    visible = torch.from_numpy((keys >= low[:, None]) & (keys < high[:, None]))
    return torch.zeros(visible.shape, dtype=dtype).masked_fill_(~visible, -torch.inf)
