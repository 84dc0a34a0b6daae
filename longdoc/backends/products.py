"""Products of one row with the weights of a small model, where reading the weights is what takes the time.

A single row meets every weight once, so a product lasts as long as its weights take
to come from memory. Weights that came as bfloat16 or float16 are numbers of half the
size: stored as float16 for a kernel that widens them on the way and sums in float32,
they give the same result in a fraction of the time. Other weights, and machines
without the kernel, take float32 with the inputs as rows, which one row still goes
through faster than through the outputs as rows that `torch.nn.Linear` stores.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

_ROUNDING = 2.0**-22  # of the largest weight: what float16 may lose of weights near zero
_ROWS = 128  # of weights that are looked at together

Product = Callable[[Tensor], Tensor]
"""[1, width in] -> [1, width out]."""


def joined(modules: Sequence[Any], *, copied: bool) -> Product:
    """Return the product of one row with linear layers of one input, their outputs side by side.

    With `copied` the weights are stored anew in the form that is fastest for one row; see `copied_bytes`.
    """
    if not copied:
        return modules[0] if len(modules) == 1 else lambda row: torch.cat([module(row) for module in modules], 1)
    bias = _bias(modules)
    weight = modules[0].weight if len(modules) == 1 else torch.cat([module.weight for module in modules])
    halved = _halved(weight, bias)
    if halved is not None:
        return halved
    by_input = weight.T.contiguous()
    if bias is None:
        return lambda row: torch.mm(row, by_input)
    return lambda row: torch.addmm(bias, row, by_input)


def copied_bytes(modules: Sequence[Any], most: int) -> int:
    """Return the bytes that copies of these layers' weights take; 0 where that would be more than `most`."""
    weights = [module.weight for module in modules]
    if 2 * sum(weight.numel() for weight in weights) > most:  # not even halved
        return 0
    n_bytes = sum(weight.numel() * (2 if _takes_half(weight) else weight.itemsize) for weight in weights)
    return n_bytes if n_bytes <= most else 0


@contextmanager
def one_thread() -> Iterator[None]:
    """Let one thread do the work within: for a row, waking others takes longer than what they would save."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _bias(modules: Sequence[Any]) -> Tensor | None:
    if all(module.bias is None for module in modules):
        return None
    weights, biases = [module.weight for module in modules], [module.bias for module in modules]
    return torch.cat([w.new_zeros(len(w)) if b is None else b for w, b in zip(weights, biases, strict=True)])


def _takes_half(weight: Tensor) -> bool:
    """Return whether float16 holds these weights, and a kernel takes them."""
    weight = weight.detach()
    has_kernel = hasattr(torch, "fbgemm_linear_fp16_weight_fp32_activation")
    if weight.dtype != torch.float32 or not has_kernel or "fbgemm" not in torch.backends.quantized.supported_engines:
        return False
    most = _ROUNDING * max(float(-weight.amin()), float(weight.amax()))
    # A few rows at a time: what large copies take while this is found out would not all be given back.
    return all(bool((rows - rows.half()).abs().amax() <= most) for rows in torch.split(weight, _ROWS))


def _halved(weight: Tensor, bias: Tensor | None) -> Product | None:
    """Return the product with weights [width out, width in] in float16; None where that would not be the same."""
    if not _takes_half(weight):
        return None
    multiply: Any = torch.fbgemm_linear_fp16_weight_fp32_activation
    with warnings.catch_warnings():  # both functions say that they will be replaced some day
        warnings.simplefilter("ignore")
        packed = torch.fbgemm_pack_gemm_matrix_fp16(weight)
        multiply(weight.new_zeros(1, weight.shape[1]), packed, bias)
    return lambda row: multiply(row, packed, bias)
