"""Audio to utterances: decoding, speech engines, speakers. This file is the registry of engines.

transcript.py   Word, Utterance, Heard, Transcript
engine.py       what an engine is
decoding.py     a local file to 16 kHz mono, in bounded memory
stretches.py    where to cut: pauses, found by voice activity
sphinx.py whisper.py   one engine a file; weights.py: Whisper's models
speakers.py     who speaks, where a speaker model is present
edits.py        corrections by hand, and how they outlive a new transcription
export.py       SRT, VTT, text, Markdown, JSON

Engines are named by string and run in a child process (longdoc/sources/listening.py), so that
Stop is immediate, their memory returns, and a crash costs nothing that was heard before it.
"""

from __future__ import annotations

from dataclasses import dataclass

from longdoc.speech.engine import SpeechEngine, SpeechOptions
from longdoc.speech.transcript import NO_SPEECH, SPEAKERS_NOT_SEPARATED, Heard, Transcript, Utterance, Word


@dataclass(frozen=True)
class EngineRow:
    """One engine: what people call it and what makes it, "module:factory"."""

    name: str
    title: str
    factory: str
    rough: bool = False  # say so wherever its words are shown


ENGINES: dict[str, EngineRow] = {
    row.name: row
    for row in (
        EngineRow("whisper", "Whisper", "longdoc.speech.whisper:whisper_engine"),
        EngineRow("sphinx", "PocketSphinx (rough, English only)", "longdoc.speech.sphinx:sphinx_engine", rough=True),
    )
}

__all__ = [
    "ENGINES",
    "NO_SPEECH",
    "SPEAKERS_NOT_SEPARATED",
    "EngineRow",
    "Heard",
    "SpeechEngine",
    "SpeechOptions",
    "Transcript",
    "Utterance",
    "Word",
]
