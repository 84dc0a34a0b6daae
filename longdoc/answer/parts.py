"""Parts and outlines: what of a document a person chose to include.

Pages are named as they are printed, sections by number, files by glob. What is
left out stays listed in the prompt's omissions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from longdoc.errors import UserError
from longdoc.files import display_name
from longdoc.packing import Included, clipped
from longdoc.sources.outline import outline_ranges
from longdoc.types import Segment

Range = tuple[int, int]


def part(item: Included, spec: str) -> Included:
    """Return the pages, sections or files of an item that `spec` names: "1-40, 87", "i-iv", "src/*.py, docs/".

    Raises UserError for a part that the document does not have.
    """
    segments = item.document.segments
    if not segments:
        raise UserError(f"{display_name(item.name)} has no pages or sections to choose from.")
    chosen: set[int] = set()
    for word in (word.strip() for word in spec.split(",")):
        if word:
            chosen |= _named(item, segments, word)
    if not chosen:
        raise UserError(f"No part of {display_name(item.name)} was named.", next_step='Write it as "1-40, 87".')
    return replace(item, ranges=_joined([(segments[i].start, segments[i].end) for i in sorted(chosen)]))


def outline(item: Included, globs: Sequence[str]) -> Included:
    """Return a code base with the files that match a glob given as their outline, all others as they were.

    Raises UserError if it has no such file.
    """
    files = [segment for segment in item.document.segments if segment.kind == "file"]
    wanted = [s for s in files if any(_matches(s.label, glob.strip()) for glob in globs)]
    if not wanted:
        names = ", ".join(glob.strip() for glob in globs)
        raise UserError(f"{display_name(item.name)} has no source file that matches {names}.")
    outlined = {segment.label for segment in wanted}
    before = item.ranges if item.ranges is not None else ((0, len(item.document.text)),)
    kept: list[Range] = []
    for segment in files:
        inside = clipped(before, (segment.start, segment.end))
        if segment.label in outlined:
            text = item.document.text[segment.start : segment.end]
            lines = [(segment.start + a, segment.start + b) for a, b in outline_ranges(text, segment.label)]
            inside = tuple(r for one in lines for r in clipped(inside, one))
        kept.extend(inside)
    return replace(item, ranges=tuple(kept), outline=item.outline | outlined)


def _named(item: Included, segments: Sequence[Segment], word: str) -> set[int]:
    """Return the numbers of the segments that one word of a spec names."""
    if segments[0].kind == "file":
        found = {i for i, segment in enumerate(segments) if _matches(segment.label, word)}
        if not found:
            raise UserError(f"{display_name(item.name)} has no source file that matches {word}.")
        return found
    first, dash, last = word.partition("-")
    start = _index(item, segments, first.strip())
    end = _index(item, segments, last.strip()) if dash else start
    if end < start:
        raise UserError(f"In {display_name(item.name)}, {first.strip()} comes after {last.strip()}.")
    return set(range(start, end + 1))


def _index(item: Included, segments: Sequence[Segment], name: str) -> int:
    """Return the number of a segment by its printed label, else by its place."""
    for i, segment in enumerate(segments):
        if name.casefold() in (segment.label.casefold(), segment.label.removeprefix("p. ").casefold()):
            return i
    if name.isdecimal() and 1 <= int(name) <= len(segments):
        return int(name) - 1
    first, last = segments[0].label, segments[-1].label
    raise UserError(
        f"{display_name(item.name)} has no part {name!r}.", next_step=f"Its parts go from {first} to {last}."
    )


def _matches(label: str, glob: str) -> bool:
    """Say whether a path is the one named, lies in the folder named, or fits the pattern."""
    folder = glob.rstrip("/") + "/"
    return label == glob or label.startswith(folder) or fnmatchcase(label, glob)


def _joined(ranges: Sequence[Range]) -> tuple[Range, ...]:
    """Return ranges with neighbours that touch made one, and empty ones left out."""
    result: list[Range] = []
    for start, end in ranges:
        if start == end:
            continue
        if result and result[-1][1] == start:
            result[-1] = (result[-1][0], end)
        else:
            result.append((start, end))
    return tuple(result)
