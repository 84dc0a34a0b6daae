"""Who does what by when: owner, task and due date of a sentence or of a line that a model wrote.

Only what stands there is taken: who says "I" is known from the transcript, never guessed
from a voice, and a date is copied as it was said, never computed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from longdoc.summarize.nouns import NONE_STATED
from longdoc.types import Document

_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_MONTH = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december|"
    r"jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?"
)
_ORDINAL = (
    r"(?:\d{1,2}(?:st|nd|rd|th)?|(?:twenty|thirty)[-\s](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|"
    r"first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|"
    r"fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth)"
)
_YEAR = r"(?:,?\s+\d{4})?"
_DATE = (
    rf"(?:(?:next\s+|this\s+)?{_DAY}(?:,?\s+(?:the\s+)?{_ORDINAL}(?:\s+of)?\s+{_MONTH}{_YEAR})?|"
    rf"(?:the\s+)?{_ORDINAL}(?:\s+of)?\s+{_MONTH}{_YEAR}|{_MONTH}\s+(?:the\s+)?{_ORDINAL}{_YEAR}|"
    r"\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}|tomorrow|tonight|noon|(?:the\s+)?end\s+of\s+(?:the\s+)?\w+|"
    r"next\s+(?:week|month|year)|(?:the\s+)?next\s+meeting)"
)
_DUE = re.compile(rf"\b(?:by|before|until|not\s+later\s+than|due(?:\s+on|\s+by)?|on|at|for)\s+({_DATE})", re.IGNORECASE)
_BY = re.compile(rf"\b(?:by|before|until|not\s+later\s+than|due(?:\s+on|\s+by)?)\s+({_DATE})", re.IGNORECASE)
_PREFIX = re.compile(r"([^\W\d_][^:\n]{0,60}?):\s+")
_FIRST_PERSON = re.compile(r"\bI(?:['’]ll|\s)|\bI\b")
_NAMED = re.compile(
    r"\b((?:[A-Z][\w'’-]+)(?:\s+[A-Z][\w'’-]+){0,2})\s+(?:will|shall|must|is\s+going\s+to|needs\s+to|has\s+to)\b"
)
_NOBODY = re.compile(r"\W*(?:none stated|not stated|none|unknown|n/?a|-)?\W*", re.IGNORECASE)
_NO_NAME = frozenset("It That This There They We You He She What Who The Then So And".split())


@dataclass(frozen=True)
class Task:
    """What is to be done. `owner` and `due` are "" where nobody says them."""

    text: str
    owner: str
    due: str


def speaker_at(document: Document, position: int) -> str:
    """Return who speaks at a character of a transcript, "" where that is not known."""
    index = bisect_right(document.segments, position, key=lambda segment: segment.start) - 1
    if index < 0 or document.segments[index].kind != "utterance":
        return ""
    speakers = document.details.get("speakers")
    if isinstance(speakers, list) and len(speakers) == len(document.segments) and speakers[index]:
        return str(speakers[index])
    segment = document.segments[index]
    said = _PREFIX.match(document.text, segment.start, segment.end)
    return said[1] if said else ""


def task_said(sentence: str, speaker: str) -> Task:
    """Return the task of an utterance: the speaker owns what "I" promises, a named person what they "will" do."""
    prefix = _PREFIX.match(sentence)
    words = sentence[prefix.end() :] if prefix and prefix[1] == speaker else sentence
    named = _NAMED.search(words)
    owner = ""
    if _FIRST_PERSON.search(words):
        owner = speaker
    elif named and named[1] not in _NO_NAME:
        owner = named[1]
    found = _BY.search(words) or _DUE.search(words)
    return Task(words, owner, found[1].rstrip(".") if found else "")


def task_written(line: str) -> Task:
    """Return the task of a model's line "owner | task | due"; a line of another form is the task alone."""
    parts = [part.strip() for part in line.split("|")]
    if len(parts) < 2:
        return Task(line.strip(), "", "")
    owner, text = parts[0], parts[1]
    due = parts[2] if len(parts) > 2 else ""
    return Task(text, *("" if _NOBODY.fullmatch(value) else value for value in (owner, due)))


def shown(value: str) -> str:
    """Return an owner or a date for people."""
    return value or NONE_STATED
