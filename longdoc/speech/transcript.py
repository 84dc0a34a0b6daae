"""What was said, when, by whom, and how it was found out: words, utterances, transcripts.

Values only. Times are seconds from the beginning of the recording; ranges are half-open.
Engines make utterances, the store keeps them, `longdoc/sources/utterances.py` makes a Document of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from longdoc.types import Warned


class Word(NamedTuple):
    """One word with its time. A plain tuple, so that it is JSON as it stands."""

    start_s: float
    end_s: float
    text: str  # without spaces around it
    confidence: float  # 0 to 1


@dataclass(frozen=True)
class Utterance:
    """Some words said in one go by one speaker."""

    start_s: float
    end_s: float
    text: str
    speaker: str = ""  # "": not known
    confidence: float | None = None  # 0 to 1; None: not known (subtitles)
    words: tuple[Word, ...] = ()  # may be empty: no times of single words
    edited: bool = False  # a person corrected the words
    named: bool = False  # a person chose the speaker's name


@dataclass(frozen=True)
class Heard:
    """A step of recognition: all speech before `until_s` is decided; these utterances are new, in order.

    `until_s` lies in a pause, so recognition can end here and begin again from here without a
    lost or doubled word. No utterance of a later step starts before it.
    """

    until_s: float
    utterances: tuple[Utterance, ...] = ()
    language: str = ""  # code such as "en" once known
    reached_s: float = 0.0  # how far it has listened, to show that it goes on; never a place to resume from


@dataclass(frozen=True)
class Transcript:
    """Everything heard in one recording by one engine."""

    engine: str  # "whisper", "sphinx", "subtitles"
    engine_note: str  # "Whisper small, int8, on the CPU"; "PocketSphinx, rough": always shown
    language: str  # "" until known
    duration_s: float  # of the whole recording as its header says or as it was decoded
    utterances: tuple[Utterance, ...] = ()
    complete: bool = True  # False: stopped or interrupted; Resume goes on from `until_s`
    edited: bool = False  # a person corrected words or speakers
    until_s: float = 0.0  # everything before is decided
    warnings: tuple[Warned, ...] = ()

    @property
    def speakers(self) -> tuple[str, ...]:
        """Return the known speakers in the order in which they first speak; empty: not separated."""
        return tuple(dict.fromkeys(u.speaker for u in self.utterances if u.speaker))


SPEAKERS_NOT_SEPARATED = "Speakers are not separated."
NO_SPEECH = "No speech found."
