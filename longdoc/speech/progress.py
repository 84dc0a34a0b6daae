"""How far a transcription is, in numbers and in words: "42:15 of 1:58:02, 6 min left"."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from longdoc.speech.transcript import Utterance

Stage = Literal["loading", "finding", "hearing", "saving"]
_WORDS = {"loading": "Loading model", "finding": "Finding speech", "saving": "Keeping the transcript"}
_SURE_AFTER = 2  # steps before the time left is told


@dataclass(frozen=True)
class Listening:
    """One step of a transcription."""

    stage: Stage
    done_s: float = 0.0  # of the recording
    total_s: float = 0.0  # 0: not known
    left_s: float | None = None  # of waiting; None until it can be known
    utterances: tuple[Utterance, ...] = ()  # new since the step before
    transcript_id: int | None = None  # where they were stored


def in_words(step: Listening) -> str:
    """Return a step as people read it."""
    if step.stage != "hearing":
        return _WORDS[step.stage]
    text = clock(step.done_s)
    if step.total_s:
        text += f" of {clock(step.total_s)}"
    return text if step.left_s is None else f"{text}, {_left(step.left_s)} left"


def clock(seconds: float) -> str:
    """Return a time as players show it: 0:05, 42:15, 1:58:02."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _left(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


class Pace:
    """Estimates the time left from finished steps of this run; seconds heard before a resume do not count."""

    def __init__(self, from_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._from_s, self._clock = from_s, clock
        self._began = clock()
        self._steps = 0

    def left_s(self, done_s: float, total_s: float) -> float | None:
        """Return seconds of waiting left after a step that ended at `done_s` of the recording; None: not known."""
        self._steps += 1
        heard_s = done_s - self._from_s
        if self._steps < _SURE_AFTER or heard_s <= 0 or done_s >= total_s:
            return None
        return max(0.0, (total_s - done_s) * (self._clock() - self._began) / heard_s)
