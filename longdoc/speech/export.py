"""A transcript as a file: SRT, WebVTT, text, Markdown, JSON.

Subtitle times rise and never overlap, whatever an engine or a hand gave; the transcript's
own times stand in the JSON. Lines are kept short enough to be read on a screen, and long
utterances become several cues at the times of their words.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from longdoc.errors import UserError
from longdoc.speech.transcript import NO_SPEECH, SPEAKERS_NOT_SEPARATED, Transcript, Utterance

MAX_LINE = 42  # characters; what subtitle guidelines allow
MAX_LINES = 2
_MIN_CUE_S = 0.05  # a cue of no length is one that players skip
_PARAGRAPH_PAUSE_S = 2.0
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|!~&])")


@dataclass(frozen=True)
class Cue:
    """What stands on the screen from `start_s` to `end_s`."""

    start_s: float
    end_s: float
    text: str
    speaker: str


def cues(utterances: Sequence[Utterance]) -> list[Cue]:
    """Return cues in order; each ends before or when the next begins, and none is empty."""
    pieces = [piece for said in utterances for piece in _pieces(said)]
    pieces.sort(key=lambda cue: (cue.start_s, cue.end_s))
    result: list[Cue] = []
    at = 0.0
    for number, piece in enumerate(pieces):
        start = max(piece.start_s, at, 0.0)
        following = pieces[number + 1].start_s if number + 1 < len(pieces) else float("inf")
        end = max(min(piece.end_s, max(following, start + _MIN_CUE_S)), start + _MIN_CUE_S)
        result.append(Cue(start, end, piece.text, piece.speaker))
        at = end
    return result


def srt(transcript: Transcript, title: str = "") -> str:
    """Return SubRip subtitles; a speaker stands before the words where one is known."""
    blocks = []
    for number, cue in enumerate(cues(transcript.utterances), 1):
        said = f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text
        times = f"{_stamp(cue.start_s, ',')} --> {_stamp(cue.end_s, ',')}"
        blocks.append(f"{number}\n{times}\n{_wrapped(said.replace('-->', '->'))}\n")
    return "\n".join(blocks)


def vtt(transcript: Transcript, title: str = "") -> str:
    """Return WebVTT subtitles with voices; the engine is named in a note."""
    blocks = ["WEBVTT\n"]
    note = _one_line(" ".join(part for part in (transcript.engine_note, _partial(transcript)) if part))
    if note:
        blocks.append(f"NOTE {note.replace('-->', '->')}\n")
    for cue in cues(transcript.utterances):
        voice = f"<v {_escaped(cue.speaker)}>" if cue.speaker else ""
        words = _wrapped(cue.text)
        blocks.append(f"{_stamp(cue.start_s, '.')} --> {_stamp(cue.end_s, '.')}\n{voice}{_escaped(words)}\n")
    return "\n".join(blocks)


def txt(transcript: Transcript, title: str = "") -> str:
    """Return lines "[00:01:05] Name: words", one an utterance."""
    lines = [
        f"[{clock(said.start_s)}] {said.speaker + ': ' if said.speaker else ''}{_one_line(said.text)}"
        for said in transcript.utterances
        if said.text
    ]
    return "\n".join([*(lines or [NO_SPEECH]), ""])


def markdown(transcript: Transcript, title: str = "") -> str:
    """Return a heading, how it was made, and paragraphs by speaker with their times; special characters plain."""
    parts = [f"# {_plain(title or 'Transcript')}"]
    about = [f"Length {clock(transcript.duration_s)}", f"heard by {transcript.engine_note or transcript.engine}"]
    if transcript.language:
        about.append(f"language {transcript.language}")
    if transcript.edited:
        about.append("corrected by hand")
    parts.append(_plain("; ".join(about)) + ".")
    if not transcript.speakers:
        parts.append(SPEAKERS_NOT_SEPARATED)
    if _partial(transcript):
        parts.append(f"**{_plain(_partial(transcript))}**")
    for group in _paragraphs(transcript.utterances):
        name = f" {_plain(group[0].speaker)}:" if group[0].speaker else ""
        parts.append(f"**[{clock(group[0].start_s)}]{name}** {_plain(' '.join(_one_line(s.text) for s in group))}")
    if not any(said.text for said in transcript.utterances):
        parts.append(NO_SPEECH)
    return "\n\n".join(parts) + "\n"


def as_json(transcript: Transcript, title: str = "") -> str:
    """Return the JSON of `longdoc transcribe`, with words and what a person corrected."""
    return json.dumps(
        {
            "title": title,
            "engine": transcript.engine,
            "engine_note": transcript.engine_note,
            "language": transcript.language,
            "duration_s": transcript.duration_s,
            "complete": transcript.complete,
            "until_s": transcript.until_s,
            "edited": transcript.edited,
            "segments": [
                {
                    "start_s": said.start_s,
                    "end_s": said.end_s,
                    "text": said.text,
                    "speaker": said.speaker or None,
                    "confidence": said.confidence,
                    "edited": said.edited,
                    "words": [
                        {"start_s": w.start_s, "end_s": w.end_s, "text": w.text, "confidence": w.confidence}
                        for w in said.words
                    ],
                }
                for said in transcript.utterances
            ],
        },
        ensure_ascii=False,
        indent=1,
    )


FORMS: dict[str, Callable[[Transcript, str], str]] = {
    "srt": srt,
    "vtt": vtt,
    "txt": txt,
    "md": markdown,
    "json": as_json,
}


def export(transcript: Transcript, form: str, title: str = "") -> str:
    """Return a transcript in one of FORMS, named by its file ending. Raises UserError for another."""
    if form not in FORMS:
        raise UserError(f"A transcript cannot be saved as {form!r}.", next_step=f"Choose one of {', '.join(FORMS)}.")
    return FORMS[form](transcript, title)


def clock(seconds: float) -> str:
    """Return a time as 00:01:05."""
    whole = max(int(seconds), 0)
    return f"{whole // 3600:02d}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def _pieces(said: Utterance) -> Iterator[Cue]:
    """Yield an utterance as one cue, or as several of at most two lines at the times of its words."""
    text = _one_line(said.text)
    if not text:
        return
    room = MAX_LINE * MAX_LINES - (len(said.speaker) + 2 if said.speaker else 0)
    texts = textwrap.wrap(text, max(room, 20), break_long_words=False, break_on_hyphens=False)
    spoken = text.split()
    timed = len(said.words) == len(spoken)
    done = 0
    for piece in texts:
        first, done = done, done + len(piece.split())
        if timed:
            start_s, end_s = said.words[first].start_s, said.words[done - 1].end_s
        else:  # by length, where single words have no times
            length = said.end_s - said.start_s
            start_s = said.start_s + length * len(" ".join(spoken[:first])) / len(text)
            end_s = said.start_s + length * len(" ".join(spoken[:done])) / len(text)
        yield Cue(start_s, end_s, piece, said.speaker)


def _paragraphs(utterances: Sequence[Utterance]) -> Iterator[list[Utterance]]:
    """Yield what one speaker says without a long pause."""
    group: list[Utterance] = []
    for said in utterances:
        if not said.text:
            continue
        if group and (said.speaker != group[-1].speaker or said.start_s - group[-1].end_s >= _PARAGRAPH_PAUSE_S):
            yield group
            group = []
        group.append(said)
    if group:
        yield group


def _partial(transcript: Transcript) -> str:
    if transcript.complete:
        return ""
    return f"Not complete: transcribed until {clock(transcript.until_s)} of {clock(transcript.duration_s)}."


def _stamp(seconds: float, point: str) -> str:
    milliseconds = round(max(seconds, 0.0) * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, MAX_LINE, break_long_words=False, break_on_hyphens=False))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", _one_line(text))
