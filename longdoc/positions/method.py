"""What a position method is: frequencies plus branches.

Frequencies are fixed for a whole read. Branches say which keys a query meets and
at which position it meets them: where a rule moves every key of a block alike, the
query moves the other way. A key is kept once, at the position its method names
(its own, if it names none), so that the many far keys are met as they lie;
rotation composes, and a branch that meets a few keys elsewhere has them rotated on
by the difference. The branches of one query cover each key it sees exactly once;
`longdoc.attention` attends over each and joins them. Numbers only, no tensors of a
model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]

UNLIMITED = 1 << 40  # tokens: the reach of a method whose distances are bounded however long the text


@dataclass(frozen=True)
class ChunkSizes:
    """Sizes of dual chunk attention in tokens, by the names checkpoints give them."""

    chunk_size: int  # the largest distance
    local_size: int  # chunk_size less the tokens of a chunk
    tempered_from: int = 0  # length from which scores are raised; 0: never


@dataclass(frozen=True)
class Rope:
    """What a method needs to know of a model's rotary embedding."""

    theta: float
    rotary_dim: int  # rotated dimensions of a head; two make a pair
    native_context: int  # tokens it was trained on without extension
    declared_context: int = 0  # tokens the checkpoint's own frequencies serve; 0: as many as native
    dynamic_factor: float = 2.0  # of dynamic NTK, where the checkpoint declares none
    dual_chunk: ChunkSizes | None = None  # what the checkpoint declares

    @property
    def declared_range(self) -> int:
        return max(self.declared_context, self.native_context)

    @property
    def inv_freq(self) -> tuple[float, ...]:
        """Unchanged frequencies in radians per token, one for each pair, fastest first."""
        return tuple(float(self.theta ** (-2 * pair / self.rotary_dim)) for pair in range(self.rotary_dim // 2))


@dataclass(frozen=True)
class Frequencies:
    """`attention_factor` multiplies rotated queries and rotated keys, each."""

    inv_freq: tuple[float, ...]  # radians per token, (rotary_dim // 2,)
    attention_factor: float = 1.0


class Branch(Protocol):
    """One part of the keys and where queries and keys stand while they meet. Vectorised over positions."""

    def keys(self, positions: Positions) -> tuple[Positions, Positions]:
        """Return the half-open range of key positions for each query; an empty range has end <= start."""
        ...

    def query_positions(self, positions: Positions) -> Positions:
        """Return the position to which each query is rotated."""
        ...

    def key_positions(self, positions: Positions) -> Positions | None:
        """Return the position at which the key of each token is met; None: where the method keeps it.

        Whatever is not None is rotated every time it is attended, and bounds over kept keys do not
        hold for it: for the few keys near a query, or the first, never for all.
        """
        return None


@dataclass(frozen=True)
class Causal(Branch):
    """Every key up to the query's own, at true distances."""

    def keys(self, positions: Positions) -> tuple[Positions, Positions]:
        return np.zeros_like(positions), positions + 1

    def query_positions(self, positions: Positions) -> Positions:
        return positions


@dataclass(frozen=True)
class Near(Branch):
    """Keys less than `within` tokens back, at true distances; `moved` where the method keeps keys elsewhere."""

    within: int
    moved: bool = False

    def keys(self, positions: Positions) -> tuple[Positions, Positions]:
        return np.maximum(positions - self.within + 1, 0), positions + 1

    def query_positions(self, positions: Positions) -> Positions:
        return positions

    def key_positions(self, positions: Positions) -> Positions | None:
        return positions if self.moved else None


class Method(Protocol):
    """A position method with its numbers, made for one model."""

    @property
    def numbers(self) -> Mapping[str, float]:
        """Everything that changes keys and values, for the fingerprint and for showing."""
        ...

    @property
    def reach(self) -> int:
        """Longest prompt in tokens for which no position lies beyond what the model was trained on."""
        ...

    @property
    def frequencies(self) -> Frequencies | None:
        """Frequencies for the whole read; None leaves them as the checkpoint declares."""
        ...

    def branches(self, n_tokens: int) -> tuple[Branch, ...]:
        """Return the branches for queries at positions below `n_tokens`."""
        ...

    def stored_positions(self, positions: Positions) -> Positions | None:
        """Return the position at which the key of each token is kept; None: its own."""
        return None

    def next_edge(self, position: int) -> int | None:
        """Return the first position after `position` at which a branch's keys jump; None: they only slide.

        A step that ends there needs no mask over all those keys. Correctness does not depend on it.
        """
        return None

    def temperature(self, n_tokens: int) -> float:
        """Return what scores are multiplied by in a read planned for `n_tokens`, whatever the frequencies."""
        return 1.0


@dataclass(frozen=True)
class Composed(Method):
    """The frequencies of one method under the branches of another."""

    frequency_method: Method
    branch_method: Method

    @property
    def numbers(self) -> Mapping[str, float]:
        return {**self.frequency_method.numbers, **self.branch_method.numbers}

    @property
    def reach(self) -> int:
        return self.branch_method.reach

    @property
    def frequencies(self) -> Frequencies | None:
        return self.frequency_method.frequencies

    def branches(self, n_tokens: int) -> tuple[Branch, ...]:
        return self.branch_method.branches(n_tokens)

    def stored_positions(self, positions: Positions) -> Positions | None:
        return self.branch_method.stored_positions(positions)

    def next_edge(self, position: int) -> int | None:
        return self.branch_method.next_edge(position)

    def temperature(self, n_tokens: int) -> float:
        return self.branch_method.temperature(n_tokens)
