from __future__ import annotations

import pytest
import torch

from longdoc.attention import kernel
from longdoc.attention.kernel import attend_full, worthwhile
from longdoc.attention.merge import Partial, merge
from longdoc.attention.partial import attend_run

KV_HEADS, GROUP, ROWS = 2, 2, 256


def run_of(n_keys: int, dim: int = 64, spread: float = 2.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(n_keys + dim)
    query = torch.randn(KV_HEADS, GROUP, ROWS, dim) * spread
    keys, values = torch.randn(KV_HEADS, n_keys, dim), torch.randn(KV_HEADS, n_keys, dim)
    return query.bfloat16(), keys.bfloat16(), values.bfloat16()


def in_float64(query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scale: float) -> Partial:
    scores = torch.einsum("hgqd,hkd->hgqk", query.double(), keys.double()) * scale
    return Partial(
        torch.einsum("hgqk,hkd->hgqd", torch.softmax(scores, -1), values.double()), torch.logsumexp(scores, -1)
    )


@pytest.mark.parametrize("n_keys", [2048, 2049, 2300, 4096 + 511])
@pytest.mark.parametrize("dim", [64, 40])
def test_products_agree_with_float64_as_the_flash_kernel_does(n_keys: int, dim: int) -> None:
    query, keys, values = run_of(n_keys, dim)
    scale = dim**-0.5
    expected = in_float64(query, keys, values, scale)
    found, flash = attend_full(query, keys, values, scale=scale), attend_run(query, keys, values, scale=scale)
    torch.testing.assert_close(found.output.double(), expected.output, atol=2e-2, rtol=2e-2)
    torch.testing.assert_close(found.lse.double(), expected.lse, atol=1e-2, rtol=0)
    ours, theirs = ((part.output.double() - expected.output).square().mean().sqrt() for part in (found, flash))
    assert ours < 4 * theirs  # bfloat16's own rounding of the output is the larger part of both


@pytest.mark.parametrize("lead", [6.0, 40.0, 200.0])
def test_a_key_far_above_all_before_it_takes_its_share_exactly(lead: float) -> None:
    query, keys, values = run_of(3000)
    direction = torch.nn.functional.normalize(torch.randn(64), dim=0)
    query = (query * 0.1 + 20 * direction).bfloat16()  # every row looks for it
    keys[:, 2500] = (direction * lead * 8 / 20).bfloat16()
    keys[:, 2700] = keys[:, 2500]  # twice, in another block: half each
    expected = in_float64(query, keys, values, 0.125)
    found = attend_full(query, keys, values, scale=0.125)
    assert torch.isfinite(found.lse).all()
    torch.testing.assert_close(found.output.double(), expected.output, atol=3e-2, rtol=2e-2)
    torch.testing.assert_close(found.lse.double(), expected.lse, atol=2e-2, rtol=1e-3)


def test_all_rows_can_leap_in_every_block() -> None:
    query, keys, values = run_of(4096)
    query = query.abs()
    keys = (keys * 0.1 + torch.arange(4096).unsqueeze(1) / 256).bfloat16()  # later is always far better
    expected = in_float64(query, keys, values, 0.125)
    found = attend_full(query, keys, values, scale=0.125)
    torch.testing.assert_close(found.output.double(), expected.output, atol=5e-2, rtol=5e-2)
    torch.testing.assert_close(found.lse.double(), expected.lse, atol=2e-2, rtol=1e-3)


def test_a_part_merges_with_parts_of_the_flash_kernel() -> None:
    query, keys, values = run_of(4000)
    parts = [
        attend_run(query, keys[:, 3000:], values[:, 3000:], scale=0.125),
        attend_full(query, keys[:, :3000], values[:, :3000], scale=0.125),
    ]
    expected = in_float64(query, keys, values, 0.125)
    torch.testing.assert_close(merge(parts).output.double(), expected.output, atol=2e-2, rtol=2e-2)


def test_inputs_stay_as_they_were() -> None:
    tensors = run_of(2100)
    before = [part.clone() for part in tensors]
    attend_full(*tensors, scale=0.125)
    assert all(torch.equal(part, copy) for part, copy in zip(tensors, before, strict=True))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda q, k, v: (q, k, v), True),
        (lambda q, k, v: (q.float(), k.float(), v.float()), False),
        (lambda q, k, v: (q[:, :, :1], k, v), False),  # one query: nothing to share a block of keys
        (lambda q, k, v: (q, k[:, :100], v[:, :100]), False),
        (lambda q, k, v: (q, k, v[..., :32]), False),
    ],
)
def test_short_runs_and_other_dtypes_are_left_to_flash(change: object, expected: bool) -> None:
    assert callable(change)
    assert worthwhile(*change(*run_of(kernel._MIN_KEYS))) is expected
