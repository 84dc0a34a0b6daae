"""Joining partial attentions over disjoint keys, exactly.

Two parts with outputs o1, o2 and log-sum-exps l1, l2 combine to
(exp(l1) o1 + exp(l2) o2) / (exp(l1) + exp(l2)). A part over no keys has
log-sum-exp -inf and drops out. Sums are float32 whatever the inputs (float64
stays float64).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Partial(NamedTuple):
    """Attention over some of the keys."""

    output: Tensor  # [..., head_dim]
    lse: Tensor  # [...]: log of the sum of exponentiated scores; -inf where no key was visible


def merge(parts: Sequence[Partial]) -> Partial:
    """Join one or more parts over disjoint keys; rows that see no key in any part become zero."""
    if len(parts) == 1:
        return parts[0]
    peak = torch.stack([part.lse for part in parts]).amax(0)
    # A row without any key has peak -inf; -inf - -inf would be NaN.
    base = torch.where(torch.isinf(peak), torch.zeros_like(peak), peak)
    weights = [torch.exp(part.lse - base) for part in parts]
    total = sum(weights[1:], start=weights[0])
    scale = 1 / torch.where(total > 0, total, torch.ones_like(total))
    output = parts[0].output * (weights[0] * scale).unsqueeze(-1)
    for part, weight in zip(parts[1:], weights[1:], strict=True):
        output = torch.addcmul(output, part.output.to(output.dtype), (weight * scale).unsqueeze(-1))
    return Partial(output, base + torch.log(total))


def with_sinks(part: Partial, sinks: Tensor) -> Partial:
    """Let a learned score of its own, which carries no value, take its share of every row.

    `sinks` broadcasts against `part.lse`.
    """
    share = torch.sigmoid(part.lse - sinks.to(part.lse.dtype))
    return Partial(part.output * share.unsqueeze(-1), torch.logaddexp(part.lse, sinks.to(part.lse.dtype)))
