"""How surprising a model finds each token of a text while it reads it.

The same reading as the product's (position method, steps, our attention), but
with the head run for every token. Needs a local transformer; numbers in nats.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from longdoc.backends import Backend
from longdoc.errors import Stopped, UserError
from longdoc.evaluation.asking import included
from longdoc.packing import pack
from longdoc.types import Document, Prompt, ReadingPlan, Region

if TYPE_CHECKING:
    from longdoc.backends.transformer import TransformerBackend

_STEP_TOKENS = 512
_LOGITS = 40_000_000  # numbers held at a time


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
    import torch

    from longdoc.backends.transformer import TransformerBackend

    if not isinstance(backend, TransformerBackend):
        raise UserError(
            f"{backend.info.name} does not tell how likely the tokens of a text are.",
            next_step="Choose a local transformer model.",
        )
    method, regime = backend._regime(plan)
    reading = backend.new_cache(plan, len(token_ids))
    found: list[Any] = []
    before = None
    step = max(16, min(_STEP_TOKENS, _LOGITS // backend.tokenizer.vocab_size))
    with _all_logits(backend) as logits, torch.inference_mode():
        for start in range(0, len(token_ids), step):
            if stop.is_set():
                raise Stopped
            piece = list(token_ids[start : start + step])
            backend._run(piece, reading, method, regime, in_tail=False, head=True)
            reading.commit(piece)
            logprobs = torch.log_softmax(logits.pop()[0].float(), -1)  # [n, vocab]
            ahead = logprobs[:-1] if before is None else torch.cat([before, logprobs[:-1]])
            targets = torch.tensor(piece[len(piece) - len(ahead) :], device=ahead.device)
            found.append(-ahead.gather(1, targets[:, None])[:, 0].cpu())
            before = logprobs[-1:].clone()
    return torch.cat(found).double().numpy()


@contextmanager
def _all_logits(backend: TransformerBackend) -> Iterator[list[Any]]:
    """Have every forward pass leave the logits of all its tokens in the list that is yielded.

    The backend asks for the last token's only, since that is all that answering needs.
    """
    caught: list[Any] = []
    model = backend._model

    def ask_for_all(module: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return args, {**kwargs, "logits_to_keep": 0}

    def keep(module: Any, args: Any, output: Any) -> None:
        caught.append(output.logits)

    hooks = [
        model.register_forward_pre_hook(ask_for_all, with_kwargs=True),
        model.register_forward_hook(keep),
    ]
    try:
        yield caught
    finally:
        for hook in hooks:
            hook.remove()
