"""Utterances as running text: one form for subtitles, for loaded transcripts and for what was heard.

Every utterance is a segment with times; `details["speakers"]` names the speaker of each ("" if not
known). An utterance that goes on with a sentence follows on the same line; a new speaker begins
one with "Name: ".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from longdoc.files import sha256_text
from longdoc.sources.loaded import Loaded, TextBuilder
from longdoc.speech.transcript import SPEAKERS_NOT_SEPARATED, Transcript, Utterance
from longdoc.types import Document, Warned

TRANSCRIPT_LOADER = "audio"
_VERSION = "1"

_SPEAKER = re.compile(r"(?:- ?|>> ?)?([A-Z][\w.'’-]*(?: [\w.'’-]+){0,3}):[ \t]+(?=\S)")
_ENDS_SENTENCE = re.compile(r"[.!?…。！？♪)\]\"”’'][\"”’')\]]*$")
_PAUSE_S = 2.0  # a longer silence begins a new line of text
_ROUGH_PAUSE_S = 0.3  # the same where an engine writes no punctuation, so that lines stay readable


def add_utterances(builder: TextBuilder, utterances: Iterable[Utterance], *, pause_s: float = _PAUSE_S) -> list[str]:
    """Add utterances as text and segments; return the speaker of each segment, read from "Name: " where not given."""
    speakers: list[str] = []
    last_text, last_speaker, last_end_s = "", "", 0.0
    for said in utterances:
        words = said.text
        prefix = f"{said.speaker}: " if said.speaker and (said.speaker != last_speaker or not last_text) else ""
        spoken = _SPEAKER.match(words)
        new_line = (
            bool(prefix or spoken)
            or (said.speaker != last_speaker)
            or bool(_ENDS_SENTENCE.search(last_text))
            or not -1.0 < said.start_s - last_end_s < pause_s
        )
        if last_text and words:
            builder.add("\n" if new_line else " ")
        start, end = builder.add(prefix + words if words else "")
        if start < end:
            speakers.append(said.speaker or (spoken[1] if spoken else ""))
            builder.segment(start, "utterance", clock(said.start_s), start_s=said.start_s, end_s=said.end_s)
            last_text, last_speaker, last_end_s = words, said.speaker, said.end_s
    if last_text:
        builder.add("\n")
    return speakers


def transcript_loaded(transcript: Transcript, title: str) -> Loaded:
    """Return what a loader would return for a recording with this transcript."""
    builder = TextBuilder()
    rough = not any(_ENDS_SENTENCE.search(utterance.text) for utterance in transcript.utterances)
    speakers = add_utterances(builder, transcript.utterances, pause_s=_ROUGH_PAUSE_S if rough else _PAUSE_S)
    for warned in transcript_warnings(transcript):
        builder.warn(warned.code, warned.message, warned.where)
    details = {
        "speakers": speakers,
        "engine": transcript.engine,
        "engine_note": transcript.engine_note,
        "language": transcript.language,
        "duration_s": transcript.duration_s,
        "complete": transcript.complete,
    }
    return builder.build(title, details)


def transcript_document(transcript: Transcript, source_id: str, title: str) -> Document:
    """Return a recording's transcript as a document: one segment of kind "utterance" for each, with times."""
    loaded = transcript_loaded(transcript, title)
    return Document(
        # With the source: two recordings in which the same is said are two documents.
        id=sha256_text(TRANSCRIPT_LOADER, _VERSION, source_id, loaded.text),
        source_id=source_id,
        title=loaded.title or title,
        text=loaded.text,
        segments=loaded.segments,
        warnings=loaded.warnings,
        loader=TRANSCRIPT_LOADER,
        details=loaded.details,
    )


def transcript_warnings(transcript: Transcript) -> tuple[Warned, ...]:
    """Return what a person should know about a transcript: its engine, what is missing."""
    warnings = list(transcript.warnings)
    if transcript.engine_note:
        warnings.append(Warned("engine", f"Heard by {transcript.engine_note}."))
    if not transcript.complete:
        until, total = clock(transcript.until_s), clock(transcript.duration_s)
        warnings.append(Warned("partial", f"Transcribed until {until} of {total}.", until))
    if not transcript.speakers:
        warnings.append(Warned("no_speakers", SPEAKERS_NOT_SEPARATED))
    return tuple(warnings)


def clock(seconds: float) -> str:
    """Return a time as 00:01:05."""
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
