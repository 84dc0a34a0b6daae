"""Where to cut a recording: at pauses, found by voice activity, into stretches heard on their own.

A stretch begins where the one before ended, in a pause, so recognition of each is
independent of all others: what a run hears does not depend on where an earlier one
was stopped. Voice activity is Silero's small network, which comes with faster-whisper.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from longdoc.speech.engine import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy

_LOOK_S = 30.0  # sound looked at together
_MIN_PAUSE_S = 0.3  # a pause worth cutting in
_WINDOW = 512  # samples of one decision of the network
_PAD_S = 0.2  # kept around speech: first and last sounds are soft
_THRESHOLD = 0.5


@dataclass(frozen=True)
class Stretch:
    """Some sound between two pauses."""

    start_s: float
    samples: numpy.ndarray  # int16, mono, SAMPLE_RATE
    speech: tuple[tuple[float, float], ...]  # seconds of the recording in which somebody speaks, padded

    @property
    def end_s(self) -> float:
        return self.start_s + len(self.samples) / SAMPLE_RATE

    def cut(self, start_s: float, end_s: float) -> numpy.ndarray:
        """Return the samples between two times of the recording."""
        first = max(0, round((start_s - self.start_s) * SAMPLE_RATE))
        return self.samples[first : max(first, round((end_s - self.start_s) * SAMPLE_RATE))]


def stretches(
    pcm: Iterable[numpy.ndarray],
    start_s: float,
    stop: threading.Event,
    *,
    look_s: float = _LOOK_S,
    min_pause_s: float = 0.5,
    max_speech_s: float = 20.0,
) -> Iterator[Stretch]:
    """Cut sound into stretches of at most `look_s`, each but the last ending in a pause where there is one.

    Speech is listed in spans: a pause of `min_pause_s` ends one, and none is longer than `max_speech_s`.
    """
    import numpy

    ear = _Ear()
    n_look = round(look_s * SAMPLE_RATE)
    at = round(start_s * SAMPLE_RATE)  # sample at which the buffer begins
    pieces: list[numpy.ndarray] = []
    held = 0
    for piece in pcm:
        if stop.is_set():
            return
        pieces.append(piece)
        held += len(piece)
        while held >= n_look:
            buffer = numpy.concatenate(pieces)
            speaking = ear(buffer[:n_look])
            cut = _cut_at(speaking, buffer[:n_look], min_pause_s=_MIN_PAUSE_S)
            yield _stretch(buffer[:cut], speaking[: -(-cut // _WINDOW)], at, min_pause_s, max_speech_s)
            if stop.is_set():
                return
            at += cut
            pieces, held = [buffer[cut:]], held - cut
    if held and not stop.is_set():
        buffer = numpy.concatenate(pieces)
        yield _stretch(buffer, ear(buffer), at, min_pause_s, max_speech_s)


class _Ear:
    """Tells speech from other sound: one decision per 32 ms."""

    def __init__(self) -> None:
        self._model: Any = None

    def __call__(self, samples: numpy.ndarray) -> numpy.ndarray:
        """Return one bool per window of 512 samples."""
        import numpy

        n = -(-len(samples) // _WINDOW)
        if not samples.any():  # digital silence needs no network
            return numpy.zeros(n, dtype=bool)
        if self._model is None:
            from faster_whisper.vad import get_vad_model

            self._model = get_vad_model()
        padded = numpy.zeros(n * _WINDOW, dtype=numpy.float32)
        padded[: len(samples)] = samples.astype(numpy.float32) / 32768.0
        likely = self._model(padded).reshape(-1)[:n]
        # Once somebody speaks, softer sounds belong to it (Silero's own rule).
        result = numpy.zeros(n, dtype=bool)
        on = False
        for number, value in enumerate(likely):
            on = value >= _THRESHOLD or (on and value >= _THRESHOLD - 0.15)
            result[number] = on
        return result


def _cut_at(speaking: numpy.ndarray, samples: numpy.ndarray, *, min_pause_s: float) -> int:
    """Return the sample in the middle of the last pause in the second half; else the end of the quietest tenth."""
    import numpy

    n = len(speaking)
    least = max(1, round(min_pause_s * SAMPLE_RATE / _WINDOW))
    if not speaking[-least:].any():  # silent at its end: nothing is cut through
        return len(samples)
    end = n
    while end > n // 2:
        if speaking[end - 1]:
            end -= 1
            continue
        begin = end
        while begin > 0 and not speaking[begin - 1]:
            begin -= 1
        if end - begin >= least:
            return max(_WINDOW, (begin + end) // 2 * _WINDOW)
        end = begin
    # Nobody pauses: the quietest moment of the second half is the least harm.
    loud = numpy.abs(samples[: n * _WINDOW].astype(numpy.int32))
    windows = loud[len(loud) % _WINDOW :].reshape(-1, _WINDOW).mean(axis=1)
    smooth = numpy.convolve(windows, numpy.ones(5) / 5, mode="same")
    half = len(smooth) // 2
    return int((half + int(smooth[half:-2].argmin())) * _WINDOW)


def _stretch(
    samples: numpy.ndarray, speaking: numpy.ndarray, at: int, min_pause_s: float, max_speech_s: float
) -> Stretch:
    start_s = at / SAMPLE_RATE
    end_s = start_s + len(samples) / SAMPLE_RATE
    runs: list[list[float]] = []
    for begin, end in _runs(speaking):
        first, last = start_s + begin * _WINDOW / SAMPLE_RATE, start_s + end * _WINDOW / SAMPLE_RATE
        if runs and first - runs[-1][1] < min_pause_s and last - runs[-1][0] <= max_speech_s:
            runs[-1][1] = last
        else:
            runs.append([first, last])
    spans = []
    for number, (first, last) in enumerate(runs):
        # Padding never reaches into the next span: no word is heard twice.
        before = runs[number - 1][1] if number else start_s - _PAD_S
        after = runs[number + 1][0] if number + 1 < len(runs) else end_s + _PAD_S
        low = max(start_s, first - _PAD_S, (before + first) / 2)
        high = min(end_s, last + _PAD_S, (last + after) / 2)
        pieces = max(1, -(-int((high - low) * 1000) // int(max_speech_s * 1000)))
        step = (high - low) / pieces
        spans += [(low + step * k, low + step * (k + 1)) for k in range(pieces)]
    return Stretch(start_s, samples, tuple(spans))


def _runs(speaking: numpy.ndarray) -> Iterator[tuple[int, int]]:
    """Yield half-open ranges of windows in which somebody speaks."""
    begin: int | None = None
    for number, on in enumerate([*speaking.tolist(), False]):
        if on and begin is None:
            begin = number
        elif not on and begin is not None:
            yield begin, number
            begin = None
