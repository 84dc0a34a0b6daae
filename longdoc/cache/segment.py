"""Keys and values of one read prefix, and the small tail of a question on top of it.

A `Reading` is sized before reading and filled once: document tokens are written in
place, never moved, and nothing that happens in the tail touches them. Knows
tensors and token ids; who computes them (`longdoc.backends`), who attends over
them (`longdoc.attention`) and who keeps them on disk (`longdoc.cache.disk`) stay
outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from longdoc.errors import CacheError, ModelError

_TAIL_TOKENS = 256


@dataclass(frozen=True)
class LayerShape:
    """What one attention layer stores for a token."""

    num_kv_heads: int
    key_dim: int
    value_dim: int


class Buffer:
    """Keys and values of one layer, [num_kv_heads, capacity, head_dim]; the owner says how many tokens are valid."""

    def __init__(self, shape: LayerShape, capacity: int, dtype: torch.dtype, device: torch.device) -> None:
        self.keys = torch.empty(shape.num_kv_heads, capacity, shape.key_dim, dtype=dtype, device=device)
        self.values = torch.empty(shape.num_kv_heads, capacity, shape.value_dim, dtype=dtype, device=device)

    @property
    def capacity(self) -> int:
        return int(self.keys.shape[1])

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.values.nbytes

    def write(self, start: int, keys: Tensor, values: Tensor) -> None:
        """Store keys and values [num_kv_heads, n, head_dim] of tokens start .. start + n."""
        end = start + keys.shape[1]
        self.keys[:, start:end] = keys
        self.values[:, start:end] = values

    def cuts(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return start .. end in the pieces that `run` gives best, in order."""
        return [(start, end)]

    def run(self, start: int, end: int) -> tuple[Tensor, Tensor]:
        """Return keys and values [num_kv_heads, end - start, head_dim] to compute with; views where possible."""
        return self.keys[:, start:end], self.values[:, start:end]

    def gather(self, blocks: Tensor, block: int = 64) -> tuple[Tensor, Tensor]:
        """Return keys and values [num_kv_heads, m * block, head_dim] of chosen blocks of tokens.

        blocks: [num_kv_heads, m] block numbers, each head its own. Tokens past the capacity come back
        as its last one: the caller masks what has not been written.
        """
        tokens = (blocks.unsqueeze(-1) * block + torch.arange(block, device=blocks.device)).flatten(1)
        tokens = tokens.clamp_(max=self.capacity - 1)
        heads = torch.arange(len(tokens), device=tokens.device).unsqueeze(1)
        return self.keys[heads, tokens], self.values[heads, tokens]


class Reading:
    """The document segment of every layer, the token ids it was computed from, and a tail.

    `layers[i].keys` and `.values` hold positions 0 .. n_tokens of layer i; what lies beyond is
    undefined. Token i stands at position i.
    """

    def __init__(
        self,
        shapes: Sequence[LayerShape],
        capacity: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        """Reserve room for `capacity` document tokens. Raises ModelError when memory refuses."""
        self.shapes = tuple(shapes)
        self.capacity = capacity
        self.dtype = dtype
        self.device = torch.device(device)
        self.token_ids: list[int] = []
        self.marks: frozenset[int] = frozenset()  # ends of documents, for readings that cannot be cut anywhere
        try:
            self.layers = [Buffer(shape, capacity, dtype, self.device) for shape in self.shapes]
            self.tail = Tail(self.shapes, dtype, self.device)
        except (RuntimeError, MemoryError) as error:  # torch raises RuntimeError when an allocation fails
            raise ModelError(
                f"There is not enough memory to keep {capacity:,} tokens of this model.",
                code="memory",
                next_step="Close other programs, leave out a source, or use a smaller model.",
            ) from error

    @property
    def n_tokens(self) -> int:
        """Tokens in the document segment."""
        return len(self.token_ids)

    @property
    def nbytes(self) -> int:
        """Bytes reserved, tail included."""
        return sum(layer.nbytes for layer in self.layers) + self.tail.nbytes

    def commit(self, token_ids: Sequence[int]) -> None:
        """Declare the next `len(token_ids)` tokens of every layer written."""
        if self.n_tokens + len(token_ids) > self.capacity:
            raise CacheError(
                f"A reading with room for {self.capacity:,} tokens cannot take {self.n_tokens + len(token_ids):,}.",
                code="capacity",
            )
        self.token_ids.extend(token_ids)

    def checkpoint(self) -> int:
        """Return how many tokens a writer that comes later may save."""
        return self.n_tokens

    def reachable(self, n_tokens: int) -> int:
        """Return the most tokens, at most `n_tokens`, to which the reading can be cut back."""
        return min(n_tokens, self.n_tokens)

    def truncate(self, n_tokens: int) -> None:
        """Keep the first `n_tokens` document tokens; the tail is dropped."""
        if not 0 <= n_tokens <= self.n_tokens:
            raise CacheError(f"A reading of {self.n_tokens:,} tokens cannot be cut to {n_tokens:,}.", code="capacity")
        del self.token_ids[n_tokens:]
        self.tail.drop()


class Tail:
    """Question and answer on top of a document segment; grows by doubling and is dropped after each turn."""

    def __init__(self, shapes: Sequence[LayerShape], dtype: torch.dtype, device: torch.device) -> None:
        self._shapes, self._dtype, self._device = tuple(shapes), dtype, device
        self.n_tokens = 0
        self.layers = [Buffer(shape, _TAIL_TOKENS, dtype, device) for shape in self._shapes]

    @property
    def nbytes(self) -> int:
        return sum(layer.nbytes for layer in self.layers)

    def reserve(self, n_tokens: int) -> None:
        """Make room for `n_tokens` in all, keeping what is there."""
        capacity = self.layers[0].capacity
        if n_tokens <= capacity:
            return
        while capacity < n_tokens:
            capacity *= 2
        for index, (shape, old) in enumerate(zip(self._shapes, self.layers, strict=True)):
            new = Buffer(shape, capacity, self._dtype, self._device)
            new.write(0, old.keys[:, : self.n_tokens], old.values[:, : self.n_tokens])
            self.layers[index] = new

    def drop(self) -> None:
        """Forget the question and the answer, and give grown memory back."""
        self.n_tokens = 0
        if self.layers and self.layers[0].capacity > _TAIL_TOKENS:
            self.layers = [Buffer(shape, _TAIL_TOKENS, self._dtype, self._device) for shape in self._shapes]
