from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from toys import info_of, toy

from longdoc.backends.pace import Pace

READER = replace(
    info_of(toy("LlamaForCausalLM")), n_parameters=10_000_000, num_layers=6, num_heads=6, num_kv_heads=2, head_dim=64
)
LARGE = replace(READER, n_parameters=7_000_000_000, num_layers=28, num_heads=28, num_kv_heads=4, head_dim=128)


def test_a_small_model_takes_the_longest_step() -> None:
    assert Pace(READER, 1024).size(0) == 1024


@given(first=st.integers(0, 1_000_000), more=st.integers(0, 1_000_000), longest=st.integers(1, 4096))
def test_steps_never_grow_with_the_position_nor_past_the_plan(first: int, more: int, longest: int) -> None:
    pace = Pace(LARGE, longest)
    assert 1 <= pace.size(first + more) <= pace.size(first) <= longest


def test_a_large_model_takes_short_steps() -> None:
    assert Pace(LARGE, 1024).size(0) <= 64


@given(position=st.integers(0, 500_000))
def test_two_reads_of_the_same_text_take_the_same_steps(position: int) -> None:
    one, other = Pace(READER, 1024), Pace(READER, 1024)
    one.took(1024, 0.9)
    assert one.size(position) == other.size(position)


def test_a_step_that_took_far_too_long_is_halved() -> None:
    pace = Pace(READER, 1024)
    pace.took(1024, 5.0)
    assert pace.size(0) == 512


def test_the_smallest_step_cannot_shrink() -> None:
    pace = Pace(READER, 1024)
    while pace.shrink(pace.size(0)):
        pass
    assert 1 <= pace.size(0) <= 32


def test_steps_grow_again_when_the_computer_is_free_but_not_past_the_plan() -> None:
    pace = Pace(READER, 1024)
    for _ in range(3):
        pace.took(pace.size(0), 5.0)
    assert pace.size(0) == 128
    for _ in range(9):
        pace.took(pace.size(0), 0.1)
    assert pace.size(0) == 1024


def test_a_short_last_step_is_no_sign_of_a_free_computer() -> None:
    pace = Pace(READER, 1024)
    pace.took(1024, 5.0)
    pace.took(7, 0.01)
    assert pace.size(0) == 512


def test_what_did_not_fit_into_memory_is_not_tried_again() -> None:
    pace = Pace(READER, 1024)
    assert pace.shrink(1024)
    for _ in range(5):
        pace.took(pace.size(0), 0.01)
    assert pace.size(0) == 512
