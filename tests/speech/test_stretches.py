"""This ensures that cutting loses nothing, cuts in pauses, and is the same wherever a run begins."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import numpy
import pytest
from sounds import RATE, meeting, tone

from longdoc.speech.stretches import Stretch, stretches

GO = threading.Event()


def pieces(sound: numpy.ndarray, size: int = 8000) -> Iterator[numpy.ndarray]:
    for first in range(0, len(sound), size):
        yield sound[first : first + size]


@pytest.fixture(scope="module")
def spoken() -> numpy.ndarray:
    """The last 40 s of the meeting's first half, and some of its silence."""
    return meeting()[120 * RATE : 185 * RATE]


@pytest.fixture(scope="module")
def cut(spoken: numpy.ndarray) -> list[Stretch]:
    return list(stretches(pieces(spoken), 120.0, GO, look_s=15))


def test_stretches_laid_end_to_end_are_the_sound(spoken: numpy.ndarray, cut: list[Stretch]) -> None:
    assert numpy.array_equal(numpy.concatenate([stretch.samples for stretch in cut]), spoken)
    at = 120.0
    for stretch in cut:
        assert stretch.start_s == pytest.approx(at, abs=1e-6)
        at = stretch.end_s


def test_cuts_lie_in_pauses(cut: list[Stretch]) -> None:
    for stretch in cut[:-1]:
        around = stretch.samples[-RATE // 20 :]
        assert numpy.abs(around.astype(int)).mean() < 200


def test_speech_is_found_and_silence_is_not(cut: list[Stretch]) -> None:
    spans = [span for stretch in cut for span in stretch.speech]
    assert all(first < last <= 161 for first, last in spans)
    assert sum(last - first for first, last in spans) > 20
    assert all(before[1] <= after[0] + 1e-6 for before, after in itertools.pairwise(spans))
    assert all(last - first <= 20.0 + 1e-6 for first, last in spans)


def test_a_run_that_begins_at_a_cut_cuts_as_the_run_before(spoken: numpy.ndarray, cut: list[Stretch]) -> None:
    first = cut[1]
    rest = spoken[round((first.start_s - 120) * RATE) :]
    again = list(stretches(pieces(rest, 5000), first.start_s, GO, look_s=15))
    assert [(s.start_s, s.end_s, s.speech) for s in again] == [(s.start_s, s.end_s, s.speech) for s in cut[1:]]


def test_digital_silence_and_tones_hold_no_speech() -> None:
    sound = numpy.concatenate([numpy.zeros(20 * RATE, numpy.int16), tone(10)])
    assert [stretch.speech for stretch in stretches(pieces(sound), 0.0, GO, look_s=15)] == [(), ()]


def test_speech_without_a_pause_is_cut_all_the_same(spoken: numpy.ndarray) -> None:
    dense = numpy.concatenate([s.cut(*span) for s in stretches(pieces(spoken), 0.0, GO) for span in s.speech])
    found = list(stretches(pieces(dense), 0.0, GO, look_s=5, max_speech_s=4))
    assert numpy.array_equal(numpy.concatenate([stretch.samples for stretch in found]), dense)
    assert all(last - first <= 4.01 for stretch in found for first, last in stretch.speech)


def test_stop_ends_it(spoken: numpy.ndarray) -> None:
    stop = threading.Event()
    stop.set()
    assert not list(stretches(pieces(spoken), 0.0, stop))
