"""What a speech engine is: sound in, utterances out, step by step.

An engine knows nothing of files, processes or storage. It takes sound as it is decoded
and may look ahead as far as it likes, in bounded memory.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from longdoc.speech.transcript import Heard

if TYPE_CHECKING:
    import numpy

SAMPLE_RATE = 16_000  # samples per second of all sound that engines get: mono, int16


@dataclass(frozen=True)
class SpeechOptions:
    """What a person chose. JSON, so that it can be stored with the transcript and sent to a child process."""

    language: str = ""  # code such as "en"; "": detect
    terms: tuple[str, ...] = ()  # names and terms that occur, spelled as they should be
    model: str = ""  # size or folder of the engine's model; "": the engine chooses
    speakers: str = ""  # folder of a speaker model; "": speakers are not separated
    engine_settings: Mapping[str, Any] = field(default_factory=dict)  # whatever else one engine needs


class SpeechEngine(Protocol):
    """Recognises speech. Made by a factory `(options: SpeechOptions) -> SpeechEngine`."""

    name: str  # "whisper"
    label: str  # what people read: "Whisper small, int8, on the CPU"

    def transcribe(
        self, pcm: Iterable[numpy.ndarray], options: SpeechOptions, stop: threading.Event, start_s: float = 0.0
    ) -> Iterator[Heard]:
        """Yield what is heard in `pcm`, arrays of int16 of any length at SAMPLE_RATE, mono.

        The first sample lies at `start_s` of the recording; all times returned count from its beginning.
        Once `stop` is set it returns soon; what was yielded stays valid. The last step's `until_s` is
        the end of the sound.
        """
        ...
