"""What a prompt leaves out, in words: parts not chosen, bodies behind an outline, pages without text.

Nothing is left out without an entry here. Passages of a chunked answer are no
parts in this sense; what chunked left unread is listed where passages are chosen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from longdoc.packing.included import Included, Range, checked_ranges, complement
from longdoc.types import Document, Omitted, Segment

_NAMED = 8  # labels spelled out in one entry; the rest is counted
_BY_CHOICE = "left out by choice"
_REASONS = {
    "ignored": "ignored by .gitignore",
    "binary": "not text",
    "too_large": "too large",
    "generated": "generated file",
    "possible_secret": "possible secret",
    "nested_archive": "archive inside the archive",
    "unreadable": "unreadable",
}


def omissions(included: Sequence[Included], count: Callable[[str], int] | None = None) -> list[Omitted]:
    """Return what of the included documents is not read, with its size by `count` (0 without one)."""
    result: list[Omitted] = []
    by_document: dict[str, list[Included]] = defaultdict(list)
    for item in included:
        if item.title is None:
            by_document[item.document.id].append(item)
    for items in by_document.values():
        first = items[0]
        result.extend(_unread_files(first))
        result.extend(_without_text(first))
        if any(item.ranges is None for item in items):
            continue
        kept = [part for item in items for part in checked_ranges(item)]
        outline = frozenset().union(*(item.outline for item in items))
        result.extend(_gaps(first, kept, outline, count))
    return result


def _gaps(
    item: Included, kept: Iterable[Range], outline: frozenset[str], count: Callable[[str], int] | None
) -> list[Omitted]:
    """Return entries for the gaps: files given as outline and everything else apart."""
    document = item.document
    gaps = [(a, b) for a, b in complement(kept, len(document.text)) if document.text[a:b].strip()]
    outlined = [s for s in document.segments if s.label in outline]
    inside, outside = split(gaps, [(s.start, s.end) for s in outlined])
    entries = []
    for part, reason, mark in ((outside, item.reason, ""), (inside, "given as outline", " (as outline)")):
        part = [(a, b) for a, b in part if document.text[a:b].strip()]
        if part:
            n_tokens = sum(count(document.text[a:b]) for a, b in part) if count else 0
            entries.append(Omitted(item.name, describe(document, part) + mark, reason, n_tokens))
    return entries


def split(ranges: Iterable[Range], by: Sequence[Range]) -> tuple[list[Range], list[Range]]:
    """Return what of `ranges` lies inside the ranges `by` (ordered, disjoint), and what lies outside."""
    inside: list[Range] = []
    outside: list[Range] = []
    for start, end in ranges:
        at = start
        for a, b in by:
            low, high = max(at, a), min(end, b)
            if low < high:
                if low > at:
                    outside.append((at, low))
                inside.append((low, high))
                at = high
        if at < end:
            outside.append((at, end))
    return inside, outside


def describe(document: Document, ranges: Sequence[Range]) -> str:
    """Return the names of the segments that the ranges touch, neighbours joined: "p. 41 to p. 80, p. 97"."""
    touched: list[int] = []
    for index, segment in enumerate(document.segments):
        if any(max(a, segment.start) < min(b, segment.end) for a, b in ranges):
            touched.append(index)
    if not touched:
        return ", ".join(f"characters {a:,} to {b:,}" for a, b in ranges[:_NAMED])
    return join_labels(document.segments, touched)


def join_labels(segments: Sequence[Segment], indexes: Sequence[int]) -> str:
    """Return labels of segments, runs of three or more written as "first to last"; files are counted past a few."""
    runs: list[list[int]] = []
    for index in indexes:
        if runs and index == runs[-1][-1] + 1 and segments[index].kind != "file":
            runs[-1].append(index)
        else:
            runs.append([index])
    names: list[str] = []
    for run in runs:
        if len(run) > 2:
            names.append(f"{segments[run[0]].label} to {segments[run[-1]].label}")
        else:
            names.extend(segments[i].label for i in run)
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _without_text(item: Included) -> list[Omitted]:
    return [
        Omitted(
            item.name, f"{'page' if warned.where.isdecimal() else 'pages'} {warned.where}".strip(), "no readable text"
        )
        for warned in item.document.warnings
        if warned.code == "no_text"
    ]


def _unread_files(item: Included) -> list[Omitted]:
    """Return one entry for each reason why files of a code base are not part of its document."""
    groups: dict[str, list[str]] = defaultdict(list)
    for entry in item.document.details.get("tree", ()):
        if entry.get("status", "included") != "included":
            status = str(entry["status"])
            chosen = entry.get("reason") == _BY_CHOICE
            groups[_BY_CHOICE if chosen else _REASONS.get(status, status)].append(str(entry.get("path", "")))
    result = []
    for reason, paths in groups.items():
        more = len(paths) - _NAMED
        what = ", ".join(paths[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        result.append(Omitted(item.name, what, reason))
    return result
