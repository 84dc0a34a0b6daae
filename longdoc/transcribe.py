"""Transcribe a recording: heard in a child process, stored as it comes, resumed where it was left.

What was heard is in the library after each step, so Stop, a kill or a restart loses nothing, and
asking for the same recording again goes on from there. A recording that is transcribed already is
not heard again unless another engine, other options or `again` ask for it; corrections by hand are kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from longdoc.errors import LongDocError, SourceError, Stopped, StoreError
from longdoc.files import display_name, sha256_file
from longdoc.settings import Settings
from longdoc.sources.audio import chosen_engine, no_speech
from longdoc.sources.listening import Done, Opened, Ready, listen, media_type, recording_form
from longdoc.sources.utterances import transcript_document
from longdoc.speech import ENGINES, SpeechOptions
from longdoc.speech.progress import Listening, Pace, clock
from longdoc.speech.speakers import available
from longdoc.speech.transcript import Heard, Transcript, Utterance
from longdoc.store import Library, TranscriptItem
from longdoc.store.codec import build
from longdoc.types import Document, Source, Warned

OnProgress = Callable[[Listening], None]
_SPEAKERS = "longdoc.speech.speakers:speaker_engine"


@dataclass(frozen=True)
class Transcribed:
    """A transcript and where it is kept."""

    transcript: Transcript
    source: Source
    transcript_id: int | None  # None: it could not be kept
    document: Document
    is_new: bool  # False: it was in the library already
    warning: str = ""  # why it was not kept, for people


def transcribe(
    path: Path,
    library: Library | None,
    settings: Settings,
    *,
    name: str | None = None,
    engine: str = "auto",
    options: SpeechOptions | None = None,
    again: bool = False,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
) -> Transcribed:
    """Return the whole transcript of a recording, going on where an earlier run ended.

    `engine` is a key of ENGINES, or "auto": Whisper where a model of it is here, PocketSphinx elsewhere.
    `again` hears a complete one anew and does not end what was begun with other options.

    Raises SourceError (`no_speech`, `no_audio`, `damaged`, `unsupported`, ...), ModelError, UserError,
    StoreError `disk` or `conflict`, Stopped. Whatever it raises, what was heard until then is kept.
    """
    wanted = _Wanted(engine, options or SpeechOptions(), again)
    shown = display_name(name or path.resolve().name)
    form = recording_form(path, shown, settings)
    source = Source(sha256_file(path), shown, media_type(form), path.stat().st_size, str(path))
    warning, is_new = "", False
    if library is not None:
        try:
            known = _known(library, source.id, wanted)
            if known is not None:
                return _transcribed(library, known, is_new=False)
            is_new = library.add_recording(source, path)
        except StoreError as error:
            library, warning = None, f"{shown} was not kept in the library. {error}"
    run = _Run(path, form, source, library, settings, on_progress, stop)
    try:
        return replace(run.hear(wanted), warning=warning)
    except LongDocError:
        if library is not None and is_new:
            _forget_unheard(library, source.id)
        raise


def document_of(library: Library, transcript_id: int) -> Document:
    """Return a transcript as a document of the library, made anew where it was corrected since.

    Raises SourceError `no_speech` if nothing was heard in it.
    """
    item = library.transcript_item(transcript_id)
    transcript = library.transcript(transcript_id)
    if not any(said.text for said in transcript.utterances):
        raise no_speech(item.source.name, transcript.duration_s)
    title = library.item(item.document_id).title if _has(library, item.document_id) else item.source.name
    document = transcript_document(transcript, item.source.id, title)
    if document.id != item.document_id or not _has(library, document.id):
        library.put_transcript_document(transcript_id, item.source, document)
    return document


@dataclass(frozen=True)
class _Wanted:
    engine: str
    options: SpeechOptions
    again: bool


class _Run:
    """One recording being heard."""

    def __init__(
        self,
        path: Path,
        form: str,
        source: Source,
        library: Library | None,
        settings: Settings,
        on_progress: OnProgress | None,
        stop: threading.Event | None,
    ) -> None:
        self.path, self.form, self.source, self.library, self.settings = path, form, source, library, settings
        self.stop = stop
        self._on_progress = on_progress
        self._id: int | None = None
        self._heard: list[Utterance] = []  # kept here only without a library
        self._until_s = self._total_s = 0.0
        self._language = ""

    def hear(self, wanted: _Wanted) -> Transcribed:
        engine, options = self._resumed(wanted) or chosen_engine(self.settings, wanted.engine, wanted.options)
        pace = Pace(self._until_s)
        self._tell(Listening("loading", self._until_s, self._total_s))
        label = ""
        try:
            for event in listen(
                self.path,
                self.form,
                self.source.name,
                self.settings,
                ENGINES[engine].factory,
                options,
                start_s=self._until_s,
                stop=self.stop,
            ):
                if isinstance(event, Opened):
                    self._total_s = event.declared_s or self._total_s
                elif isinstance(event, Ready):
                    label = event.label
                    self._begin(engine, label, options)
                    pace = Pace(self._until_s)
                    self._tell(Listening("finding", self._until_s, self._total_s))
                elif isinstance(event, Heard):
                    self._keep(event)
                    at_s = max(event.until_s, event.reached_s)
                    left_s = pace.left_s(at_s, self._total_s)
                    self._tell(Listening("hearing", at_s, self._total_s, left_s, event.utterances))
                elif isinstance(event, Done):
                    return self._end(engine, label, event)
        except Stopped as stopped:
            total = f" of {clock(self._total_s)}" if self._total_s else ""
            kept = "What was heard is kept." if self._id is not None else ""
            raise Stopped(f"Stopped at {clock(self._until_s)}{total}. {kept}".strip()) from stopped
        raise SourceError(f"{self.source.name} could not be heard to its end.", code="crashed")

    def _resumed(self, wanted: _Wanted) -> tuple[str, SpeechOptions] | None:
        """Take up an unfinished transcript of the same engine and options, if there is one."""
        if self.library is None:
            return None
        unfinished = self.library.unfinished_transcript(self.source.id)
        if unfinished is None:
            return None
        item = self.library.transcript_item(unfinished)
        options = _used(item)
        if wanted.engine not in ("auto", item.engine) or not _as_wanted(wanted.options, options):
            return None
        if item.engine == "whisper":
            _, options = chosen_engine(self.settings, "whisper", options)
        self._id, self._until_s, self._total_s = unfinished, item.until_s, item.duration_s
        return item.engine, options

    def _begin(self, engine: str, label: str, options: SpeechOptions) -> None:
        if self.library is not None and self._id is None:
            self._id = self.library.begin_transcript(
                self.source.id, engine, label, self._total_s, asdict(replace(options, engine_settings={}))
            )

    def _keep(self, heard: Heard) -> None:
        if heard.until_s <= self._until_s and not heard.utterances:
            return  # a sign of life
        self._language = self._language or heard.language
        if self.library is not None and self._id is not None:
            self.library.append_heard(self._id, heard, after_s=self._until_s)
        else:
            self._heard += heard.utterances
        self._until_s = heard.until_s

    def _end(self, engine: str, label: str, done: Done) -> Transcribed:
        if self.library is None or self._id is None:
            heard = Transcript(engine, label, self._language, done.duration_s, tuple(self._heard))
            heard = replace(heard, until_s=done.duration_s, warnings=done.warnings)
            if not heard.utterances:
                raise no_speech(self.source.name, done.duration_s)
            names, notes = self._speakers(heard.utterances)
            named = tuple(replace(u, speaker=n) for u, n in zip(heard.utterances, names, strict=True))
            heard = replace(heard, utterances=named, warnings=(*heard.warnings, *notes))
            document = transcript_document(heard, self.source.id, self.source.name)
            return Transcribed(heard, self.source, None, document, is_new=True)
        self._tell(Listening("saving", done.duration_s, done.duration_s))
        utterances = self.library.transcript(self._id).utterances
        if not utterances:
            former = self.library.transcript_of(self.source.id)
            if former != self._id:  # what an engine did not hear is no reason to lose what another one heard
                self.library.remove_transcript(self._id)
                raise no_speech(self.source.name, done.duration_s)
        names, notes = self._speakers(utterances)
        self.library.put_speakers(self._id, names)
        self.library.finish_transcript(self._id, done.duration_s, (*done.warnings, *notes))
        return _transcribed(self.library, self._id, is_new=True)

    def _speakers(self, utterances: Sequence[Utterance]) -> tuple[list[str], tuple[Warned, ...]]:
        """Return a name for each utterance, "" where speakers are not separated, and why that failed if it did."""
        folder = self.settings.speaker_model
        names = [said.speaker for said in utterances]
        if not utterances or not available(folder):
            return names, ()
        times = [(said.start_s, said.end_s) for said in utterances]
        options = SpeechOptions(speakers=str(folder), engine_settings={"times": times})
        try:
            for event in listen(
                self.path, self.form, self.source.name, self.settings, _SPEAKERS, options, stop=self.stop
            ):
                if isinstance(event, Heard):
                    names = [said.speaker for said in event.utterances]
        except SourceError as error:
            return names, (Warned("speakers_failed", f"Speakers could not be told apart: {error.message}"),)
        return names, ()

    def _tell(self, step: Listening) -> None:
        if self._on_progress is not None:
            self._on_progress(replace(step, transcript_id=self._id))


def _forget_unheard(library: Library, source_id: str) -> None:
    """Take a recording out of the library of which not even a transcript was begun: one that cannot be opened."""
    with suppress(StoreError):  # what ended it is what people need to know
        if all(item.source.id != source_id for item in library.transcript_items()):
            library.remove_recording(source_id)


def _known(library: Library, source_id: str, wanted: _Wanted) -> int | None:
    """Return the id of a complete transcript that is what is wanted."""
    found = library.transcript_of(source_id)
    if found is None or wanted.again:
        return None
    item = library.transcript_item(found)
    unfinished = library.unfinished_transcript(source_id)
    if not item.complete or (unfinished is not None and wanted.engine != item.engine):
        return None
    if wanted.engine not in ("auto", item.engine):
        return None
    return found if _as_wanted(wanted.options, _used(item)) else None


def _used(item: TranscriptItem) -> SpeechOptions:
    """Return the options of a transcript; a language that was found counts as chosen, and is not found anew."""
    options: SpeechOptions = build(SpeechOptions, dict(item.options))
    return replace(options, language=options.language or item.language)


def _as_wanted(wanted: SpeechOptions, used: SpeechOptions) -> bool:
    """Return whether a transcript made with `used` is what a person wants; what was left open matches anything."""
    return (
        wanted.language in ("", used.language)
        and wanted.terms in ((), used.terms)
        and wanted.model in ("", used.model, Path(used.model).name)
    )


def _transcribed(library: Library, transcript_id: int, *, is_new: bool) -> Transcribed:
    document = document_of(library, transcript_id)
    item = library.transcript_item(transcript_id)
    return Transcribed(library.transcript(transcript_id), item.source, transcript_id, document, is_new)


def _has(library: Library, document_id: str) -> bool:
    try:
        library.item(document_id)
    except StoreError:
        return False
    return True
