"""The attention function that transformers calls.

Registered under one name, without a mask function, so that models build no mask
tensor. The step in progress is found in a context variable: models hand layers
only what their own code knows. Nothing here keeps state of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from torch import Tensor

from longdoc.attention.dense import Scores, Step
from longdoc.errors import ModelError

NAME = "longdoc"

_step: ContextVar[Step | None] = ContextVar("longdoc_step", default=None)


@contextmanager
def running(step: Step) -> Iterator[None]:
    """Make `step` the one that attention layers called in this block belong to."""
    token = _step.set(step)
    try:
        yield
    finally:
        _step.reset(token)


def current() -> Step:
    """Return the step in progress."""
    step = _step.get()
    assert step is not None, "attention called outside a step"
    return step


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    position_bias: Tensor | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attend for one layer: query [1, heads, n, head_dim], new keys and values [1, kv_heads, n, head_dim].

    Returns [1, n, heads, head_dim] and no weights. Raises ModelError for a model that asks for
    attention this engine does not do.
    """
    step = current()
    if attention_mask is not None or position_bias is not None:
        raise ModelError(
            "This model asks for a mask or bias on its attention that LongDoc does not carry out.",
            code="unsupported",
            next_step="Choose another model.",
        )
    scores = Scores(query.shape[-1] ** -0.5 if scaling is None else scaling, sliding_window, softcap, s_aux)
    output = step.layer(module, int(module.layer_idx), query[0], key[0], value[0], scores)
    return output.transpose(0, 1).unsqueeze(0), None


def register() -> None:
    """Make the function known to transformers under `NAME`; registering twice changes nothing."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, attend)
