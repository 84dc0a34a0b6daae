"""Transcripts written as plain text: lines "Name: words", with or without a time before them.

The text stays as it is; its turns become utterances. A list of keys and values is no transcript:
people speak more than once, and nearly every paragraph is a turn.
"""

from __future__ import annotations

import re
from itertools import pairwise

from longdoc.sources.loaded import TextBuilder
from longdoc.sources.utterances import clock

_TIME = r"[\[(]?(?:(?P<h>\d{1,2}):)?(?P<m>\d{1,2}):(?P<s>\d{2})(?:[.,]\d{1,3})?[\])]?[ \t]*[-–]?[ \t]*"
_TURN = re.compile(
    rf"(?m)^[ \t]*(?:{_TIME})?(?P<name>[^\W\d_][\w.'’-]{{0,30}}(?: [\w.'’-]{{1,30}}){{0,3}}):[ \t]+(?=\S)"
)
_LEAST_TURNS = 6
_LEAST_EACH = 2.0  # turns of a speaker, on average
_LEAST_SHARE = 0.8  # of paragraphs that are turns
_MOST_SPEAKERS = 60


def add_turns(text: str, builder: TextBuilder) -> list[str]:
    """Name the turns of a transcript added to `builder`; return their speakers, none if it is no transcript."""
    turns = list(_TURN.finditer(text))
    names = [turn["name"] for turn in turns]
    n_speakers = len(set(names))
    if len(turns) < _LEAST_TURNS or not 2 <= n_speakers <= _MOST_SPEAKERS or len(turns) < _LEAST_EACH * n_speakers:
        return []
    n_lines = sum(bool(line.strip()) for line in text.split("\n"))
    n_paragraphs = sum(bool(part.strip()) for part in re.split(r"\n[ \t]*\n", text))
    if len(turns) < _LEAST_SHARE * min(n_lines, n_paragraphs if n_paragraphs > 1 else n_lines):
        return []
    times = [_seconds(turn) for turn in turns]
    known = [time for time in times if time is not None]
    timed = len(known) == len(turns) and all(before <= after for before, after in pairwise(known))
    for number, turn in enumerate(turns):
        end = turns[number + 1].start() if number + 1 < len(turns) else len(text)
        end = turn.start() + len(text[turn.start() : end].rstrip())
        if timed:
            start_s = known[number]
            end_s = known[number + 1] if number + 1 < len(turns) else start_s
            builder.segment(turn.start(), "utterance", clock(start_s), end=end, start_s=start_s, end_s=end_s)
        else:
            builder.segment(turn.start(), "utterance", f"turn {number + 1}", end=end)
    return names


def _seconds(turn: re.Match[str]) -> float | None:
    return None if turn["s"] is None else int(turn["h"] or 0) * 3600 + int(turn["m"]) * 60 + float(turn["s"])
