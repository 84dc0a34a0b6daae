"""The largest score that a query really has in each block of keys, where the keys can be had quickly.

Bounds from extremes (`summaries.py`) are loose: over 64 tokens the fast rotary channels turn all the
way round, so a block that holds the one fitting key hardly stands out. While a text is read that
costs nothing that was seen; while a question is answered it costs the answer (measured at 32,768
tokens: 7 of 30 needles with dense decoding, 2 with bounds, 8 with real scores over the same reading).
The product takes half of what dense attention takes, and a choice holds for several tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor

from longdoc.cache.buffer import LONGEST_TOKENS, Layer
from longdoc.cache.mapped import MappedLayer

_MOST_SCORES = 1 << 24  # numbers held at once on an accelerator


def at_hand(layer: Layer, n_tokens: int) -> bool:
    """Return whether all keys of a layer can be met once for a choice.

    Not where they would cross a bus, nor where files do not stay in memory from one token to the next.
    """
    if isinstance(layer, MappedLayer):
        return layer.device.type == "cpu" and layer.resident(n_tokens)
    return not layer.away


def largest_scores(packed: Tensor, layer: Layer, low: int, high: int, block: int) -> Tensor:
    """Return the largest score, before scaling, of any row of each tile in each of the blocks low .. high.

    packed: [kv_heads, n_tiles, rows, head_dim]. Products are taken in the dtype of the keys. Returns
    [kv_heads, n_tiles, high - low] in float32 or float64.
    """
    heads, n_tiles, n_rows, _ = packed.shape
    rows = packed.flatten(1, 2).to(layer.dtype)
    longest = LONGEST_TOKENS
    if layer.device.type != "cpu":
        longest = max(longest, _MOST_SCORES // (heads * rows.shape[1]))
    longest = max(longest // block, 1)
    found = []
    for start in range(low, high, longest):
        end = min(start + longest, high)
        keys = layer.keys_run(start * block, end * block)
        scores = torch.bmm(rows, keys.transpose(1, 2))
        found.append(scores.view(heads, n_tiles, n_rows, end - start, block).amax((2, 4)))
    largest = torch.cat(found, -1)
    return largest if largest.dtype == torch.float64 else largest.float()
