"""One way of reading as a share of another, on the same questions: what sparse attention keeps of dense accuracy.

Only questions that both ways were asked of the same text count. Yes and no get the
score interval of a ratio of paired shares (Nam and Blackwelder 2002; Tang, Tang and
Chan 2003), which stays open where both ways agree on everything; other scores, and
questions that share few texts, the bootstrap by text where that is wider.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from longdoc.evaluation.items import Label
from longdoc.evaluation.results import Record, Row
from longdoc.evaluation.statistics import resamples

_Z = 1.959963984540054  # of the normal distribution, 95 % two-sided
_WAY = ("attention", "kv_dtype")  # what a way may differ in from the one it is measured against
MOST = 10.0  # a share is not told beyond this


@dataclass(frozen=True)
class Share:
    """`own` / `of` over `n` questions, with its 95 % interval (0 to MOST)."""

    n: int
    score: float
    low: float
    high: float
    own: float
    of: float


def share(own: Sequence[float], of: Sequence[float], groups: Sequence[Hashable] | None = None) -> Share | None:
    """Return the mean of `own` as a share of the mean of `of`, question by question; None where that mean is 0."""
    n, total = len(own), sum(of)
    if not n or total <= 0:
        return None
    ratio = sum(own) / total
    low, high = _resampled(own, of, groups)
    if all(value in (0, 1) for value in (*own, *of)):
        score = score_interval(
            sum(1 for a, b in zip(own, of, strict=True) if a and b),
            sum(1 for a, b in zip(own, of, strict=True) if a and not b),
            sum(1 for a, b in zip(own, of, strict=True) if b and not a),
            n,
        )
        low, high = min(low, score[0]), max(high, score[1])
    return Share(n, ratio, max(0.0, min(low, ratio)), max(min(high, MOST), ratio), sum(own) / n, total / n)


def score_interval(both: int, own: int, of: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of (both + own) / (both + of), counts of `n` pairs; up to MOST."""

    def distance(ratio: float) -> float:
        """Return by how many standard deviations the counts lie above `ratio`."""
        seen = both + own + of
        a = n * (1 + ratio)
        b = (both + of) * ratio**2 - (both + own + 2 * of)
        c = of * (1 - ratio) * seen / n
        rest = (-b + math.sqrt(max(b * b - 4 * a * c, 0.0))) / (2 * a)  # likeliest share of `of` alone
        variance = n * (1 + ratio) * rest + seen * (ratio - 1)
        above = both + own - ratio * (both + of)
        return above / math.sqrt(variance) if variance > 1e-12 else math.copysign(math.inf, above) if above else 0.0

    ratio = (both + own) / (both + of)
    low = _bisect(lambda at: distance(at) - _Z, 0.0, ratio) if ratio > 0 else 0.0
    high = MOST if distance(MOST) > -_Z else _bisect(lambda at: distance(at) + _Z, ratio, MOST)
    return low, high


def _bisect(falling: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def _resampled(own: Sequence[float], of: Sequence[float], groups: Sequence[Hashable] | None) -> tuple[float, float]:
    drawn = resamples(np.column_stack([own, of]), groups)
    ratios = drawn[:, 0] / np.maximum(drawn[:, 1], 1e-9)
    low, high = np.percentile(np.minimum(ratios, MOST), [2.5, 97.5])
    return float(low), float(high)


def shares(records: Sequence[Record], groupings: Sequence[Sequence[str]]) -> list[Row]:
    """Return a row for every way beside the first of each length, position method and mode, and every grouping.

    The first way is the one that was named first. `score` is the share, `own_score` and `of_score` what
    both reached on the questions they have in common. Groups in which the first found nothing have no row.
    """
    found: list[Row] = []
    for by in groupings:
        groups: dict[tuple[Label, ...], dict[tuple[Label, ...], list[Record]]] = {}
        names = ("length", "position_method", "mode", *by)
        for record in records:
            if all(record.labels.get(name) is not None for name in by):
                way = tuple(record.labels.get(name) for name in _WAY)
                key = tuple(record.labels.get(name) for name in names)
                groups.setdefault(key, {}).setdefault(way, []).append(record)
        for key, ways in groups.items():
            (first, base), *others = ways.items()
            for way, members in others:
                metric = next(iter(members[0].scores), "")
                one = _paired(members, base, metric)
                if one is not None:
                    labels = {k: v for k, v in zip(names, key, strict=True) if v is not None}
                    own = {k: v for k, v in zip(_WAY, way, strict=True) if v is not None}
                    found.append({**labels, **own, "of": _words(first), "metric": metric, **_figures(one)})
    return found


def _paired(own: Sequence[Record], of: Sequence[Record], metric: str) -> Share | None:
    asked = {(one.group, one.question, one.references): one.scores for one in of}
    pairs = [(one, asked.get((one.group, one.question, one.references))) for one in own]
    having = [(one, base) for one, base in pairs if base is not None and metric in one.scores and metric in base]
    return share(
        [one.scores[metric] for one, _ in having],
        [base[metric] for _, base in having],
        [one.group for one, _ in having],
    )


def _words(way: Sequence[Label]) -> str:
    return ", ".join(str(part) for part in way if part is not None)


def _figures(one: Share) -> Row:
    figures = {"score": one.score, "low": one.low, "high": one.high, "own_score": one.own, "of_score": one.of}
    return {"n": one.n, **{name: round(value, 4) for name, value in figures.items()}}
