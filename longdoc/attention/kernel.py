"""Attention of many bfloat16 queries over one long run of keys, as matrix products alone.

Where a processor multiplies bfloat16, torch's flash kernel spends most of its time
outside the products: maxima, exponentials and sums in float32, and their conversion.
Here a block of scores comes out of the product as it goes into the exponential, in
bfloat16 and already less its row's log-sum-exp so far, which stands in three more
columns of the query against ones in the keys. What attention sees lies near zero
then, where bfloat16 is finest: a score s below the log-sum-exp is off by |s| / 512 at
most, a weight by that share. Sums come out of the second product, as columns of ones
in the values. Rows that suddenly find keys far above all before, where bfloat16 is
coarse, take that one block through the flash kernel.
"""

from __future__ import annotations

import torch
from torch import Tensor

from longdoc.attention.merge import Partial, merge

_BLOCK = 512  # keys of one product: its scores stay in the second-level cache's reach
_BLOCKS_A_SHIFT = 4  # blocks after which sums are scaled to one and the shift follows
_SHIFT_COLUMNS = 3  # bfloat16 terms that make up one float32
_COLUMNS = 8  # added to values; each sums an eighth of a block's weights, so that roundings average out
_LEAP = 20.0  # a block that outweighs everything before by this is summed exactly
_MIN_ROWS = 512
_MIN_KEYS = 4 * _BLOCK

_flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


def worthwhile(query: Tensor, keys: Tensor, values: Tensor) -> bool:
    """Return whether the products pay, on a processor that multiplies bfloat16: enough queries and keys of it."""
    return (
        query.dtype == torch.bfloat16
        and query.device.type == "cpu"
        and keys.shape[2] == values.shape[2]
        and query.shape[1] * query.shape[2] >= _MIN_ROWS
        and keys.shape[1] >= _MIN_KEYS
    )


def attend_full(query: Tensor, keys: Tensor, values: Tensor, *, scale: float) -> Partial:
    """Attend where every query sees every key.

    query: [kv_heads, group, n_queries, head_dim]; keys, values: [kv_heads, n_keys, head_dim], bfloat16.
    Returns output [kv_heads, group, n_queries, head_dim] and lse [kv_heads, group, n_queries], float32.
    """
    kv_heads, group, n_queries, head_dim = query.shape
    output = torch.empty(kv_heads, group * n_queries, head_dim)
    lse = torch.empty(kv_heads, group * n_queries)
    work = _Work(group * n_queries, head_dim)
    for head in range(kv_heads):
        _head(query[head].flatten(0, 1), keys[head], values[head], scale, output[head], lse[head], work)
    return Partial(output.view(query.shape), lse.view(query.shape[:3]))


class _Work:
    """Buffers of one call, made once."""

    def __init__(self, rows: int, head_dim: int) -> None:
        def buffer(*shape: int) -> Tensor:
            return torch.zeros(shape, dtype=torch.bfloat16)

        self.query = buffer(rows, head_dim + _SHIFT_COLUMNS)
        self.keys = buffer(_BLOCK, head_dim + _SHIFT_COLUMNS)
        self.keys[:, head_dim:] = 1
        self.values = buffer(_BLOCK, head_dim + _COLUMNS)
        for column in range(_COLUMNS):
            self.values[column::_COLUMNS, head_dim + column] = 1
        self.weights = buffer(rows, _BLOCK)
        self.summed = buffer(rows, head_dim + _COLUMNS)


def _head(query: Tensor, keys: Tensor, values: Tensor, scale: float, output: Tensor, lse: Tensor, work: _Work) -> None:
    """Attend for one key head: query [rows, head_dim]; fills output [rows, head_dim] and lse [rows]."""
    head_dim = query.shape[1]
    # Scaled in float32 and rounded once; exact for a power of two.
    work.query[:, :head_dim] = query.float() * scale
    first = keys.shape[0] % _BLOCK or _BLOCK  # an exact beginning sets the shift, and what follows is whole blocks
    begun = _exact(query, keys[:first], values[:first], scale)
    output.copy_(begun.output)
    lse.copy_(begun.lse)
    total = torch.ones_like(lse)
    since = _BLOCKS_A_SHIFT  # blocks since the shift was set
    for start in range(first, keys.shape[0], _BLOCK):
        if since >= _BLOCKS_A_SHIFT:
            _normalise(output, lse, total)
            _shift(work.query[:, head_dim:], lse)
            since = 0
        run = slice(start, start + _BLOCK)
        work.keys[:, :head_dim] = keys[run]
        work.values[:, :head_dim] = values[run]
        torch.mm(work.query, work.keys.T, out=work.weights)
        torch.mm(work.weights.exp_(), work.values, out=work.summed)
        sums = work.summed[:, head_dim:].sum(1, dtype=torch.float32)
        since += 1
        leaps = (~(sums < _LEAP)).nonzero().squeeze(1)  # infinite ones and what is no number included
        if len(leaps):
            work.summed[leaps] = 0
            sums[leaps] = 0
        output += work.summed[:, :head_dim]
        total += sums
        if len(leaps):
            _normalise(output, lse, total)
            joined = merge([Partial(output[leaps], lse[leaps]), _exact(query[leaps], keys[run], values[run], scale)])
            output[leaps], lse[leaps] = joined.output, joined.lse
            since = _BLOCKS_A_SHIFT
    _normalise(output, lse, total)


def _exact(query: Tensor, keys: Tensor, values: Tensor, scale: float) -> Partial:
    """Attend by torch's kernel: query [rows, head_dim]; float32 sums."""
    output, lse = _flash(query[None, None], keys[None, None], values[None, None], scale=scale)
    return Partial(output[0, 0].float(), lse[0, 0])


def _normalise(output: Tensor, lse: Tensor, total: Tensor) -> None:
    """Bring sums over `total` times exp(lse) back to their mean, all in place."""
    output /= total.unsqueeze(1)
    lse += total.log()
    total.fill_(1)


def _shift(columns: Tensor, lse: Tensor) -> None:
    """Write -lse as a sum of bfloat16 terms, each the rounding of what is left."""
    rest = -lse
    for column in range(columns.shape[1]):
        columns[:, column] = rest
        rest = rest - columns[:, column]
