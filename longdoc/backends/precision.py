"""Which number formats a model runs in, chosen by its size and the plan.

Small models keep float32 weights: their sums stay accurate, single-token steps are
faster than in bfloat16, and where keys and values are kept in bfloat16 the large
matrix products of reading take bfloat16 inputs as well (float32 sums), which is as
fast as a bfloat16 model. Larger models are bound by memory and are loaded in
bfloat16.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

FLOAT32_PARAMETERS = 300_000_000  # models up to this size keep float32 weights
_PRODUCT_ROWS = 16  # fewer rows gain nothing from bfloat16 products


def weight_dtype(n_parameters: int) -> torch.dtype:
    """Return the dtype to load weights in."""
    return torch.float32 if n_parameters <= FLOAT32_PARAMETERS else torch.bfloat16


@contextmanager
def products(computed: torch.dtype, n_rows: int) -> Iterator[None]:
    """Let float32 matrix products take bfloat16 inputs within the block, where attention computes in bfloat16."""
    settings: Any = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]  # set at import by torch
    before = settings.fp32_precision
    if computed == torch.bfloat16 and n_rows >= _PRODUCT_ROWS:
        settings.fp32_precision = "bf16"
    try:
        yield
    finally:
        settings.fp32_precision = before
