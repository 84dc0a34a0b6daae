"""This ensures that progress is told as people read it."""

from __future__ import annotations

import pytest

from longdoc.speech.progress import Listening, Pace, in_words


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Listening("loading"), "Loading model"),
        (Listening("finding"), "Finding speech"),
        (Listening("hearing", 2535, 7082, 355), "42:15 of 1:58:02, 6 min left"),
        (Listening("hearing", 5, 360), "0:05 of 6:00"),
        (Listening("hearing", 5), "0:05"),
        (Listening("hearing", 5, 36_000, 7_300), "0:05 of 10:00:00, 2 h 2 min left"),
    ],
)
def test_a_step_in_words(step: Listening, words: str) -> None:
    assert in_words(step) == words


def test_time_left_counts_this_run_only() -> None:
    now = [0.0]
    pace = Pace(100.0, clock=lambda: now[0])
    now[0] = 10.0
    assert pace.left_s(110.0, 200.0) is None  # one step tells little
    now[0] = 20.0
    assert pace.left_s(120.0, 200.0) == pytest.approx(80.0)  # one second a second, 80 to go
    assert pace.left_s(200.0, 200.0) is None
