from __future__ import annotations

import itertools

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longdoc.attention.merge import Partial, merge, with_sinks


def whole(scores: torch.Tensor, values: torch.Tensor) -> Partial:
    return Partial(torch.softmax(scores, -1) @ values, torch.logsumexp(scores, -1))


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(1, 39), max_size=5, unique=True), seed=st.integers(0, 99))
def test_parts_over_any_partition_join_to_the_whole(cuts: list[int], seed: int) -> None:
    torch.manual_seed(seed)
    scores, values = torch.randn(3, 5, 40).double() * 20, torch.randn(3, 40, 8).double()
    edges = [0, *sorted(cuts), 40]
    parts = [whole(scores[..., a:b], values[:, a:b]) for a, b in itertools.pairwise(edges)]
    joined, expected = merge(parts), whole(scores, values)
    torch.testing.assert_close(joined.output, expected.output)
    torch.testing.assert_close(joined.lse, expected.lse)


def test_a_part_without_keys_drops_out() -> None:
    part = whole(torch.randn(2, 3, 4), torch.randn(2, 4, 8))
    nothing = Partial(torch.full((2, 3, 8), 7.0), torch.full((2, 3), -torch.inf))
    joined = merge([nothing, part])
    torch.testing.assert_close(joined.output, part.output)
    torch.testing.assert_close(joined.lse, part.lse)


def test_rows_that_see_no_key_anywhere_become_zero_and_not_nan() -> None:
    nothing = Partial(torch.zeros(1, 2, 4), torch.full((1, 2), -torch.inf))
    joined = merge([nothing, nothing])
    assert torch.equal(joined.output, torch.zeros(1, 2, 4))
    assert torch.isinf(joined.lse).all()


def test_sums_of_bfloat16_parts_are_float32() -> None:
    parts = [Partial(torch.ones(1, 1, 4, dtype=torch.bfloat16), torch.zeros(1, 1)) for _ in range(2)]
    assert merge(parts).output.dtype == torch.float32


def test_a_sink_takes_its_share_and_carries_no_value() -> None:
    scores, values = torch.randn(2, 3, 6), torch.randn(2, 6, 4)
    sinks = torch.tensor([[0.5], [2.0]])
    extended = torch.cat([scores, sinks.unsqueeze(-1).expand(2, 3, 1)], -1)
    expected = torch.softmax(extended, -1)[..., :-1] @ values
    joined = with_sinks(whole(scores, values), sinks)
    torch.testing.assert_close(joined.output, expected)
    torch.testing.assert_close(joined.lse, torch.logsumexp(extended, -1))
