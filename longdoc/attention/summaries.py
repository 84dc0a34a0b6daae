"""What is kept in memory of every block of keys: its smallest and largest value in each channel.

From them a bound for any query and block follows without the keys (Quest,
https://arxiv.org/abs/2406.10774): no key of block b scores more with q than

    u_b = sum_d max(q_d max_b,d , q_d min_b,d) = relu(q) . max_b + min(q, 0) . min_b

which is one matrix product. Keys are taken as they are stored, rotated and
rounded, so what is rebuilt from a restored reading equals what was kept while
reading. Takes 2/64 of the keys' memory for blocks of 64.
"""

from __future__ import annotations

import torch
from torch import Tensor

from longdoc.cache.segment import Reading

_REBUILD_BLOCKS = 256  # blocks whose keys are held at once while summaries are rebuilt


class Summaries:
    """Extremes of the complete blocks of every layer of one reading."""

    def __init__(self, reading: Reading, block: int) -> None:
        self._block = block
        self._n_blocks = [0] * len(reading.shapes)  # by layer: blocks summarised so far
        n = reading.capacity // block
        self._extremes = [  # [kv_heads, n_blocks, 2 * key_dim]: largest, then smallest
            torch.empty(shape.num_kv_heads, n, 2 * shape.key_dim, dtype=reading.dtype, device=reading.device)
            for shape in reading.shapes
        ]

    @property
    def nbytes(self) -> int:
        return sum(layer.nbytes for layer in self._extremes)

    def cut(self, n_tokens: int) -> None:
        """Forget blocks past `n_tokens`; called where a reading may have been cut and written anew."""
        self._n_blocks = [min(n, n_tokens // self._block) for n in self._n_blocks]

    def of(self, reading: Reading, layer: int, n_tokens: int) -> Tensor:
        """Return the extremes [kv_heads, n_blocks, 2 * key_dim] of the complete blocks of the first `n_tokens`.

        What is not summarised yet is read from the stored keys.
        """
        wanted, held = n_tokens // self._block, self._extremes[layer]
        for start in range(self._n_blocks[layer], wanted, _REBUILD_BLOCKS):
            end = min(start + _REBUILD_BLOCKS, wanted)
            keys, _ = reading.layers[layer].run(start * self._block, end * self._block)
            blocks = keys.reshape(len(keys), end - start, self._block, keys.shape[2])
            largest, smallest = held[:, start:end].chunk(2, -1)
            torch.amax(blocks, 2, out=largest)
            torch.amin(blocks, 2, out=smallest)
            self._n_blocks[layer] = end
        return held[:, :wanted]


def bounds(query: Tensor, extremes: Tensor) -> Tensor:
    """Return the largest score that any of the rows can reach in each block, before scaling.

    query: [kv_heads, rows, head_dim]; extremes: [kv_heads, n_blocks, 2 * head_dim]. Few rows are
    scored in float32; many (reading) in the dtype of the keys, which is twice as fast and ranks
    alike but for ties within its rounding. Returns [kv_heads, n_blocks] in float32 or float64.
    """
    rows = torch.cat([query.clamp(min=0), query.clamp(max=0)], -1)
    if rows.shape[1] < _MANY_ROWS and rows.dtype != torch.float64:
        rows, extremes = rows.float(), extremes.float()
    scores = torch.bmm(rows, extremes.to(rows.dtype).transpose(1, 2)).amax(1)
    return scores if scores.dtype == torch.float64 else scores.float()


_MANY_ROWS = 64
