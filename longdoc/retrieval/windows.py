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
RANK_CONSTANT = 60  # of reciprocal-rank fusion (Cormack et al. 2009)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Stretch:
    """A stored passage with what the index knows of it; neighbours follow each other without a gap."""

    passage_id: int
    document_id: str
    start: int  # in the document
    text: str  # up to the next passage
    context: str  # what stands above it
    units: Ints  # (n_units, 3): start and end within the text, level
    wanted: bool  # is it a candidate, or only a neighbour of one
    joined: bool  # does it follow the stretch before it


@dataclass(frozen=True)
class Window:
    """A run of units. `start` and `end` are characters of the document."""

    document_id: str
    start: int
    end: int
    text: str
    score: float


class Field:
    """Stretches laid end to end, with walls where they do not join: one text to look at, whatever it comes from."""

    def __init__(self, stretches: Sequence[Stretch]) -> None:
        pieces = [stretch.text if stretch.joined else " " + stretch.text for stretch in stretches]
        ends_of_text = np.cumsum([len(piece) for piece in pieces])
        counts = [len(stretch.units) for stretch in stretches]
        self.text = "".join(pieces)  # the blank keeps the words of two documents apart
        self.stretches = stretches
        self.offsets: Ints = ends_of_text - np.array([len(stretch.text) for stretch in stretches])
        self.of_unit: Ints = np.repeat(np.arange(len(stretches)), counts)
        table = np.concatenate([stretch.units for stretch in stretches])
        self.starts: Ints = table[:, 0] + self.offsets[self.of_unit]
        self.ends: Ints = table[:, 1] + self.offsets[self.of_unit]
        self.levels: Ints = table[:, 2].copy()
        heads = np.concatenate([[0], np.cumsum(counts)])[:-1]
        self.levels[heads[[not stretch.joined for stretch in stretches]]] = WALL

    def window(self, first: int, last: int, score: float) -> Window:
        """Return the window of units `first` to `last`."""
        stretch = self.stretches[self.of_unit[first]]
        start, end = int(self.starts[first]), int(self.ends[last])
        place = start - int(self.offsets[self.of_unit[first]]) + stretch.start
        return Window(stretch.document_id, place, place + end - start, self.text[start:end], score)


def rank(
    stretches: Sequence[Stretch],
    query: Query,
    rarity: Floats,
    limit: int,
    count: int,
    nearness: dict[int, float] | None = None,
) -> list[Window]:
    """Return the best `count` windows that hardly overlap, best first.

    `rarity` holds the weight of each term, shape (n_terms,); `limit` is in characters. With `nearness`
    (cosine by passage) the order by words and the order by meaning are fused, and windows without any
    word of the question may be among them.
    """
    if not stretches:
        return []
    field = Field(stretches)
    first, last = _ranges(field, limit)
    scores, worded = _scores(field, query, rarity, first, last)
    if nearness is None:
        order = np.lexsort((first, -scores))
        order = order[worded[order]]
    else:
        near = np.array([nearness.get(stretch.passage_id, -1.0) for stretch in stretches])
        scores = _fused(np.where(worded, scores, 0.0), _highest(near, field.of_unit[first], field.of_unit[last]))
        order = np.lexsort((first, -scores))
    chosen: list[int] = []
    starts, ends = field.starts[first], field.ends[last]
    for at in order:
        if len(chosen) == count:
            break
        shared = np.minimum(ends[at], ends[chosen]) - np.maximum(starts[at], starts[chosen])
        shorter = np.minimum(ends[at] - starts[at], ends[chosen] - starts[chosen])
        if np.all(shared <= MAX_OVERLAP * shorter):
            chosen.append(int(at))
    return [field.window(int(first[at]), int(last[at]), float(scores[at])) for at in chosen]


def _scores(field: Field, query: Query, rarity: Floats, first: Ints, last: Ints) -> tuple[Floats, Bools]:
    """Return the score of each window by words, and whether its text has any of them."""
    n_terms, n_units = len(query.terms), len(field.starts)
    in_unit = np.zeros((n_terms, n_units))
    places = query.places(field.text)
    if places:
        at, term = np.array(places).T
        np.add.at(in_unit, (term, np.searchsorted(field.starts, at, side="right") - 1), 1)
    so_far = np.concatenate([np.zeros((n_terms, 1)), np.cumsum(in_unit, axis=1)], axis=1)
    above = np.zeros((n_terms, len(field.stretches)))
    inside = {context: query.inside(context) for context in {stretch.context for stretch in field.stretches}}
    for number, stretch in enumerate(field.stretches):
        above[list(inside[stretch.context]), number] = 1
    lengths = (field.ends[last] - field.starts[first]).astype(np.float64)
    norm = 1 - B + B * lengths / lengths.mean()
    frequency = (so_far[:, last + 1] - so_far[:, first]) / norm + CONTEXT * above[:, field.of_unit[first]]
    by_window = rarity @ (frequency * (K1 + 1) / (frequency + K1))
    best_sentence = _highest(rarity @ (in_unit > 0), first, last)
    return by_window + SENTENCE_SHARE * best_sentence, best_sentence > 0


def _fused(by_words: Floats, by_meaning: Floats) -> Floats:
    """Return reciprocal-rank sums; a window without a word of the question has no rank by words."""
    ranks = [np.argsort(np.argsort(-scores, kind="stable"), kind="stable") for scores in (by_words, by_meaning)]
    return np.where(by_words > 0, 1 / (RANK_CONSTANT + ranks[0]), 0.0) + 1 / (RANK_CONSTANT + ranks[1])


def _highest(values: Floats, first: Ints, last: Ints) -> Floats:
    """Return the highest of `values[first : last + 1]` for each pair."""
    edges = np.stack([first, last + 1], axis=1).ravel()
    result: Floats = np.maximum.reduceat(np.append(values, -np.inf), edges)[::2]
    return result


def _ranges(field: Field, limit: int) -> tuple[Ints, Ints]:
    """Return first and last unit of every window that touches a wanted stretch, each shape (n_windows,)."""
    starts, ends = field.starts, field.ends
    n = len(starts)
    numbers = np.arange(n)
    wall = field.levels >= WALL
    walls = np.append(np.flatnonzero(wall), n)
    first = np.flatnonzero(_beginnings(field, limit))
    last = np.searchsorted(ends, starts[first] + limit, side="right") - 1
    last = np.minimum(np.maximum(last, first), walls[np.searchsorted(walls, first, side="right")] - 1)
    # The end of a part: what is left of it and as much before it as fits.
    final = walls[1:] - 1
    wall_before = np.maximum.accumulate(np.where(wall, numbers, 0))
    back = np.maximum(np.searchsorted(starts, ends[final] - limit), wall_before[final])
    first = np.concatenate([first, np.minimum(back, final)])
    last = np.concatenate([last, final])
    wanted = np.array([stretch.wanted for stretch in field.stretches])[field.of_unit]
    so_far = np.concatenate([[0], np.cumsum(wanted)])
    touches = so_far[last + 1] > so_far[first]
    pairs = np.unique(first[touches] * n + last[touches])
    return pairs // n, pairs % n


def _beginnings(field: Field, limit: int) -> Bools:
    """Blocks; in a block longer than a window its lines; in a line longer than half a window its sentences."""
    begins = field.levels >= BLOCK
    lines = field.levels >= LINE
    in_long_block = _lengths(field, begins) > limit
    in_long_line = _lengths(field, lines) > limit / 2
    result: Bools = begins | (in_long_block & (lines | in_long_line))
    return result


def _lengths(field: Field, begins: Bools) -> Ints:
    """Return for each unit the characters of the part it is in, parts beginning where `begins` says."""
    heads = np.flatnonzero(begins)
    tails = np.append(heads[1:], len(begins)) - 1
    return np.repeat(field.ends[tails] - field.starts[heads], tails - heads + 1)
