"""Attention over one run of keys, with the log-sum-exp that lets parts be merged.

On a CPU this is torch's own flash kernel, whose scores and sums are float32 and
which never holds a whole score matrix; grouped query heads are folded into rows
or broadcast, so keys are never repeated. Soft-capped scores and other devices take
a blocked form of two matrix products. Which keys belong together is decided in
`tiles`.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from longdoc.attention.merge import Partial, merge

_SCORE_BLOCK_BYTES = 32 << 20  # scores of the blocked form held at once
_CONVERT_TOKENS = 8192  # keys converted at once where the processor has no bfloat16 products

_flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


@cache
def has_bfloat16_products() -> bool:
    """Return whether this processor multiplies bfloat16 natively; without, attention in bfloat16 is slower."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def attend_run(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    *,
    scale: float,
    causal: bool = False,
    trailing: bool = False,
    mask: Tensor | None = None,
    softcap: float | None = None,
    bias: Tensor | None = None,
) -> Partial:
    """Attend over one run of keys.

    query: [kv_heads, group, n_queries, head_dim]; keys, values: [kv_heads, n_keys, head_dim] of the
    same dtype. `causal`: key j is visible to queries j and later; `trailing`: to queries j and
    earlier; both have as many keys as queries. `mask`: added to scores, [n_queries, n_keys], 0 or
    -inf, of the query's dtype. `bias`: added to scores, [kv_heads, group, n_keys], float32. Returns
    output [kv_heads, group, n_queries, head_dim] and lse [kv_heads, group, n_queries] in float32.
    """
    if trailing:
        # Counted from the other end, later is earlier; sums do not know the order of their terms.
        backward = [part.flip(-2) for part in (query, keys, values)]
        turned = None if bias is None else bias.flip(-1)
        output, lse = attend_run(*backward, scale=scale, causal=True, softcap=softcap, bias=turned)
        return Partial(output.flip(-2), lse.flip(-1))
    if not _takes_flash(query, keys, values, softcap):
        return _blocked(query, keys, values, scale, causal, mask, softcap, bias)
    if _needs_conversion(query):
        return _converted(query, keys, values, scale, causal, mask, bias)
    return _flash_run(query, keys, values, scale, causal, mask, bias)


def attend_blocks(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    *,
    scale: float,
    block: int,
    softcap: float | None = None,
    bias: Tensor | None = None,
) -> tuple[Partial, Tensor]:
    """Attend with one query over a run and tell what each block of `block` keys got; n_keys is a multiple of `block`.

    query: [kv_heads, group, 1, head_dim]; `bias` as in `attend_run`. Returns the run's attention, output
    [kv_heads, group, 1, head_dim] and lse [kv_heads, group, 1], and the lse of every block
    [kv_heads, n_blocks, group], in float32 (float64 for a float64 query). Two products over thousands of
    keys: blocks differ in their sums alone, so none has an output of its own.
    """
    wide = torch.float64 if query.dtype == torch.float64 else torch.float32
    rows = query.squeeze(2).to(wide) * scale  # [kv_heads, group, head_dim]
    step = max(_CONVERT_TOKENS // block, 1) * block
    held = [_Widened(run, min(step, keys.shape[1]), wide) for run in (keys, values)]
    parts, blocks = [], []
    for start in range(0, keys.shape[1], step):
        run = slice(start, start + step)
        scores = torch.bmm(rows, held[0].of(run).transpose(1, 2))
        if softcap is not None:
            scores = torch.tanh(scores / softcap) * softcap
        if bias is not None:
            scores = scores + bias[:, :, run]
        peak = scores.amax(-1, keepdim=True)
        weights = scores.sub_(peak).exp_()
        sums = weights.view(*weights.shape[:2], -1, block).sum(-1)  # [kv_heads, group, n_blocks]
        total = sums.sum(-1, keepdim=True)
        output = torch.bmm(weights, held[1].of(run)).div_(total)
        parts.append(Partial(output.unsqueeze(2), peak + total.log()))
        blocks.append((peak + sums.log()).transpose(1, 2))
    return merge(parts), torch.cat(blocks, 1)


class _Widened:
    """A run [kv_heads, n_keys, width] in a wider dtype, a few thousand keys at a time in one buffer."""

    def __init__(self, run: Tensor, most: int, dtype: torch.dtype) -> None:
        self._run = run
        self._buffer = None if run.dtype == dtype else run.new_empty((run.shape[0], most, run.shape[2]), dtype=dtype)

    def of(self, part: slice) -> Tensor:
        """Return some keys; valid until the next call."""
        found = self._run[:, part]
        return found if self._buffer is None else self._buffer[:, : found.shape[1]].copy_(found)


def _takes_flash(query: Tensor, keys: Tensor, values: Tensor, softcap: float | None) -> bool:
    return softcap is None and query.device.type == "cpu" and keys.shape[-1] == values.shape[-1]


def _needs_conversion(query: Tensor) -> bool:
    return query.dtype == torch.bfloat16 and not has_bfloat16_products()


def _flash_run(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    scale: float,
    causal: bool,
    mask: Tensor | None,
    bias: Tensor | None = None,
) -> Partial:
    group = query.shape[1]
    if not causal and mask is None and bias is None:
        # Every row sees every key, so the group is more rows of one head: keys are packed once.
        rows = query.flatten(1, 2).unsqueeze(0)
        output, lse = _flash(rows, keys.unsqueeze(0), values.unsqueeze(0), scale=scale)
        return _by_group(output.squeeze(0), lse.squeeze(0), group)
    if bias is not None and query.dtype == torch.float64:
        bias = bias.double()  # the kernel takes another dtype here without a word, and reads it wrongly
    wide_keys, wide_values = (run.unsqueeze(1).expand(-1, group, -1, -1) for run in (keys, values))
    added = None if bias is None else bias.unsqueeze(2)  # [kv_heads, group, 1, n_keys]: the same for every query
    if mask is None:
        return Partial(*_flash(query, wide_keys, wide_values, is_causal=causal, attn_mask=added, scale=scale))
    added = mask[None, None] if added is None else added + mask
    output, lse = _flash(query, wide_keys, wide_values, attn_mask=added, scale=scale)
    # The kernel gives 0 for a row that sees no key.
    return Partial(output, lse.masked_fill(torch.isinf(mask).all(-1), -torch.inf))


def _converted(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    scale: float,
    causal: bool,
    mask: Tensor | None,
    bias: Tensor | None,
) -> Partial:
    """Attend in float32 over bfloat16 keys, a few thousand converted at a time."""
    query = query.float()
    if causal:
        return _flash_run(query, keys.float(), values.float(), scale, True, None, bias)
    parts = []
    for start in range(0, keys.shape[1], _CONVERT_TOKENS):
        run = slice(start, start + _CONVERT_TOKENS)
        piece = None if mask is None else mask[:, run].float()
        added = None if bias is None else bias[:, :, run]
        parts.append(_flash_run(query, keys[:, run].float(), values[:, run].float(), scale, False, piece, added))
    return merge(parts)


def _blocked(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    scale: float,
    causal: bool,
    mask: Tensor | None,
    softcap: float | None,
    bias: Tensor | None,
) -> Partial:
    """Attend by matrix products over blocks of keys, scores in float32 (float64 for float64 queries)."""
    wide = torch.float64 if query.dtype == torch.float64 else torch.float32
    rows = query.flatten(1, 2).to(wide) * scale  # [kv_heads, rows, head_dim]
    n_queries = query.shape[2]
    block = max(_SCORE_BLOCK_BYTES // max(rows.shape[0] * rows.shape[1] * rows.element_size(), 1), 64)
    parts = []
    for start in range(0, keys.shape[1], block):
        run = slice(start, min(start + block, keys.shape[1]))
        scores = torch.bmm(rows, keys[:, run].to(wide).transpose(1, 2))
        if softcap is not None:
            scores = torch.tanh(scores / softcap) * softcap
        if bias is not None:
            scores.view(len(scores), -1, n_queries, scores.shape[2]).add_(bias[:, :, None, run].to(wide))
        if causal:
            hidden = torch.arange(run.start, run.stop, device=rows.device) > torch.arange(
                n_queries, device=rows.device
            ).unsqueeze(1)
            scores.view(len(scores), -1, *hidden.shape).masked_fill_(hidden, -torch.inf)
        elif mask is not None:
            scores.view(len(scores), -1, n_queries, scores.shape[2]).add_(mask[:, run].to(wide))
        lse = torch.logsumexp(scores, -1)
        base = torch.where(torch.isinf(lse), torch.zeros_like(lse), lse)
        output = torch.bmm(torch.exp(scores - base.unsqueeze(-1)), values[:, run].to(wide))
        parts.append(Partial(output, lse))
    merged = merge(parts)
    return _by_group(merged.output, merged.lse, query.shape[1])


def _by_group(output: Tensor, lse: Tensor, group: int) -> Partial:
    """Unfold [kv_heads, group * n_queries, ...] to [kv_heads, group, n_queries, ...]."""
    kv_heads, rows, head_dim = output.shape
    n_queries = rows // group
    return Partial(output.reshape(kv_heads, group, n_queries, head_dim), lse.reshape(kv_heads, group, n_queries))
