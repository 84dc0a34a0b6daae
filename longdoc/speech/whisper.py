"""Whisper through faster-whisper: many languages, punctuation, names as hints.

https://github.com/SYSTRAN/faster-whisper, MIT. Every stretch of at most half a minute between two
pauses is heard on its own (no conditioning on what came before: a mistake does not spread, and a
resumed run hears what an uninterrupted one hears). On a GPU several stretches go in one batch.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longdoc.errors import ModelError, UserError
from longdoc.speech.engine import SpeechOptions
from longdoc.speech.stretches import Stretch, stretches
from longdoc.speech.transcript import Heard, Utterance, Word

if TYPE_CHECKING:
    import numpy

_LOOK_S = 30.0  # one window of Whisper
_GPU_LOOK_S = 240.0
_GPU_BATCH = 8
_SURE_OF_LANGUAGE = 0.5
_NO_SPEECH_IN_PAUSE_S = 2.0  # words "heard" in a longer pause are made up
_MAX_TERMS_CHARACTERS = 600  # Whisper takes at most 223 tokens of hints


def whisper_engine(options: SpeechOptions) -> WhisperEngine:
    """Make the engine from the folder in `options.model`. Raises ModelError, UserError for an unknown language."""
    return WhisperEngine(Path(options.model), options.language, threads=int(options.engine_settings.get("threads", 0)))


class WhisperEngine:
    """One model, loaded on the GPU where there is one (float16), else on the CPU (int8)."""

    name = "whisper"

    def __init__(self, folder: Path, language: str = "", *, threads: int = 0) -> None:
        import ctranslate2
        from faster_whisper import BatchedInferencePipeline, WhisperModel

        self._gpu = ctranslate2.get_cuda_device_count() > 0
        compute = "float16" if self._gpu else "int8"
        try:
            self._model: Any = WhisperModel(
                str(folder),
                device="cuda" if self._gpu else "cpu",
                compute_type=compute,
                cpu_threads=threads,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelError(
                f"The Whisper model in {folder.name} could not be loaded.",
                code="damaged",
                next_step="Copy the complete folder again; it must be in CTranslate2 form.",
            ) from error
        self._batched: Any = BatchedInferencePipeline(model=self._model) if self._gpu else None
        known = self._model.supported_languages
        if language and language not in known:
            raise UserError(
                f"This Whisper model does not know the language {language!r}.",
                code="language",
                next_step=f"Leave it out to have it detected, or choose one of {', '.join(sorted(known))}.",
            )
        self.label = f"Whisper {folder.name}, {compute}, on the {'GPU' if self._gpu else 'CPU'}"

    def transcribe(
        self, pcm: Iterable[numpy.ndarray], options: SpeechOptions, stop: threading.Event, start_s: float = 0.0
    ) -> Iterator[Heard]:
        """See SpeechEngine. The language is found in the first speech and kept."""
        language = options.language
        look_s = _GPU_LOOK_S if self._gpu else _LOOK_S
        for stretch in stretches(pcm, start_s, stop, look_s=look_s):
            heard: list[Utterance] = []
            if stretch.speech:
                segments, info = self._run(stretch, language, options.terms)
                if not language and info.language_probability >= _SURE_OF_LANGUAGE:
                    language = info.language
                for segment in segments:
                    if stop.is_set():
                        return
                    said = _utterance(segment, stretch)
                    if said is not None:
                        heard.append(said)
                    yield Heard(stretch.start_s, reached_s=float(min(stretch.end_s, stretch.start_s + segment.end)))
            yield Heard(stretch.end_s, tuple(heard), language=language)

    def _run(self, stretch: Stretch, language: str, terms: tuple[str, ...]) -> tuple[Iterable[Any], Any]:
        import numpy

        audio = stretch.samples.astype(numpy.float32) / 32768.0
        how: dict[str, Any] = {
            "language": language or None,
            "vad_filter": True,
            "word_timestamps": True,
            "hotwords": ", ".join(terms)[:_MAX_TERMS_CHARACTERS] or None,
            "condition_on_previous_text": False,
            "hallucination_silence_threshold": _NO_SPEECH_IN_PAUSE_S,
        }
        if self._batched is not None:
            del how["hallucination_silence_threshold"]  # not known to batches, which hear speech only
            result: tuple[Iterable[Any], Any] = self._batched.transcribe(audio, batch_size=_GPU_BATCH, **how)
        else:
            result = self._model.transcribe(audio, **how)
        return result


def _utterance(segment: Any, stretch: Stretch) -> Utterance | None:
    """Return a segment with the times of the recording; times never leave the stretch, so seams stay clean."""

    def at(seconds: float) -> float:
        return round(float(min(max(stretch.start_s + seconds, stretch.start_s), stretch.end_s)), 3)

    text = " ".join(segment.text.split())
    if not text:
        return None
    words = tuple(
        Word(at(word.start), at(word.end), word.word.strip(), round(float(word.probability), 3))
        for word in segment.words or ()
        if word.word.strip()
    )
    if words:
        confidence = round(sum(word.confidence for word in words) / len(words), 3)
        return Utterance(words[0].start_s, words[-1].end_s, text, confidence=confidence, words=words)
    import math

    return Utterance(at(segment.start), at(segment.end), text, confidence=round(math.exp(segment.avg_logprob), 3))
