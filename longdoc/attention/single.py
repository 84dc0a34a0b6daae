"""Attention of one query, the one that chooses the next token of an answer, on a processor.

A token's sums are small and their operations many, so what counts is how few there
are and that none takes memory of its own. Scores of all runs of keys come to stand
in one row, one softmax makes shares of them, and the shares are at once the weights
of the values and what evidence is made of: nothing is merged. Narrower keys are
widened a few thousand at a time into one buffer that lives as long as the answer;
memory taken anew for every layer costs more than the products on it. Sums are
float32 (float64 for a float64 query).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from longdoc.attention.evidence import Evidence
from longdoc.cache.buffer import LONGEST_TOKENS, Layer

_MOST_SCORES = 4 << 20  # numbers held at once
_PARALLEL = 1 << 20  # keys' numbers in one product; with fewer, waking threads takes longer than the work
_KEPT_BYTES = 64 << 20  # of chosen keys and values that stay widened while their choice holds


class Piece(NamedTuple):
    """One run of keys and values [kv_heads, n, head_dim] as the query meets it.

    row: [kv_heads, group, head_dim], the query for it. place: number of the run's first token in the
    document; or, of chosen blocks, their numbers [kv_heads, m]; None for the tail. bias: added to
    scores, [kv_heads, group, n].
    """

    row: Tensor
    keys: Tensor
    values: Tensor
    place: int | Tensor | None
    bias: Tensor | None = None


class Workspace:
    """Memory for one query's scores and keys, kept from layer to layer and from token to token."""

    def __init__(self) -> None:
        self._held: dict[str, Tensor] = {}
        self._kept: dict[tuple[int, int], tuple[Tensor, Tensor, Tensor]] = {}  # layer, branch: blocks, keys, values
        self._kept_bytes = 0
        self.threads = torch.get_num_threads()  # for the larger sums

    def take(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Return memory of a shape, whatever it holds; valid until the next call of that name."""
        size = 1
        for extent in shape:
            size *= extent
        held = self._held.get(name)
        if held is None or held.numel() < size or held.dtype != dtype:
            held = self._held[name] = torch.empty(max(size, 1) * 9 // 8, dtype=dtype)  # answers grow
        return held[:size].view(shape)

    def widened(self, run: Tensor, dtype: torch.dtype) -> Tensor:
        """Return a run of keys or values in a dtype; valid until the next call."""
        return run if run.dtype == dtype else self.take("wide", tuple(run.shape), dtype).copy_(run)

    def chosen(
        self, key: tuple[int, int], blocks: Tensor, gather: Callable[[], tuple[Tensor, Tensor]], dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        """Return keys and values of chosen blocks in a dtype, those of the last token where it chose the same ones.

        Where many layers choose many blocks, the rest comes as it is gathered.
        """
        known = self._kept.get(key)
        if known is not None and (known[0] is blocks or torch.equal(known[0], blocks)):
            return known[1:]
        keys, values = gather()
        if known is None or known[1].shape != keys.shape or known[2].shape != values.shape:
            n_bytes = (keys.numel() + values.numel()) * dtype.itemsize
            if known is not None or self._kept_bytes + n_bytes > _KEPT_BYTES:
                return keys, values
            self._kept_bytes += n_bytes
            known = blocks, torch.empty_like(keys, dtype=dtype), torch.empty_like(values, dtype=dtype)
        self._kept[key] = blocks, known[1].copy_(keys), known[2].copy_(values)
        return known[1:]


def fits(layer: Layer, n_tokens: int, n_rows: int) -> bool:
    """Return whether a layer's whole runs can be attended in this way.

    Long runs that must be fetched or converted are better taken one by one; rows of scores must fit.
    """
    if layer.device.type != "cpu" or n_tokens * n_rows > _MOST_SCORES:
        return False
    return n_tokens <= LONGEST_TOKENS or not (layer.away or layer.kv.narrow)


def attend_one(
    pieces: Sequence[Piece],
    work: Workspace,
    *,
    scale: float,
    softcap: float | None = None,
    sinks: Tensor | None = None,
    evidence: Evidence | None = None,
    block: int = 0,
) -> Tensor:
    """Attend with one query over all pieces; return [kv_heads, group, head_dim].

    sinks: [kv_heads, group, 1], learned scores that take a share and carry no value. block: tokens of
    the blocks that pieces name. Notes what blocks of the document got in `evidence`.
    """
    first = pieces[0]
    kv_heads, group, _ = first.row.shape
    wide = torch.float64 if first.row.dtype == torch.float64 else torch.float32
    ends, total = [], 0
    for piece in pieces:
        total += piece.keys.shape[1]
        ends.append(total)
    scores = work.take("scores", (kv_heads, group, total + (sinks is not None)), wide)
    with _threads(1):
        for piece, end in zip(pieces, ends, strict=True):
            _score(piece, scores[:, :, end - piece.keys.shape[1] : end], work, scale, softcap)
        if sinks is not None:
            scores[:, :, total:] = sinks
        weights = torch.softmax(scores, -1, out=work.take("weights", tuple(scores.shape), wide))
        output: Tensor | None = None
        for piece, end in zip(pieces, ends, strict=True):
            share = weights[:, :, end - piece.keys.shape[1] : end]
            output = _weigh(piece, share, work, output)
            if evidence is not None:
                _note(evidence, piece, share, block)
    assert output is not None
    return output


def _score(piece: Piece, into: Tensor, work: Workspace, scale: float, softcap: float | None) -> None:
    """Write a piece's scores [kv_heads, group, n]."""
    row = piece.row.to(into.dtype) * scale
    for start, end, threads in _parts(piece.keys, work):
        share = into[:, :, start:end]
        with _threads(threads):
            keys = work.widened(piece.keys[:, start:end], into.dtype).transpose(1, 2)
            if threads == 1:
                torch.bmm(row, keys, out=share)
            else:  # written apart from each other, rows take many threads twice as long
                share.copy_(torch.bmm(row, keys, out=work.take("part", tuple(share.shape), into.dtype)))
    if softcap is not None:
        into.div_(softcap).tanh_().mul_(softcap)
    if piece.bias is not None:
        into.add_(piece.bias)


def _weigh(piece: Piece, weights: Tensor, work: Workspace, output: Tensor | None) -> Tensor:
    """Return `output` with a piece's values added."""
    for start, end, threads in _parts(piece.values, work):
        share = weights[:, :, start:end]
        with _threads(threads):
            values = work.widened(piece.values[:, start:end], weights.dtype)
            output = torch.bmm(share, values) if output is None else output.baddbmm_(share, values)
    assert output is not None
    return output


def _parts(run: Tensor, work: Workspace) -> list[tuple[int, int, int]]:
    """Cut keys or values so that what is widened stays in reach of the processor's caches; (start, end, threads)."""
    n = run.shape[1]
    cuts = [(start, min(start + LONGEST_TOKENS, n)) for start in range(0, n, LONGEST_TOKENS)]
    token = run.shape[0] * run.shape[2]
    return [(start, end, work.threads if (end - start) * token >= _PARALLEL else 1) for start, end in cuts]


def _note(evidence: Evidence, piece: Piece, weights: Tensor, block: int) -> None:
    """Note what a piece's tokens got, weights [kv_heads, group, n]."""
    if isinstance(piece.place, int):
        evidence.add_tokens(piece.place, weights.sum((0, 1)))
    elif piece.place is not None:
        summed = weights.sum(1)
        evidence.add_blocks(piece.place, summed.view(len(summed), -1, block), block)


@contextmanager
def _threads(n: int) -> Iterator[None]:
    """Let `n` threads do the work: with two, a product over a few hundred keys takes ten times as long as with one."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)
