"""Who speaks: an optional extra. Without a speaker model "Speakers are not separated", and nothing is guessed.

Each utterance becomes a voice print (an embedding by sherpa-onnx, Apache-2.0, from a speaker model in a folder the
person gives); prints that are alike are one speaker. A pass of its own over the finished transcript, so that
memory holds prints and one utterance, whatever the length, and resumed runs are told apart like whole ones.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from longdoc.errors import ModelError
from longdoc.speech.engine import SAMPLE_RATE, SpeechOptions
from longdoc.speech.transcript import Heard, Utterance

if TYPE_CHECKING:
    import numpy

_ALIKE = 0.5  # cosine of two prints of one speaker, as sherpa-onnx's own examples take it
_MIN_S = 1.0  # a shorter utterance has no print of its own: it goes to the speaker before, if within _NEAR_S
_NEAR_S = 1.0
_MAX_S = 20.0  # more of one utterance tells no more


class VoicePrint(Protocol):
    """Makes an embedding of some speech: int16, mono, SAMPLE_RATE -> a vector of any length."""

    def __call__(self, samples: numpy.ndarray) -> numpy.ndarray: ...


def available(folder: Path) -> bool:
    """Return whether speakers can be told apart: sherpa-onnx is installed and the folder has a model."""
    is_named = str(folder) not in ("", ".")
    return is_named and importlib.util.find_spec("sherpa_onnx") is not None and _model_file(folder) is not None


def voice_print(folder: Path, threads: int = 1) -> VoicePrint:
    """Load the speaker model of a folder. Raises ModelError if there is none or it cannot be loaded."""
    file = _model_file(folder)
    if file is None or importlib.util.find_spec("sherpa_onnx") is None:
        raise ModelError(
            "Speakers cannot be separated here.",
            code="missing",
            next_step="Install sherpa-onnx and set LONGDOC_SPEAKER_MODEL to a folder with its speaker model (.onnx).",
        )
    import numpy
    import sherpa_onnx

    try:
        extractor: Any = sherpa_onnx.SpeakerEmbeddingExtractor(
            sherpa_onnx.SpeakerEmbeddingExtractorConfig(model=str(file), num_threads=threads)
        )
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"The speaker model {file.name} could not be loaded.", code="damaged") from error

    def make(samples: numpy.ndarray) -> numpy.ndarray:
        stream = extractor.create_stream()
        stream.accept_waveform(SAMPLE_RATE, samples.astype(numpy.float32) / 32768.0)
        stream.input_finished()
        return numpy.array(extractor.compute(stream), dtype=numpy.float32)

    return make


def separate(
    pcm: Iterable[numpy.ndarray], utterances: Sequence[Utterance], make_print: VoicePrint, *, alike: float = _ALIKE
) -> list[Utterance]:
    """Return utterances with "Speaker 1", "Speaker 2", ... in the order in which they first speak.

    `pcm` is the whole recording from its beginning. A name that a person gave stays. An utterance too
    short to tell goes to whoever spoke just before; where nobody did, its speaker stays unknown.
    """
    prints = list(_prints(pcm, utterances, make_print))
    groups = _groups(prints, alike)
    names: dict[int, str] = {}
    result: list[Utterance] = []
    before, before_end_s = "", float("-inf")
    for utterance, group in zip(utterances, groups, strict=True):
        if group is not None:
            name = names.setdefault(group, f"Speaker {len(names) + 1}")
        else:
            name = before if utterance.start_s - before_end_s <= _NEAR_S else ""
        before, before_end_s = name, utterance.end_s
        result.append(utterance if utterance.named else replace(utterance, speaker=name))
    return result


def speaker_engine(options: SpeechOptions) -> SpeakerEngine:
    """Make what runs in the child process, from the folder in `options.speakers`."""
    threads = int(options.engine_settings.get("threads", 1))
    return SpeakerEngine(voice_print(Path(options.speakers), threads))


class SpeakerEngine:
    """An engine that hears no words: it hands back the utterances of its options with speakers."""

    name = "speakers"
    label = "sherpa-onnx"

    def __init__(self, make_print: VoicePrint) -> None:
        self._make_print = make_print

    def transcribe(
        self, pcm: Iterable[numpy.ndarray], options: SpeechOptions, stop: threading.Event, start_s: float = 0.0
    ) -> Iterator[Heard]:
        """Yield one step with all utterances; `engine_settings["times"]` has start and end of each, in seconds."""
        given = [Utterance(float(a), float(b), "") for a, b in options.engine_settings["times"]]
        end_s = given[-1].end_s if given else start_s
        yield Heard(end_s, tuple(separate(pcm, given, self._make_print)))


def _prints(
    pcm: Iterable[numpy.ndarray], utterances: Sequence[Utterance], make_print: VoicePrint
) -> Iterable[numpy.ndarray | None]:
    """Yield one unit vector for each utterance, None for short ones; holds the sound of one utterance at a time."""
    import numpy

    pieces = iter(pcm)
    held = numpy.empty(0, dtype=numpy.int16)
    at = 0  # sample at which `held` begins
    for utterance in utterances:
        first = round(utterance.start_s * SAMPLE_RATE)
        last = round(min(utterance.end_s, utterance.start_s + _MAX_S) * SAMPLE_RATE)
        while at + len(held) < last:
            piece = next(pieces, None)
            if piece is None:
                break
            held = numpy.concatenate((held, piece))
            dropped = max(0, min(first - at, len(held)))
            held, at = held[dropped:], at + dropped
        dropped = max(0, min(first - at, len(held)))
        held, at = held[dropped:], at + dropped
        samples = held[: max(0, last - at)]
        if len(samples) < _MIN_S * SAMPLE_RATE:
            yield None
            continue
        vector = make_print(samples)
        yield vector / max(float(numpy.linalg.norm(vector)), 1e-9)


def _groups(prints: Sequence[numpy.ndarray | None], alike: float) -> list[int | None]:
    """Join the two most alike groups until none are alike (average linkage); return each print's group."""
    import numpy

    groups = [[number] for number, vector in enumerate(prints) if vector is not None]
    sums = [numpy.array(vector) for vector in prints if vector is not None]
    while len(groups) > 1:
        # The cosine of two sums of unit vectors over their sizes is the mean cosine of all their pairs.
        stacked = numpy.stack([total / len(group) for total, group in zip(sums, groups, strict=True)])
        likeness = stacked @ stacked.T
        numpy.fill_diagonal(likeness, -2.0)
        best = int(likeness.argmax())
        a, b = sorted(divmod(best, len(groups)))
        if likeness[a, b] < alike:
            break
        groups[a] += groups.pop(b)
        sums[a] = sums[a] + sums.pop(b)
    result: list[int | None] = [None] * len(prints)
    for number, group in enumerate(groups):
        for member in group:
            result[member] = number
    return result


def _model_file(folder: Path) -> Path | None:
    return next(iter(sorted(folder.glob("*.onnx"))), None) if folder.is_dir() else None
