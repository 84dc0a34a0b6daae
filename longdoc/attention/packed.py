"""Attention of many tiles at once, each over keys of its own, in one call of a kernel.

No mask: every row of a tile sees every key of that tile, or, `causal`, the keys up
to its own number. On a CPU and on CUDA this is torch's flash kernel, which gives
the log-sum-exp as well; soft-capped scores and other devices take two matrix
products.
"""

from __future__ import annotations

import torch
from torch import Tensor

from longdoc.attention.merge import Partial
from longdoc.attention.partial import has_bfloat16_products

_cpu_flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_cuda_flash = torch.ops.aten._scaled_dot_product_flash_attention
_HALVES = (torch.bfloat16, torch.float16)
_MOST_HEAD_DIM = 256  # of the kernel on CUDA


def attend_packed(
    query: Tensor, keys: Tensor, values: Tensor, *, scale: float, causal: bool = False, softcap: float | None = None
) -> Partial:
    """Attend tile by tile.

    query: [kv_heads, n_tiles, rows, head_dim]; keys, values: [kv_heads, n_tiles, n_keys, head_dim];
    `causal`: as many rows as keys. Returns output [kv_heads, n_tiles, rows, head_dim] and lse
    [kv_heads, n_tiles, rows] in float32 (float64 for float64 queries on a CPU).
    """
    if softcap is None and keys.shape[-1] == values.shape[-1]:
        if query.device.type == "cpu":
            if query.dtype == torch.bfloat16 and not has_bfloat16_products():
                query, keys, values = query.float(), keys.float(), values.float()
            return Partial(*_cpu_flash(query, keys, values, is_causal=causal, scale=scale))
        if query.device.type == "cuda" and query.dtype in _HALVES and query.shape[-1] <= _MOST_HEAD_DIM:
            output, lse, *_ = _cuda_flash(query, keys, values, 0.0, causal, False, scale=scale)
            return Partial(output, lse)
    return _products(query, keys, values, scale, causal, softcap)


def _products(
    query: Tensor, keys: Tensor, values: Tensor, scale: float, causal: bool, softcap: float | None
) -> Partial:
    wide = torch.float64 if query.dtype == torch.float64 else torch.float32
    scores = query.to(wide) @ keys.to(wide).transpose(2, 3) * scale
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    if causal:
        hidden = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(hidden, -torch.inf)
    lse = torch.logsumexp(scores, -1)
    return Partial(torch.exp(scores - lse.unsqueeze(-1)) @ values.to(wide), lse)


def packed_tiles(row: Tensor, n_tiles: int) -> Tensor:
    """[kv_heads, group, n, head_dim] -> [kv_heads, n_tiles, group * n / n_tiles, head_dim]."""
    kv_heads, group, n, head_dim = row.shape
    apart = row.reshape(kv_heads, group, n_tiles, n // n_tiles, head_dim)
    return apart.transpose(1, 2).reshape(kv_heads, n_tiles, -1, head_dim)


def unpacked(part: Partial, group: int) -> Partial:
    """Undo `packed_tiles` for what came out."""
    kv_heads, n_tiles, rows, head_dim = part.output.shape
    n = n_tiles * rows // group
    output = part.output.reshape(kv_heads, n_tiles, group, rows // group, head_dim)
    lse = part.lse.reshape(kv_heads, n_tiles, group, rows // group)
    return Partial(
        output.transpose(1, 2).reshape(kv_heads, group, n, head_dim), lse.transpose(1, 2).reshape(kv_heads, group, n)
    )
