"""Subtitles (SRT, WebVTT): cues as utterances with times, their words as running text.

Own reading rather than a library's: files in use break the standards in small ways that
strict parsers refuse as a whole, and automatic captions repeat every line as it rolls up.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longdoc.settings import Settings
from longdoc.sources.decode import read_text
from longdoc.sources.loaded import Loaded, Report, TextBuilder
from longdoc.sources.utterances import add_utterances
from longdoc.speech.transcript import Utterance

_TIME = r"[ \t]*(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
_TIMES = re.compile(_TIME + r"[ \t]*-->" + _TIME)
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?[ \t]+([^>]*)>")
_TAG = re.compile(r"</?(?:[a-zA-Z][^<>]{0,200}|\d{1,4}:\d{2}[\d:.]*)>|\{\\[^{}]{0,100}\}")
_ROLL_S = 0.2  # captions that roll up follow each other without a gap


@dataclass
class Cue:
    """One cue as it stands in the file."""

    start_s: float
    end_s: float
    lines: list[str]
    speaker: str = ""


def load_srt(path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]) -> Loaded:
    """Read SubRip subtitles. See load_vtt."""
    return _load(path, name, settings, report, webvtt=False)


def load_vtt(path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]) -> Loaded:
    """Read WebVTT subtitles.

    Segments: one utterance a cue, labelled by its time, with `start_s` and `end_s`. A cue that goes on
    with a sentence follows on the same line; a new speaker begins one with "Name: ".
    `details["speakers"]` names the speaker of each segment ("" if not known).
    """
    return _load(path, name, settings, report, webvtt=True)


def _load(path: Path, name: str, settings: Settings, report: Report, *, webvtt: bool) -> Loaded:
    text, decoded, removed = read_text(path, name, settings)
    builder = TextBuilder()
    builder.count_invisible(removed)
    for warned in decoded.warnings():
        builder.warn(warned.code, warned.message)
    cues, n_bad = _cues(text, webvtt)
    if n_bad:
        blocks_were = "1 block was" if n_bad == 1 else f"{n_bad:,} blocks were"
        builder.warn("skipped_cue", f"{blocks_were} left out for lack of a readable time.")
    report(0, len(cues), "subtitles read")
    said = [Utterance(cue.start_s, cue.end_s, words, cue.speaker) for cue, words in _without_rolling(cues)]
    speakers = add_utterances(builder, said)
    report(len(cues), len(cues), "subtitles read")
    return builder.build(name, {"speakers": speakers, "encoding": decoded.encoding})


def _cues(text: str, webvtt: bool) -> tuple[list[Cue], int]:
    """Split into blocks at lines of times, so that missing blank lines and numbers do no harm."""
    cues: list[Cue] = []
    n_bad = 0
    current: Cue | None = None
    skipping = False  # inside NOTE, STYLE, REGION
    blank = True
    for line in text.split("\n"):
        times = _TIMES.match(line)
        if times:
            if current and current.lines and current.lines[-1].strip().isdigit() and not blank:
                current.lines.pop()  # the number of this cue, where the blank line before it is missing
            start_s, end_s = _seconds(times.group(1, 2, 3, 4)), _seconds(times.group(5, 6, 7, 8))
            current = Cue(start_s, max(start_s, end_s), [])
            cues.append(current)
            skipping = blank = False
        elif not line.strip():
            blank, skipping = True, False
        elif "-->" in line:
            n_bad += 1
            current, blank = None, False
        elif skipping:
            continue
        elif webvtt and blank and re.match(r"(?:NOTE|STYLE|REGION)(?:\s|$)", line):
            skipping, current = True, None
        elif current is not None and not (blank and (line.strip().isdigit() or webvtt)):
            _add_line(current, line, webvtt)
            blank = False
        elif current is not None:
            current = None if webvtt else current  # an identifier of the next cue
    return cues, n_bad


def _add_line(cue: Cue, line: str, webvtt: bool) -> None:
    voice = _VOICE.search(line)
    if voice and not cue.speaker:
        cue.speaker = " ".join(html.unescape(voice[1]).split())
    words = _TAG.sub("", line)
    words = " ".join((html.unescape(words) if webvtt or "&" in words else words).split())
    if words:
        cue.lines.append(words)


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = parts
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + float(f"0.{fraction or 0}")


def _without_rolling(cues: list[Cue]) -> Iterator[tuple[Cue, str]]:
    """Yield cues with their words, less the lines that the cue before still shows."""
    shown: list[str] = []
    end_s = -1.0
    for cue in cues:
        fresh = cue.lines
        if shown and cue.start_s - end_s <= _ROLL_S:
            for n in range(min(len(shown), len(fresh)), 0, -1):
                # A whole repeated cue may be speech ("No." "No."); a repeated first line under a new one rolls.
                if shown[-n:] == fresh[:n] and (n < len(fresh) or cue.end_s - cue.start_s < _ROLL_S):
                    fresh = fresh[n:]
                    break
        shown, end_s = cue.lines, cue.end_s
        if fresh:
            yield cue, " ".join(fresh)
