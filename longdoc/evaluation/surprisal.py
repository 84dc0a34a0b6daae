"""How surprising a model finds each token of a text while it reads it.

The same reading as the product's (position method, steps, our attention), but
with the head run for every token. Needs a local transformer; numbers in nats.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longdoc.backends import Backend
from longdoc.errors import UserError
from longdoc.evaluation.asking import included
from longdoc.packing import pack
from longdoc.types import Document, Prompt, ReadingPlan, Region


@dataclass(frozen=True)
class Surprise:
    """Nats for each token of one document, with the characters it stands for."""

    nats: NDArray[np.float64]  # (n_tokens,)
    chars: tuple[tuple[int, int], ...]


def read_surprised(
    backend: Backend, document: Document, plan: ReadingPlan, stop: threading.Event, n_tokens: int | None = None
) -> Surprise:
    """Read a document packed as in a prompt and return the surprise of its tokens, of the first `n_tokens` at most.

    Raises UserError for a model that is not a local transformer, Stopped.
    """
    prompt = pack(included([document]), None, backend.tokenizer, backend.frame)
    region = next(region for region in prompt.regions if region.role == "document")
    first, last = region.tokens
    last = last if n_tokens is None else min(last, first + n_tokens)
    nats = token_nats(backend, prompt.token_ids[:last], plan, stop)
    return Surprise(nats[first - 1 :], _characters(prompt, region, last))


def _characters(prompt: Prompt, region: Region, last: int) -> tuple[tuple[int, int], ...]:
    return region.chars[: last - region.tokens[0]]


def token_nats(
    backend: Backend, token_ids: Sequence[int], plan: ReadingPlan, stop: threading.Event
) -> NDArray[np.float64]:
    """Return -ln p(token | all before) of every token but the first, shape (n - 1,)."""
    from longdoc.backends.transformer import TransformerBackend

    if not isinstance(backend, TransformerBackend):
        raise UserError(
            f"{backend.info.name} does not tell how likely the tokens of a text are.",
            next_step="Choose a local transformer model.",
        )
    logprobs = [value for step in backend.score(token_ids, plan, stop) for value in step]
    return -np.asarray(logprobs, dtype=np.float64)
