"""A speech engine for tests: one utterance for each second of sound that is not silent, as scripted.

It runs where the real engines run, in the child process, so it must be importable there by name:
the fixture in conftest.py puts this folder on the path. `engine_settings` of the options are its script.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy

from longdoc.speech.engine import SAMPLE_RATE, SpeechOptions
from longdoc.speech.transcript import Heard, Utterance, Word


def scripted_engine(options: SpeechOptions) -> ScriptedEngine:
    return ScriptedEngine(Path(os.environ["SCRIPTED_SPEECH"]).read_text() if "SCRIPTED_SPEECH" in os.environ else "")


class ScriptedEngine:
    """Script, one command a line: `crash 3`, `hang 3`, `allocate 3` (at that second), `slow 0.1`, `words Y`."""

    name = "scripted"
    label = "Scripted engine"

    def __init__(self, script: str) -> None:
        self.at = {line.split()[0]: line.split()[1] for line in script.splitlines() if line.strip()}

    def transcribe(
        self, pcm: Iterable[numpy.ndarray], options: SpeechOptions, stop: threading.Event, start_s: float = 0.0
    ) -> Iterator[Heard]:
        held = numpy.empty(0, dtype=numpy.int16)
        second = start_s
        for piece in pcm:
            held = numpy.concatenate((held, piece))
            while len(held) >= SAMPLE_RATE:
                yield self._second(held[:SAMPLE_RATE], second)
                held, second = held[SAMPLE_RATE:], second + 1
        if len(held):
            yield Heard(second + len(held) / SAMPLE_RATE)

    def _second(self, samples: numpy.ndarray, second: float) -> Heard:
        if self.at.get("crash") == f"{second:g}":
            os._exit(7)
        if self.at.get("hang") == f"{second:g}":
            time.sleep(600)
        if self.at.get("allocate") == f"{second:g}":
            self.held = bytearray(1 << 40)
        time.sleep(float(self.at.get("slow", "0")))
        if not samples.any():
            return Heard(second + 1)
        said = ["second", self.at.get("words", "x"), f"{second:g}"]
        words = tuple(Word(second + k / 3, second + (k + 1) / 3, word, 0.9) for k, word in enumerate(said))
        return Heard(second + 1, (Utterance(second, second + 1, " ".join(said), confidence=0.9, words=words),), "en")
