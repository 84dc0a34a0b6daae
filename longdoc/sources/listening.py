"""Listens to a recording in a child process and hands on what is heard, step by step.

The child decodes and recognises under the limits of child.py: no network, no files
written, bounded memory. It is given up when it shows no progress for long, and gone within
a second of Stop. Nothing is stored here; a caller that stores each step can resume from it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from longdoc.settings import GiB, Settings
from longdoc.sources.listening_child import DONE, HEARD, OPENED, READY
from longdoc.sources.magic import SOUND, sound_form
from longdoc.sources.sniff import not_sound, require_readable, sniff
from longdoc.sources.worker import served, settings_json
from longdoc.speech.engine import SpeechOptions
from longdoc.speech.transcript import Heard, Utterance, Word
from longdoc.types import Warned

_CHILD_MEMORY_BYTES = 2 * GiB  # decoder and engine, without the weights of a model
_ALWAYS_S = 30 * 24 * 3600.0  # processor time: the parent watches progress instead
_UNLIMITED_BYTES = 1 << 46  # address space, where a GPU driver maps all of its memory


@dataclass(frozen=True)
class Opened:
    """The file can be read and lasts so long, by its header; 0: it does not say."""

    declared_s: float


@dataclass(frozen=True)
class Ready:
    """The engine is loaded."""

    label: str


@dataclass(frozen=True)
class Done:
    """All of it was heard."""

    duration_s: float
    warnings: tuple[Warned, ...]


Event = Opened | Ready | Heard | Done


def recording_form(path: Path, name: str, settings: Settings) -> str:
    """Return the container of a recording, a key of SOUND. Raises SourceError for anything else."""
    require_readable(path, name, settings)
    form = None
    if path.is_file() and sniff(path, name) == "audio":
        with path.open("rb") as file:
            form = sound_form(file.read(64))
    if form is None:
        advice = "Add WAV, FLAC, MP3, M4A, OGG, OPUS, WEBM or MP4; documents go to Documents or `longdoc ask`."
        raise not_sound(name, "it is a folder" if path.is_dir() else "it is something else", advice)
    return form


def media_type(form: str) -> str:
    """Return the media type of a container."""
    return SOUND[form]


def listen(
    path: Path,
    form: str,
    name: str,
    settings: Settings,
    factory: str,
    options: SpeechOptions,
    *,
    start_s: float = 0.0,
    stop: threading.Event | None = None,
) -> Generator[Event, None, None]:
    """Yield Opened, Ready, any number of Heard, Done. `factory` makes the engine, "module:function".

    Raises SourceError (damaged, no_audio, too_large, timeout, too_much_memory, crashed, or the engine's own
    error), Stopped within 1 s of `stop` being set. The child is gone when the generator is closed.
    """
    threads = settings.threads or _cores()
    options = replace(options, engine_settings={"threads": threads, **options.engine_settings})
    memory_bytes = _CHILD_MEMORY_BYTES + 2 * _weights_bytes(options.model)
    watched = replace(settings, loader_timeout_s=settings.listening_silence_s, loader_memory_bytes=memory_bytes)
    inside = replace(watched, loader_timeout_s=_ALWAYS_S)
    if _has_gpu():
        inside = replace(inside, loader_memory_bytes=_UNLIMITED_BYTES)
    request = {
        "path": str(path),
        "name": name,
        "form": form,
        "factory": factory,
        "options": asdict(options),
        "start_s": start_s,
        "settings": settings_json(inside),
    }
    with served(request, name, watched, stop, "longdoc.sources.listening_child") as watch:
        while True:
            kind, payload = watch.frame()
            message = watch.message(kind, payload)
            watch.more_time()
            if kind == OPENED:
                yield Opened(message["declared_s"])
            elif kind == READY:
                yield Ready(message["label"])
            elif kind == HEARD:
                yield _heard(message)
            elif kind == DONE:
                notes = tuple(Warned(code, text) for code, text in message["notes"])
                yield Done(message["duration_s"], notes)
                return


def _heard(message: dict[str, Any]) -> Heard:
    utterances = tuple(
        Utterance(**{**said, "words": tuple(Word(*word) for word in said["words"])}) for said in message["utterances"]
    )
    return Heard(**{**message, "utterances": utterances})


def _weights_bytes(model: str) -> int:
    try:
        return (Path(model) / "model.bin").stat().st_size if model else 0
    except OSError:
        return 0


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _has_gpu() -> bool:
    return Path("/dev/nvidiactl").exists()
