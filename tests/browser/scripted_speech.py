"""A speech engine that knows the sample meeting by heart, in the child process of real engines.

It hears a line only where there is sound. Speakers are told apart as a speaker model would: by
number. A name is spelled right only if it was entered among the terms, as with real engines.
It hears no further than the file that SCRIPTED_SPEECH_UNTIL names says, in seconds, and is not loaded before
that file is there.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from samples_src.meeting import lines  # type: ignore[import-not-found]  # assets/ is on the path of the child

from longdoc.speech.engine import SAMPLE_RATE, SpeechOptions
from longdoc.speech.transcript import Heard, Utterance, Word

if TYPE_CHECKING:
    import numpy

NAME, MISHEARD = "Tjorven Aakre", "your van ochre"
_SPEAKERS = {"Hanne": "Speaker 1", "Ruben": "Speaker 2"}


class MeetingEngine:
    """Yields the meeting's lines as their sound comes in."""

    name = "scripted"
    label = "a scripted engine"

    def transcribe(
        self, pcm: Iterable[numpy.ndarray], options: SpeechOptions, stop: threading.Event, start_s: float = 0.0
    ) -> Iterator[Heard]:
        waiting = [line for line in lines() if line.start_s >= start_s - 0.001]
        at_s, loud = start_s, start_s - 1.0
        for piece in pcm:
            length_s = len(piece) / SAMPLE_RATE
            if abs(piece).max(initial=0) > 100:
                loud = at_s + length_s
            at_s += length_s
            while waiting and waiting[0].end_s <= at_s:
                while waiting[0].end_s > allowed_s():
                    if stop.wait(0.05):
                        return
                line = waiting.pop(0)
                heard = loud >= line.start_s
                yield Heard(line.end_s, (said(line, options),) if heard else (), "en")
        yield Heard(at_s, (), "en")


def allowed_s() -> float:
    gate = os.environ.get("SCRIPTED_SPEECH_UNTIL")
    return float(Path(gate).read_text() or "0") if gate else float("inf")


def said(line: object, options: SpeechOptions) -> Utterance:
    text = line.text if NAME in options.terms else line.text.replace(NAME, MISHEARD)  # type: ignore[attr-defined]
    spoken, start_s, end_s = text.split(), line.start_s, line.end_s  # type: ignore[attr-defined]
    step = (end_s - start_s) / len(spoken)
    words = tuple(Word(start_s + n * step, start_s + (n + 1) * step, word, 0.9) for n, word in enumerate(spoken))
    return Utterance(start_s, end_s, text, _SPEAKERS[line.speaker], 0.9, words)  # type: ignore[attr-defined]


def engine(options: SpeechOptions) -> MeetingEngine:
    gate = os.environ.get("SCRIPTED_SPEECH_UNTIL")
    while gate and not Path(gate).exists():
        time.sleep(0.05)
    return MeetingEngine()
