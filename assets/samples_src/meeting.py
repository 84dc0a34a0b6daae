"""meeting.vtt: six minutes, two speakers, forty silent seconds in the middle. Times follow the number of words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DURATION_S = 360.0
SILENCE_S = (160.0, 200.0)
_TEXT = Path(__file__).resolve().parent / "text" / "meeting.txt"
_PAUSE_WORDS = 1.0  # between two lines, as many seconds as it takes to say one word
_SILENCE = "[silence 40]"


@dataclass(frozen=True)
class Spoken:
    """One line of the meeting."""

    start_s: float
    end_s: float
    speaker: str
    text: str


def lines() -> list[Spoken]:
    """Return what is said, each half stretched to its share of the six minutes."""
    first, second = _TEXT.read_text(encoding="utf-8").strip().split(f"\n{_SILENCE}\n")
    return [*_timed(first, 0.0, SILENCE_S[0]), *_timed(second, SILENCE_S[1], DURATION_S)]


def meeting() -> str:
    """Return the transcript as WebVTT."""
    cues = [f"{_clock(line.start_s)} --> {_clock(line.end_s)}\n<v {line.speaker}>{line.text}" for line in lines()]
    return "WEBVTT\n\n" + "\n\n".join(cues) + "\n"


def _timed(text: str, begin_s: float, end_s: float) -> list[Spoken]:
    parts = [line.split(": ", 1) for line in text.split("\n")]
    lengths = [len(re.findall(r"\S+", words)) for _, words in parts]
    per_word = (end_s - begin_s) / (sum(lengths) + _PAUSE_WORDS * len(parts))
    found = []
    at = begin_s
    for (speaker, words), length in zip(parts, lengths, strict=True):
        stop = at + length * per_word
        found.append(Spoken(round(at, 3), round(stop, 3), speaker, words))
        at = stop + _PAUSE_WORDS * per_word
    return found


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
