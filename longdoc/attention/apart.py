"""One query's attention with the blocks of the document kept apart, where it is taken run by run."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from longdoc.attention.merge import Partial, merge, with_sinks


def joined_apart(parts: Sequence[Partial], apart: Sequence[Tensor], sinks: Tensor | None) -> tuple[Partial, Tensor]:
    """Join one query's runs, with what the blocks inside each run got.

    parts: output [kv_heads, group, 1, head_dim]; apart: lse [kv_heads, n, group] of a run's blocks. Returns
    the joined attention and the share of each block [kv_heads, n, group], runs one after the other.
    """
    joined = merge(parts)
    if sinks is not None:
        joined = with_sinks(joined, sinks)
    return joined, torch.exp(torch.cat(list(apart), 1) - joined.lse.transpose(1, 2))


def block_edges(start: int, end: int, block: int) -> list[tuple[int, int]]:
    """Cut start .. end into a first part up to a block's edge, whole blocks together, and a rest."""
    inner = min(-(-start // block) * block, end), max(end // block * block, start)
    if inner[0] >= inner[1]:
        at = (end // block) * block  # at most one edge inside
        cuts = [start, at, end] if start < at < end else [start, end]
    else:
        cuts = [start, *inner, end]
    return [(a, b) for a, b in itertools.pairwise(cuts) if a < b]
