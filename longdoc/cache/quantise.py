"""Numbers to their stored form and back.

A narrow row is x = scale * q, with q an int8 or an fp8 (e4m3) number and one
scale for each token and head, chosen so that the row's largest becomes the
largest q. The scale is rounded to bfloat16 before it divides, so its rounding
costs nothing. An int8 number is off by at most scale / 2, that is 1/254 of the
row's largest; an fp8 number by 1/16 of itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from longdoc.cache.kv_dtypes import SCALE_DTYPE, Form, KVDtype


def dtype_of(name: str) -> torch.dtype:
    """Return the dtype that torch calls `name`."""
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)
    return dtype


def encode(form: Form, rows: Tensor) -> list[Tensor]:
    """Return what is stored of rows [..., n, width]: numbers of that shape, and scales [..., n, 1] of a narrow form.

    A row that is not finite comes back as NaN: its scale says so.
    """
    if not form.scaled:
        return [rows.to(dtype_of(form.dtype))]
    wide = rows.float()
    scale = (wide.abs().amax(-1, keepdim=True) / form.largest).to(dtype_of(SCALE_DTYPE))
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    numbers = wide / scale.float()
    if form.dtype == "int8":
        numbers = numbers.round_()
    return [numbers.clamp_(-form.largest, form.largest).to(dtype_of(form.dtype)), scale]


def decode(form: Form, stored: Sequence[Tensor], dtype: torch.dtype) -> Tensor:
    """Return rows in `dtype` from what `encode` returned; a view where nothing is to be done."""
    numbers = _widened(stored[0]) if _takes_bits(stored[0], dtype) else stored[0].to(dtype)
    return numbers.mul_(stored[1].to(dtype)) if form.scaled else numbers


def encode_pair(kv: KVDtype, keys: Tensor, values: Tensor) -> list[Tensor]:
    """Return the strips of keys, then of values."""
    return encode(kv.keys, keys) + encode(kv.values, values)


def decode_pair(kv: KVDtype, strips: Sequence[Tensor], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return keys and values from all strips of a layer."""
    n = 2 if kv.keys.scaled else 1
    return decode(kv.keys, strips[:n], dtype), decode(kv.values, strips[n:], dtype)


def _takes_bits(numbers: Tensor, dtype: torch.dtype) -> bool:
    return numbers.dtype == torch.float8_e4m3fn and dtype == torch.bfloat16 and numbers.device.type == "cpu"


def _widened(numbers: Tensor) -> Tensor:
    """Return fp8 (e4m3) numbers as bfloat16, exactly.

    torch converts them one by one on a CPU, about fifty times slower. Sign, exponent and fraction move
    to their places in a bfloat16; what is left is the exponents' bias, 127 instead of 7. NaN is not
    kept, but a row that has one has it in its scale.
    """
    bits = numbers.view(torch.int8).to(torch.int16)
    moved = (bits & 0x7F).bitwise_left_shift_(4).bitwise_or_(bits & -0x8000)
    return moved.view(torch.bfloat16).mul_(2.0**120)
