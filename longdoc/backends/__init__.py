"""What every backend offers: read a prefix in steps, answer a question on top of it.

Protocols and plain values only, so that the engine and its tests need neither
torch nor transformers. `transformer.py` serves rotary models from a folder;
`catalogue.py` finds and checks folders; `frames.py` says how a model's prompt is
built. What a prompt is made of stays with `longdoc.packing`, what is kept on
disk with `longdoc.cache`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from longdoc.tokens import TextTokenizer
from longdoc.types import ModelInfo, ReadingPlan

if TYPE_CHECKING:
    from longdoc.cache.segment import Reading
    from longdoc.packing import PromptFrame

# Threads that wait by spinning make every small operation tens of times slower on a busy machine.
# OpenMP reads this once, when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

EVIDENCE_BLOCKS = 8  # blocks named for each output token


@dataclass(frozen=True)
class Decoded:
    """One token of an answer.

    `evidence` names the blocks of prefix tokens that attention read most while this token was
    chosen, best first, as (block index, share); shares of all blocks of the prefix add up to 1,
    the first block, which serves as a resting place of attention, left out.
    """

    token_id: int
    evidence: tuple[tuple[int, float], ...] = ()
    logprob: float = 0.0  # natural logarithm of the model's own probability, constraint or not


class Constraint(Protocol):
    """What may be written next."""

    def allowed(self, output_ids: Sequence[int]) -> Sequence[int] | None:
        """Return the token ids allowed after `output_ids`; None allows any, an empty sequence ends the answer."""
        ...

    def raised(self, output_ids: Sequence[int]) -> Mapping[int, float]:
        """Return what is added to the logits of token ids after `output_ids`; most often nothing."""
        ...


class Backend(Protocol):
    """A loaded model. One caller at a time: the engine holds the lock."""

    info: ModelInfo
    tokenizer: TextTokenizer
    frame: PromptFrame

    def fingerprint(self, plan: ReadingPlan) -> str:
        """Return a hash of everything that changes keys and values: weights, tokenizer, dtype, method, shapes."""
        ...

    def new_cache(self, plan: ReadingPlan, n_prefix: int) -> Reading:
        """Return an empty reading with room for `n_prefix` document tokens."""
        ...

    def prefill(
        self, token_ids: Sequence[int], reading: Reading, plan: ReadingPlan, stop: threading.Event
    ) -> Iterator[int]:
        """Read `token_ids` from `reading.n_tokens` on; yield the number of tokens read after every step.

        `token_ids` is the whole prefix and begins with what `reading` holds. A step that does not
        finish leaves the reading as it was before that step. Raises Stopped, CacheError (other
        tokens than those read before, no room), ModelError (out of memory).
        """
        ...

    def decode(
        self,
        question_ids: Sequence[int],
        reading: Reading,
        plan: ReadingPlan,
        *,
        max_new_tokens: int,
        stop_ids: frozenset[int],
        stop: threading.Event,
        constraint: Constraint | None = None,
        evidence_tokens: int = 64,
    ) -> Iterator[Decoded]:
        """Read the question on top of the prefix and yield the answer greedily, token by token.

        A token of `stop_ids` is yielded and ends the answer. `evidence_tokens` is the block size of
        the evidence, 0 for none. The document segment is not changed, and the tail is dropped when
        the iterator ends or is closed. Raises Stopped, ModelError.
        """
        ...

    def memory_bytes(self) -> int:
        """Return the bytes that the weights take."""
        ...

    def close(self) -> None:
        """Give the weights' memory back; the backend is of no use after that."""
        ...
