"""A recording as a document, heard from beginning to end in one go, nothing kept.

`longdoc/transcribe.py` does the same with a library: stored as it comes, stopped, resumed, corrected.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from longdoc.errors import SourceError, UserError
from longdoc.settings import Settings
from longdoc.sources.listening import Done, Opened, Ready, listen, media_type, recording_form
from longdoc.sources.utterances import transcript_document
from longdoc.speech import ENGINES, SpeechOptions
from longdoc.speech.progress import clock
from longdoc.speech.transcript import Heard, Transcript, Utterance
from longdoc.types import Document, Source


def load_recording(
    path: Path,
    name: str,
    source_id: str,
    settings: Settings,
    *,
    on_progress: Callable[[int, int, str], None] | None = None,
    stop: threading.Event | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[Source, Document]:
    """Return source and transcript of a recording, by the best engine that is here. Raises SourceError, Stopped."""
    form = recording_form(path, name, settings)
    engine, speech = chosen_engine(settings, str((options or {}).get("engine", "auto")))
    label, total_s = "", 0.0
    utterances: list[Utterance] = []
    language = ""
    for event in listen(path, form, name, settings, ENGINES[engine].factory, speech, stop=stop):
        if isinstance(event, Opened):
            total_s = event.declared_s
        elif isinstance(event, Ready):
            label = event.label
        elif isinstance(event, Heard):
            utterances += event.utterances
            language = language or event.language
            at_s = max(event.until_s, event.reached_s)
            if on_progress is not None:
                on_progress(int(at_s), int(max(total_s, at_s)), f"{clock(at_s)} of {clock(total_s)}")
        elif isinstance(event, Done):
            transcript = Transcript(
                engine,
                label,
                language,
                event.duration_s,
                tuple(utterances),
                True,
                False,
                event.duration_s,
                event.warnings,
            )
    if not utterances:
        raise no_speech(name, transcript.duration_s)
    source = Source(source_id, name, media_type(form), path.stat().st_size, str(path))
    return source, transcript_document(transcript, source_id, name)


def chosen_engine(
    settings: Settings, engine: str = "auto", options: SpeechOptions | None = None
) -> tuple[str, SpeechOptions]:
    """Return the engine's name and options with its model found; "auto" is Whisper where a model of it is here.

    Raises ModelError where Whisper is asked for and is not here, UserError for an unknown engine.
    """
    from longdoc.speech.weights import find, is_here

    options = options or SpeechOptions()
    if engine == "auto":
        engine = "whisper" if is_here(options.model, settings) else "sphinx"
    if engine not in ENGINES:
        raise UserError(f"There is no speech engine {engine!r}.", next_step=f"Choose one of {', '.join(ENGINES)}.")
    if engine == "whisper":
        options = replace(options, model=str(find(options.model, settings)))
    return engine, options


def no_speech(name: str, duration_s: float) -> SourceError:
    """Return the error of a recording in which nobody speaks."""
    return SourceError(
        f"No speech found in {name} ({clock(duration_s)}).", code="no_speech", next_step="Is it the right file?"
    )
