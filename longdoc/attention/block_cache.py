"""Blocks of keys and values kept where attention computes, in front of a layer in host memory or in files.

While an answer is written, neighbouring tokens choose mostly the same blocks. A
cache of a few times the budget then leaves a few blocks for each token to cross the
bus; they are copied on a stream of their own while the device attends to what it
has. Least recently chosen blocks give way. On a CPU only layers in files get one: there
gathering blocks by pieces takes many times what it takes from one buffer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longdoc.cache.quantise import decode_pair
from longdoc.cache.segment import Layer

Ints = NDArray[np.int64]


class BlockCache:
    """Copies of some blocks of one layer; each key head has slots of its own.

    `slots`: blocks a key head keeps, at least as many as are asked for at once. `fetched` counts
    blocks that were copied, `asked` those that were wanted.
    """

    def __init__(self, layer: Layer, slots: int, block: int) -> None:
        heads = layer.shape.num_kv_heads
        self._layer, self._block, self._slots = layer, block, slots
        self._keys, self._values = (
            torch.zeros(heads, slots, block * width, dtype=layer.dtype, device=layer.device)
            for width in (layer.shape.key_dim, layer.shape.value_dim)
        )
        self._slot_of: Ints = np.full((heads, -(-layer.capacity // block)), -1)  # by block: its slot, -1 for none
        self._held: Ints = np.full((heads, slots), -1)  # by slot: its block, -1 for none
        self._used: Ints = np.zeros((heads, slots), dtype=np.int64)  # when the slot was last asked for
        self._clock = 0
        self._stream: Any = torch.cuda.Stream(layer.device) if layer.device.type == "cuda" else None  # type: ignore[no-untyped-call]  # torch has no type for it
        self.asked = self.fetched = 0

    @property
    def nbytes(self) -> int:
        return int(self._keys.nbytes + self._values.nbytes)

    def gather(self, blocks: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys and values [kv_heads, m * block, head_dim] of blocks [kv_heads, m], as `Layer.gather` does.

        No block twice for one head, and none that may still be written.
        """
        wanted = blocks.cpu().numpy()
        self._clock += 1
        missing = self._slot_of[np.arange(len(wanted))[:, None], wanted] < 0
        self.asked += wanted.size
        if missing.any():
            self._fetch(wanted, missing)
        slots = np.take_along_axis(self._slot_of, wanted, 1)
        np.put_along_axis(self._used, slots, self._clock, 1)
        index = torch.from_numpy(slots + np.arange(len(slots))[:, None] * self._slots).to(self._keys.device)
        found = [
            held.flatten(0, 1).index_select(0, index.flatten()).view(len(slots), -1, held.shape[2] // self._block)
            for held in (self._keys, self._values)
        ]
        return found[0], found[1]

    def _fetch(self, wanted: Ints, missing: NDArray[np.bool_]) -> None:
        """Copy what is missing over the blocks that were not asked for longest."""
        # Heads miss different numbers of blocks; one call fetches as many for each, some of them again.
        most = int(missing.sum(1).max())
        new, slots = np.zeros((len(wanted), most), dtype=np.int64), np.zeros((len(wanted), most), dtype=np.int64)
        for head, row in enumerate(wanted):
            here = row[missing[head]]
            kept = self._slot_of[head, row[~missing[head]]]
            self._used[head, kept] = self._clock
            victims = np.argsort(self._used[head], kind="stable")[: len(here)]
            gone = self._held[head, victims]
            self._slot_of[head, gone[gone >= 0]] = -1
            self._held[head, victims], self._slot_of[head, here] = here, victims
            self._used[head, victims] = self._clock
            self.fetched += len(here)
            repeat = row[0]  # it is held by now, whether it was missing or not
            new[head] = np.concatenate([here, np.full(most - len(here), repeat)])
            slots[head] = self._slot_of[head, new[head]]
        index = torch.from_numpy((slots + np.arange(len(slots))[:, None] * self._slots).ravel())
        if self._stream is None:
            self._copy(new, index)
            return
        here = torch.cuda.current_stream(self._keys.device)
        self._stream.wait_stream(here)  # what is being read there must not be written over
        with torch.cuda.stream(self._stream):
            self._copy(new, index)
        here.wait_stream(self._stream)

    def _copy(self, new: Ints, index: Tensor) -> None:
        strips = self._layer.chosen(torch.from_numpy(new), self._block)
        if self._stream is not None:  # only pinned memory is copied beside other work
            strips = [strip.pin_memory().to(self._keys.device, non_blocking=True) for strip in strips]
        fetched = decode_pair(self._layer.kv, strips, self._layer.dtype)
        for held, rows in zip((self._keys, self._values), fetched, strict=True):
            held.flatten(0, 1).index_copy_(0, index.to(held.device), rows.reshape(index.numel(), -1).to(held.device))
