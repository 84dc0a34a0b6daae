"""Intervals are the textbook ones and hold their score."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longdoc.evaluation.statistics import bootstrap, estimate, macro, wilson


def test_wilson_gives_the_textbook_interval() -> None:
    found = wilson(8, 10)
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    sure = wilson(50, 50)
    assert (sure.score, sure.low, sure.high) == pytest.approx((1.0, 0.9286, 1.0), abs=1e-4)


def test_of_nothing_nothing_is_known() -> None:
    for found in (wilson(0, 0), bootstrap([]), macro([]), estimate([])):
        assert (found.n, found.low, found.high) == (0, 0.0, 1.0)


@settings(max_examples=25)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(1, 9))
def test_every_interval_holds_its_score_and_repeats(values: list[float], n_groups: int) -> None:
    groups = [at % n_groups for at in range(len(values))]
    found = estimate(values, groups)
    assert 0 <= found.low <= found.score <= found.high <= 1
    assert found == estimate(values, groups)
    assert found.score == pytest.approx(sum(values) / len(values))


def test_answers_that_fail_together_widen_the_interval() -> None:
    values = [float(at // 10 % 2) for at in range(200)]  # twenty groups of ten, all right or all wrong
    groups = [at // 10 for at in range(200)]
    apart, together = estimate(values), estimate(values, groups)
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


def test_one_group_alone_is_not_taken_for_certainty() -> None:
    found = bootstrap([0.2, 0.9, 0.5, 0.1], ["same"] * 4)
    assert found.high - found.low > 0.2


def test_a_large_part_does_not_outweigh_a_small_one() -> None:
    found = macro([wilson(100, 100), wilson(0, 4)])
    assert (found.n, found.score) == (104, 0.5)


def test_parts_without_a_single_success_leave_doubt() -> None:
    found = macro([wilson(0, 6), wilson(0, 6)])
    assert (found.score, found.low) == (0.0, 0.0)
    assert 0.2 < found.high < wilson(0, 6).high
