"""Speech engines measured: python -m benchmarks.speech [--minutes 6] [--hours 3] [--whisper MODEL]

Word error rate and real-time factor (seconds of work for a second of sound) on the committed
sample meeting, which espeak-ng speaks clearly, and the peak memory of the child process that
decodes and recognises. The long file is the meeting over and over; on it everything runs but
recognition (decoding, resampling, voice activity, cutting) unless `--all` is given.
Whisper is measured where a model of it is given; its weights are not part of this project.
Without them `--whisper-shape base` measures its time alone: a model of the size of Whisper base with
random weights (tests/toys_whisper.py), int8, that writes as many tokens as people speak.
"""

from __future__ import annotations

import argparse
import re
import resource
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy

from assets.samples_src import meeting
from assets.samples_src.meeting_sound import RATE, decoded
from longdoc.settings import Settings, load_settings
from longdoc.sources.audio import chosen_engine
from longdoc.sources.listening import Ready, listen
from longdoc.speech import ENGINES, SpeechOptions
from longdoc.speech.stretches import Stretch, stretches
from longdoc.speech.transcript import Heard, Utterance
from longdoc.speech.whisper import WhisperEngine

_TOKENS_PER_S = 100 / 30  # English speech, about
_MEETING = Path(__file__).resolve().parents[1] / "assets" / "samples" / "meeting.opus"


class CuttingEngine:
    """Everything that an engine does but recognition: for the memory and speed of the way there."""

    name = label = "decoding, voice activity and cutting alone"

    def transcribe(
        self, pcm: Iterable[numpy.ndarray], options: SpeechOptions, stop: threading.Event, start_s: float = 0.0
    ) -> Iterator[Heard]:
        for stretch in stretches(pcm, start_s, stop):
            said = tuple(Utterance(first, last, "x") for first, last in stretch.speech)
            yield Heard(stretch.end_s, said)


def cutting_engine(options: SpeechOptions) -> CuttingEngine:
    return CuttingEngine()


class ShapeEngine(WhisperEngine):
    """Whisper with random weights: every stretch is one window and as many tokens as its speech would take.

    Beams, word times and voice activity are the engine's. Nothing is tried again at another temperature,
    as random words would be, every time; with real weights that happens now and then.
    """

    def _run(self, stretch: Stretch, language: str, terms: tuple[str, ...]) -> tuple[Iterable[Any], Any]:
        end = self._model.hf_tokenizer.token_to_id("<|endoftext|>")
        speech_s = sum(last - first for first, last in stretch.speech)
        segments, info = self._model.transcribe(
            stretch.samples.astype(numpy.float32) / 32768.0,
            language=language,
            vad_filter=True,
            word_timestamps=True,
            without_timestamps=True,
            condition_on_previous_text=False,
            temperature=0.0,
            compression_ratio_threshold=None,
            log_prob_threshold=None,
            no_speech_threshold=None,
            suppress_tokens=[-1, end],
            max_new_tokens=2 * max(1, round(_TOKENS_PER_S * speech_s)),  # CTranslate2 writes half of what it may
        )
        return islice(segments, 1), info


def shape_engine(options: SpeechOptions) -> ShapeEngine:
    threads = int(options.engine_settings.get("threads", 0))
    return ShapeEngine(Path(options.model), options.language, threads=threads)


def shape_model(folder: Path, name: str) -> Path:
    """Write a model with random weights in the shape of a published one."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    import toys_whisper

    made: Path = toys_whisper.toy_whisper(folder / name, shape=toys_whisper.SHAPES[name], quantized="int8")
    return made


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Return the fewest words to put in, take out or change (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row = row, [i] + [0] * len(heard)
        for j, other in enumerate(heard, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (word != other))
    return row[-1]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower().replace("’", "'"))


def run(path: Path, form: str, settings: Settings, factory: str, options: SpeechOptions) -> tuple[str, str, float]:
    """Return the engine's label, what it heard and the seconds from the loaded engine to the end."""
    label, texts, began = "", [], time.monotonic()
    for event in listen(path, form, path.name, settings, factory, options):
        if isinstance(event, Ready):
            label, began = event.label, time.monotonic()
        elif isinstance(event, Heard):
            texts += [said.text for said in event.utterances]
    return label, " ".join(texts), time.monotonic() - began


def peak_mb() -> float:
    """Return the most memory that any child so far has filled."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def cpu_s() -> float:
    """Return the processor time of all children so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write_wav(path: Path, sound: numpy.ndarray, seconds: float) -> None:
    """Write `sound`, repeated or cut to a length, as WAV."""
    left = round(seconds * RATE)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        while left > 0:
            file.writeframesraw(sound[:left].tobytes())
            left -= len(sound)


def report(title: str, path: Path, seconds: float, settings: Settings, factory: str, options: SpeechOptions) -> str:
    before = cpu_s()
    label, heard, wall_s = run(path, "wav", settings, factory, options)
    used = cpu_s() - before
    print(
        f"{title}: {label}\n  {seconds / 60:.1f} min of sound, real-time factor {wall_s / seconds:.3f} by the clock, "
        f"{used / seconds:.3f} by processor time (loading included); peak memory so far {peak_mb():,.0f} MB",
        flush=True,
    )
    return heard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=6.0, help="of the meeting, for errors and speed")
    parser.add_argument("--hours", type=float, default=3.0, help="length of the long file; 0: leave it out")
    parser.add_argument("--whisper", metavar="MODEL", help="size or folder of a Whisper model to measure as well")
    parser.add_argument("--whisper-shape", choices=["base"], help="time a model of this shape, with random weights")
    parser.add_argument("--all", action="store_true", help="recognise the whole long file, too")
    args = parser.parse_args()
    settings = load_settings()
    sound = decoded(_MEETING.read_bytes(), "ogg")
    seconds = min(args.minutes * 60, meeting.DURATION_S)
    said = words(" ".join(line.text for line in meeting.lines() if line.end_s <= seconds))
    engines = ["sphinx", *(["whisper"] if args.whisper else [])]
    with tempfile.TemporaryDirectory() as folder:
        short = Path(folder) / "meeting.wav"
        write_wav(short, sound, seconds)
        for engine in engines:
            options = SpeechOptions(language="en", model=args.whisper if engine == "whisper" else "")
            name, options = chosen_engine(settings, engine, options)
            heard = words(report("Engine", short, seconds, settings, ENGINES[name].factory, options))
            errors = word_errors(said, heard)
            print(f"  {len(said)} words said, {len(heard)} heard, word error rate {errors / len(said):.1%}", flush=True)
        if args.whisper_shape:
            model = shape_model(Path(folder), args.whisper_shape)
            title = f"Shape of Whisper {args.whisper_shape}, random weights: timing only"
            options = SpeechOptions(language="en", model=str(model))
            written = report(title, short, seconds, settings, "benchmarks.speech:shape_engine", options)
            print(f"  {len(written.split()):,} made-up words written", flush=True)
        if args.hours:
            long = Path(folder) / "long.wav"
            write_wav(long, sound, args.hours * 3600)
            factory = ENGINES["sphinx"].factory if args.all else "benchmarks.speech:cutting_engine"
            heard_text = report("Long file", long, args.hours * 3600, settings, factory, SpeechOptions(language="en"))
            print(f"  {len(heard_text.split()):,} {'words' if args.all else 'spans of speech'} found")
            print(f"  {'under' if peak_mb() < 1500 else 'OVER'} the limit of 1,500 MB")


if __name__ == "__main__":
    main()
