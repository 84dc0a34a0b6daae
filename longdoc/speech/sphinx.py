"""PocketSphinx: English speech to text with the model in its wheel. Works offline at once, and is rough.

https://github.com/cmusphinx/pocketsphinx, BSD licence, model included. Writes lower case without
punctuation, knows the words of its dictionary only, and mishears far more than Whisper does.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from longdoc.errors import ModelError, UserError
from longdoc.speech.engine import SpeechOptions
from longdoc.speech.stretches import Stretch, stretches
from longdoc.speech.transcript import Heard, Utterance, Word

if TYPE_CHECKING:
    import numpy

_LOOK_S = 15.0  # short steps: lines arrive soon
_FRAMES_PER_S = 100
_VARIANT = re.compile(r"\(\d+\)$")  # "the(2)": another way to say the word
_LABEL = "PocketSphinx, an offline engine that is rough and knows English only"
# A narrower search and no second pass: 0.30 against 0.51 s a second of sound, errors 80 % against 83 % (40 odd words).
_SETTINGS: dict[str, Any] = {
    "samprate": 16_000,
    "cmn": "batch",
    "maxhmmpf": 6000,
    "maxwpf": 20,
    "fwdflat": False,
    "loglevel": "FATAL",
}


def sphinx_engine(options: SpeechOptions) -> SphinxEngine:
    """Make the engine. Raises UserError for a language it does not know, ModelError if it is not installed."""
    if options.language not in ("", "en"):
        raise UserError(
            f"PocketSphinx understands English only, not {options.language!r}.",
            code="language",
            next_step="Use Whisper for other languages.",
        )
    return SphinxEngine()


class SphinxEngine:
    """One decoder, used for one utterance after the other; nothing is carried from one to the next."""

    name = "sphinx"
    label = _LABEL

    def __init__(self) -> None:
        try:
            from pocketsphinx import Decoder

            self._decoder = Decoder(**_SETTINGS)
        except (ImportError, RuntimeError, ValueError) as error:
            raise ModelError(
                "The offline speech engine PocketSphinx could not be started.",
                next_step="Install it with `pip install pocketsphinx`.",
            ) from error

    def transcribe(
        self, pcm: Iterable[numpy.ndarray], options: SpeechOptions, stop: threading.Event, start_s: float = 0.0
    ) -> Iterator[Heard]:
        """See SpeechEngine. A pause of half a second ends an utterance."""
        for stretch in stretches(pcm, start_s, stop, look_s=_LOOK_S):
            heard: list[Utterance] = []
            for begin_s, end_s in stretch.speech:
                if stop.is_set():
                    return
                said = self._utterance(stretch, begin_s, end_s)
                if said is not None:
                    heard.append(said)
                yield Heard(stretch.start_s, reached_s=end_s)
            yield Heard(stretch.end_s, tuple(heard), language="en")

    def _utterance(self, stretch: Stretch, begin_s: float, end_s: float) -> Utterance | None:
        samples = stretch.cut(begin_s, end_s)
        if not len(samples):
            return None
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), full_utt=True)
        self._decoder.end_utt()
        words = [
            Word(
                round(begin_s + segment.start_frame / _FRAMES_PER_S, 3),
                round(begin_s + (segment.end_frame + 1) / _FRAMES_PER_S, 3),
                _VARIANT.sub("", segment.word),
                round(min(1.0, max(0.0, float(segment.prob))), 3),
            )
            for segment in self._decoder.seg() or ()
            if segment.word[:1] not in "<[+"  # silence, noise, breath
        ]
        if not words:
            return None
        confidence = round(sum(word.confidence for word in words) / len(words), 3)
        text = " ".join(word.text for word in words)
        return Utterance(words[0].start_s, words[-1].end_s, text, confidence=confidence, words=tuple(words))
