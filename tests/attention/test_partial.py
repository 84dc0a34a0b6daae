from __future__ import annotations

import pytest
import torch

from longdoc.attention import partial
from longdoc.attention.partial import attend_blocks, attend_run

KV_HEADS, GROUP, DIM = 2, 3, 16


def tensors(n_queries: int, n_keys: int, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(n_queries * 1000 + n_keys)
    query = torch.randn(KV_HEADS, GROUP, n_queries, DIM) * 2
    keys, values = torch.randn(KV_HEADS, n_keys, DIM), torch.randn(KV_HEADS, n_keys, DIM)
    return query.to(dtype), keys.to(dtype), values.to(dtype)


def slow(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    scale: float,
    visible: torch.Tensor | None = None,
    softcap: float | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    scores = torch.einsum("hgqd,hkd->hgqk", query.double(), keys.double()) * scale
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    if visible is not None:
        scores = scores.masked_fill(~visible, -torch.inf)
    weights = torch.softmax(scores, -1).nan_to_num()
    return torch.einsum("hgqk,hkd->hgqd", weights, values.double()), torch.logsumexp(scores, -1)


@pytest.mark.parametrize("n_keys", [1, 7, 64, 300])
@pytest.mark.parametrize("softcap", [None, 3.0])
def test_unmasked_keys_are_all_seen_by_every_row(n_keys: int, softcap: float | None) -> None:
    query, keys, values = tensors(5, n_keys)
    output, lse = attend_run(query, keys, values, scale=0.3, softcap=softcap)
    expected, expected_lse = slow(query, keys, values, 0.3, softcap=softcap)
    torch.testing.assert_close(output.double(), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(lse.double(), expected_lse, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("softcap", [None, 3.0])
def test_a_causal_run_hides_later_keys(softcap: float | None) -> None:
    query, keys, values = tensors(33, 33)
    output, _ = attend_run(query, keys, values, scale=0.3, causal=True, softcap=softcap)
    expected, _ = slow(query, keys, values, 0.3, torch.ones(33, 33, dtype=torch.bool).tril(), softcap)
    torch.testing.assert_close(output.double(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("softcap", [None, 3.0])
def test_a_trailing_run_hides_earlier_keys(softcap: float | None) -> None:
    query, keys, values = tensors(33, 33)
    output, lse = attend_run(query, keys, values, scale=0.3, trailing=True, softcap=softcap)
    expected, expected_lse = slow(query, keys, values, 0.3, torch.ones(33, 33, dtype=torch.bool).triu(), softcap)
    torch.testing.assert_close(output.double(), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(lse.double(), expected_lse, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("softcap", [None, 3.0])
def test_a_row_without_a_visible_key_says_so(softcap: float | None) -> None:
    query, keys, values = tensors(4, 9)
    visible = torch.rand(4, 9) < 0.5
    visible[2] = False
    visible[0, 0] = True
    mask = torch.zeros(4, 9).masked_fill(~visible, -torch.inf)
    output, lse = attend_run(query, keys, values, scale=0.3, mask=mask, softcap=softcap)
    expected, expected_lse = slow(query, keys, values, 0.3, visible, softcap)
    assert torch.isinf(lse[:, :, 2]).all()
    torch.testing.assert_close(output.double(), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(lse.double(), expected_lse, atol=1e-5, rtol=1e-5)


def test_soft_capped_scores_are_the_same_however_they_are_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    query, keys, values = tensors(6, 500)
    visible = torch.rand(6, 500) < 0.7
    mask = torch.zeros(6, 500).masked_fill(~visible, -torch.inf)
    monkeypatch.setattr(partial, "_SCORE_BLOCK_BYTES", 1)
    output, _ = attend_run(query, keys, values, scale=0.3, mask=mask, softcap=3.0)
    expected, _ = slow(query, keys, values, 0.3, visible, 3.0)
    torch.testing.assert_close(output.double(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("native", [True, False])
def test_bfloat16_keys_stay_within_their_own_rounding(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial, "has_bfloat16_products", lambda: native)
    monkeypatch.setattr(partial, "_CONVERT_TOKENS", 100)
    query, keys, values = tensors(40, 350, torch.bfloat16)
    for causal in (False, True):
        n_keys = 40 if causal else 350
        output, lse = attend_run(query, keys[:, :n_keys], values[:, :n_keys], scale=0.3, causal=causal)
        visible = torch.ones(40, n_keys, dtype=torch.bool).tril() if causal else None
        expected, expected_lse = slow(query, keys[:, :n_keys], values[:, :n_keys], 0.3, visible)
        torch.testing.assert_close(output.double(), expected, atol=0.02, rtol=0.02)
        torch.testing.assert_close(lse.double(), expected_lse, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("softcap", [None, 3.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_blocks_of_a_run_get_what_they_get_apart(
    softcap: float | None, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial, "_CONVERT_TOKENS", 32)  # two blocks at once, and one left over
    query, keys, values = tensors(1, 5 * 16, dtype)
    bias = torch.randn(KV_HEADS, query.shape[1], 80)
    # A view into a larger buffer, as a document segment is.
    held = torch.zeros(2, KV_HEADS, 100, DIM, dtype=dtype)
    held[0, :, :80], held[1, :, :80] = keys, values
    for added in (None, bias):
        run, apart = attend_blocks(
            query, held[0][:, :80], held[1][:, :80], scale=0.3, block=16, softcap=softcap, bias=added
        )
        assert run.output.dtype == apart.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        # Keys are converted, not rounded: sums are as exact as float32 in every dtype.
        whole = attend_run(query.double(), keys.double(), values.double(), scale=0.3, softcap=softcap, bias=added)
        torch.testing.assert_close(run.output.double(), whole.output.double(), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(run.lse.double(), whole.lse.double(), atol=1e-5, rtol=1e-5)
        for block in range(5):
            part = slice(block * 16, block * 16 + 16)
            alone = attend_run(
                query.double(), keys[:, part].double(), values[:, part].double(), scale=0.3, softcap=softcap,
                bias=None if added is None else added[:, :, part],
            )  # fmt: skip
            torch.testing.assert_close(apart[:, block].double(), alone.lse[:, :, 0].double(), atol=1e-5, rtol=1e-5)


def test_a_block_far_below_the_others_gets_nothing_and_spoils_nothing() -> None:
    query, keys, values = tensors(1, 64, torch.float32)
    keys[:, 16:32] = -query.mean(1) * 1e4
    run, apart = attend_blocks(query, keys, values, scale=1.0, block=16)
    assert torch.isfinite(run.output).all()
    shares = torch.exp(apart - run.lse.transpose(1, 2))
    assert not shares.isnan().any()
    torch.testing.assert_close(shares.sum(1), torch.ones_like(shares[:, 0]))


def test_long_runs_hold_no_whole_score_matrix() -> None:
    # 64 rows over 200,000 keys would be 50 MB of scores; the run's own output is 24 KB.
    query, keys, values = torch.randn(1, 1, 64, 8), torch.randn(1, 200_000, 8), torch.randn(1, 200_000, 8)
    with torch.profiler.profile(profile_memory=True) as profile:
        attend_run(query, keys, values, scale=0.3)
    largest = max(event.self_cpu_memory_usage for event in profile.events())
    assert largest < 4 << 20
