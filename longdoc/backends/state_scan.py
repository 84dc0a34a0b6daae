"""The library's scans, continued from the state before and run in small pieces.

transformers 5.23 starts the multi-token scan of Mamba, FalconMamba and Jamba from a
zero state even when its cache holds one. The recurrence is linear in that state:

    h_t = exp(Δ_t A) h_{t-1} + Δ_t B_t x_t,    y_t = (C_t · h_t + D x_t) silu(z_t)
    y_t(h_0) = y_t(0) + C_t · exp(A Σ_{j≤t} Δ_j) h_0 silu(z_t),    h_T(h_0) = h_T(0) + exp(A Σ Δ) h_0

(https://arxiv.org/abs/2312.00752, equation 2), so what is missing is added to what
the library computes; its code stays as it is. Without fast kernels the scans hold
several numbers for each token, channel and state at once: pieces of a step keep that
bounded. The replacements stand for the time of a `with` block only, and only calls
from within it, in its own thread, are changed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_PIECE_TOKENS = 256  # of the chunked scans
_CHUNK_TOKENS = 64  # inside a piece every token meets every other of its chunk
_SCAN_BYTES = 32 << 20  # what one piece of Mamba's scan holds at once, about
_SCAN_TENSORS = 5  # of tokens x channels x states alive at once
_OPEN_LIMIT = (0.0, float("inf"))

_running: ContextVar[tuple[Any, Tensor | None] | None] = ContextVar("longdoc_mixer", default=None)


def mixers(model: Any) -> list[Any]:
    """Return the recurrent modules of a model, by layer."""
    return [module for module in model.modules() if hasattr(module, "layer_idx") and hasattr(module, "conv1d")]


@contextmanager
def continuing(modules: Sequence[Any]) -> Iterator[None]:
    """Let the scans of `modules` (see `mixers`) go on from their cache's state within the block."""
    library = {sys.modules[type(module).__module__] for module in modules}
    before = [(file, name, vars(file)[name]) for file in library for name in _REPLACED if name in vars(file)]
    token = _running.set(None)
    hooks = [module.register_forward_pre_hook(_note, with_kwargs=True) for module in modules]
    try:
        for file, name, original in before:
            setattr(file, name, partial(_REPLACED[name], original))
        yield
    finally:
        for file, name, original in before:
            setattr(file, name, original)
        for hook in hooks:
            hook.remove()
        _running.reset(token)


def _note(mixer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Remember which mixer runs, and the state it continues."""
    cache = kwargs.get("cache_params")
    _running.set((mixer, None if cache is None else cache.get_recurrent_state(mixer.layer_idx)))


def _selective_scan(
    original: Callable[..., tuple[Tensor, Tensor]],
    hidden_states: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    *,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    return_last_state: bool = False,
    **kwargs: Any,
) -> Any:
    """Mamba-1: inputs [1, channels, n], A [channels, states], B and C [1, states, n]."""
    running, n = _running.get(), hidden_states.shape[-1]
    state = running[1] if running else None
    piece = max(_SCAN_BYTES // (A.numel() * 4 * _SCAN_TENSORS), 8)
    options = {"delta_bias": delta_bias, "delta_softplus": delta_softplus, "return_last_state": True, **kwargs}
    outputs = []
    for start in range(0, n, piece):
        at = slice(start, start + piece)
        gate = None if z is None else z[..., at]
        output, last = original(hidden_states[..., at], dt[..., at], A, B[..., at], C[..., at], z=gate, **options)
        if state is not None:
            steps = dt[..., at].float() if delta_bias is None else dt[..., at].float() + delta_bias[:, None].float()
            steps = functional.softplus(steps) if delta_softplus else steps
            carried = torch.exp(A.float()[:, None] * steps.cumsum(-1).unsqueeze(-1)) * state.float().unsqueeze(2)
            added = (carried * C[..., at].float().transpose(1, 2).unsqueeze(1)).sum(-1)  # [1, channels, n]
            output = output + (added if gate is None else added * functional.silu(gate.float())).to(output.dtype)
            last = last + carried[:, :, -1].to(last.dtype)
        outputs.append(output)
        state = last
    joined = torch.cat(outputs, -1)
    return (joined, state) if return_last_state else joined


def _chunk_scan(
    original: Callable[..., tuple[Tensor, Tensor]],
    hidden_states: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    *,
    chunk_size: int,
    initial_states: Tensor | None = None,
    return_final_states: bool = False,
    **kwargs: Any,
) -> Any:
    """Mamba-2, which takes its state itself: inputs [1, n, ...] in pieces."""
    n, piece = hidden_states.shape[1], _PIECE_TOKENS
    if hidden_states.is_cuda:  # kernels bound their memory, and know a few sizes of chunks only
        piece = n
    else:
        chunk_size = min(chunk_size, _CHUNK_TOKENS, n)
    state, outputs = initial_states, []
    for start in range(0, n, piece):
        at = slice(start, start + piece)
        output, state = original(
            *(tensor[:, at] for tensor in (hidden_states, dt)), A, *(tensor[:, at] for tensor in (B, C)),
            chunk_size=chunk_size, initial_states=state, return_final_states=True, **kwargs,
        )  # fmt: skip
        outputs.append(output)
    joined = torch.cat(outputs, 1)
    return (joined, state) if return_final_states else joined


def _delta_rule(
    original: Callable[..., tuple[Tensor, Tensor | None]],
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    g: Tensor,
    beta: Tensor,
    initial_state: Tensor | None = None,
    output_final_state: bool = False,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    """Gated delta rule, which takes its state itself: inputs [1, n, ...] in pieces."""
    n = query.shape[1]
    piece = n if query.is_cuda else _PIECE_TOKENS
    state, outputs = initial_state, []
    for start in range(0, n, piece):
        at = slice(start, start + piece)
        parts = [tensor[:, at] for tensor in (query, key, value)]
        options = {"initial_state": state, "output_final_state": True, **kwargs}
        output, state = original(*parts, g=g[:, at], beta=beta[:, at], **options)
        outputs.append(output)
    return torch.cat(outputs, 1), state if output_final_state else None


def _state_update(
    original: Callable[..., Tensor],
    state: Tensor,
    hidden_states: Tensor,
    dt: Tensor,
    *args: Any,
    dt_bias: Tensor | None = None,
    dt_softplus: bool = False,
    **kwargs: Any,
) -> Tensor:
    """Mamba-2, one token: keep the steps in the limits that the multi-token scan keeps them in."""
    running = _running.get()
    limit = tuple(getattr(running[0], "time_step_limit", None) or _OPEN_LIMIT) if running else _OPEN_LIMIT
    if limit == _OPEN_LIMIT:
        return original(state, hidden_states, dt, *args, dt_bias=dt_bias, dt_softplus=dt_softplus, **kwargs)
    steps = dt if dt_bias is None else dt + dt_bias.to(dt.dtype)
    steps = (functional.softplus(steps) if dt_softplus else steps).clamp(*limit)
    return original(state, hidden_states, steps, *args, dt_bias=None, dt_softplus=False, **kwargs)


_REPLACED: dict[str, Callable[..., Any]] = {
    "mamba_selective_scan": _selective_scan,
    "mamba2_chunk_scan": _chunk_scan,
    "mamba2_selective_state_update": _state_update,
    "torch_chunk_gated_delta_rule": _delta_rule,
}
