"""From candidate passages to the windows that are cited: where exactly, and in which order.

A window is a run of whole units that begins where a block begins and is at
most so many characters long; windows may begin and end anywhere, so that an
answer at the edge of a stored passage is not cut off. Score: BM25F over the
window's text and what stands above it, plus the best single sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longdoc.retrieval.structure import BLOCK, LINE, WALL
from longdoc.retrieval.terms import Query

K1 = 1.2  # how soon a repeated word stops to count
B = 0.75  # how much a long window is held back
CONTEXT = 1.0  # a word of the title or a heading counts as much as this many in the text
SENTENCE_SHARE = 0.5  # how much the best sentence counts beside the whole window
MAX_OVERLAP = 0.2  # of the shorter of two windows that are both returned

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Stretch:
    """Neighbouring passages of one document. Unit ranges are characters of the document."""

    document_id: str
    offset: int  # of `text` in the document
    text: str
    unit_starts: Ints
    unit_ends: Ints
    unit_levels: Ints
    unit_passages: Ints  # for each unit the number of its passage within the stretch
    passage_ids: tuple[int, ...]
    contexts: tuple[str, ...]  # what stands above each passage
    wanted: NDArray[np.bool_]  # for each passage: is it a candidate, or only a neighbour


@dataclass(frozen=True)
class Window:
    """A run of units of one stretch."""

    stretch: Stretch
    start: int
    end: int
    passages: tuple[int, ...]  # ids of the passages it touches
    score: float

    @property
    def text(self) -> str:
        """Return exactly the document's characters from `start` to `end`."""
        return self.stretch.text[self.start - self.stretch.offset : self.end - self.stretch.offset]


def rank(
    stretches: Sequence[Stretch], query: Query, rarity: Floats, limit: int, *, wordless: bool = False
) -> list[Window]:
    """Return all windows with a word of the question, best first; with `wordless` also the others, scored 0.

    `rarity` holds the weight of each term, shape (n_terms,); `limit` is in characters.
    """
    laid = [_lay(stretch, query, limit) for stretch in stretches]
    if not laid:
        return []
    lengths = np.concatenate([one.lengths for one in laid])
    average = float(lengths.mean())
    windows: list[Window] = []
    for one in laid:
        norm = 1 - B + B * one.lengths / average
        frequency = one.in_text / norm + CONTEXT * one.above  # (n_terms, n_windows)
        scores = rarity @ (frequency * (K1 + 1) / (frequency + K1))
        sentence = rarity @ (one.in_unit > 0)  # (n_units,)
        best = np.array([sentence[a : b + 1].max() for a, b in zip(one.first, one.last, strict=True)])
        scores = scores + SENTENCE_SHARE * best
        stretch = one.stretch
        shown = np.arange(len(best)) if wordless else np.flatnonzero(best > 0)
        for at in shown:
            a, b = int(one.first[at]), int(one.last[at])
            touched = range(int(stretch.unit_passages[a]), int(stretch.unit_passages[b]) + 1)
            windows.append(
                Window(
                    stretch,
                    int(stretch.unit_starts[a]),
                    int(stretch.unit_ends[b]),
                    tuple(stretch.passage_ids[p] for p in touched),
                    float(scores[at]) if best[at] > 0 else 0.0,
                )
            )
    return sorted(windows, key=lambda w: (-w.score, w.stretch.document_id, w.start))


def apart(windows: Sequence[Window], count: int) -> list[Window]:
    """Return the first `count` windows that hardly overlap with a better one."""
    chosen: list[Window] = []
    for window in windows:
        if len(chosen) == count:
            break
        if all(_overlap(window, other) <= MAX_OVERLAP for other in chosen):
            chosen.append(window)
    return chosen


def _overlap(one: Window, other: Window) -> float:
    if one.stretch.document_id != other.stretch.document_id:
        return 0.0
    shared = min(one.end, other.end) - max(one.start, other.start)
    return shared / min(one.end - one.start, other.end - other.start)


@dataclass(frozen=True)
class _Laid:
    """Windows of one stretch as unit ranges, with how often each term occurs where."""

    stretch: Stretch
    first: Ints  # (n_windows,) first unit
    last: Ints  # (n_windows,) last unit
    lengths: Floats  # (n_windows,) characters
    in_text: Floats  # (n_terms, n_windows)
    above: Floats  # (n_terms, n_windows) 1 where title or heading has the term
    in_unit: Floats  # (n_terms, n_units)


def _lay(stretch: Stretch, query: Query, limit: int) -> _Laid:
    starts, ends = stretch.unit_starts, stretch.unit_ends
    first, last = _ranges(stretch, limit)
    n_terms = len(query.terms)
    in_unit = np.zeros((n_terms, len(starts)))
    for at, term in query.places(stretch.text):
        in_unit[term, np.searchsorted(starts, at + stretch.offset, side="right") - 1] += 1
    so_far = np.concatenate([np.zeros((n_terms, 1)), np.cumsum(in_unit, axis=1)], axis=1)
    above = np.zeros((n_terms, len(stretch.contexts)))
    for passage, context in enumerate(stretch.contexts):
        for term in query.inside(context):
            above[term, passage] = 1
    return _Laid(
        stretch,
        first,
        last,
        (ends[last] - starts[first]).astype(np.float64),
        so_far[:, last + 1] - so_far[:, first],
        above[:, stretch.unit_passages[first]],
        in_unit,
    )


def _ranges(stretch: Stretch, limit: int) -> tuple[Ints, Ints]:
    """Return first and last unit of every window of a stretch that touches a wanted passage."""
    starts, ends, levels = stretch.unit_starts, stretch.unit_ends, stretch.unit_levels
    n = len(starts)
    numbers = np.arange(n)
    walls = np.append(np.flatnonzero(levels >= WALL), n)
    wall_after = walls[np.searchsorted(walls, numbers, side="right")]
    first = np.flatnonzero(_beginnings(stretch, limit))
    last = np.searchsorted(ends, starts[first] + limit, side="right") - 1
    last = np.minimum(np.maximum(last, first), wall_after[first] - 1)
    # The end of a part: what is left of it and as much before it as fits.
    final = np.unique(np.append(walls[walls > 0], n)) - 1
    wall_before = np.maximum.accumulate(np.where(levels >= WALL, numbers, 0))
    back = np.maximum(np.searchsorted(starts, ends[final] - limit), wall_before[final])
    back = np.minimum(back, final)
    first, last = np.concatenate([first, back]), np.concatenate([last, final])
    wanted = np.concatenate([[0], np.cumsum(stretch.wanted[stretch.unit_passages])])
    touches = wanted[last + 1] > wanted[first]
    pairs = np.unique(np.stack([first[touches], last[touches]]), axis=1)
    return pairs[0], pairs[1]


def _beginnings(stretch: Stretch, limit: int) -> NDArray[np.bool_]:
    """Blocks; in a block longer than a window its lines; in a line longer than half a window its sentences."""
    begins = stretch.unit_levels >= BLOCK
    begins[0] = True
    lines = stretch.unit_levels >= LINE
    lines[0] = True
    in_long_block = _lengths(stretch, begins) > limit
    in_long_line = _lengths(stretch, lines) > limit / 2
    result: NDArray[np.bool_] = begins | (in_long_block & (lines | in_long_line))
    return result


def _lengths(stretch: Stretch, begins: NDArray[np.bool_]) -> Ints:
    """Return for each unit the characters of the part it is in, parts beginning where `begins` says."""
    heads = np.flatnonzero(begins)
    tails = np.append(heads[1:], len(begins)) - 1
    return np.repeat(stretch.unit_ends[tails] - stretch.unit_starts[heads], tails - heads + 1)
