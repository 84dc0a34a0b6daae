"""Scores with 95 % intervals: Wilson for shares, bootstrap for means.

Knows numbers only. A bootstrap may resample whole groups (all questions of one
document), because questions about one document succeed and fail together.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Z = 1.959963984540054  # of the normal distribution, 95 % two-sided
_RESAMPLES = 2000
_LEAST_GROUPS = 8
_NUMBERS = 1_000_000  # drawn at a time


@dataclass(frozen=True)
class Estimate:
    """A mean of `n` values with its 95 % interval."""

    n: int
    score: float
    low: float
    high: float


def wilson(successes: int, n: int) -> Estimate:
    """Return the share of successes with Wilson's score interval; of nothing, 0 with [0, 1]."""
    if n == 0:
        return Estimate(0, 0.0, 0.0, 1.0)
    share = successes / n
    scale = 1 + _Z**2 / n
    middle = (share + _Z**2 / (2 * n)) / scale
    half = _Z / scale * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return Estimate(n, share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))


def bootstrap(values: Sequence[float], groups: Sequence[Hashable] | None = None) -> Estimate:
    """Return the mean with a percentile interval of 2,000 resamples of values, or of whole groups.

    With fewer than eight groups single values are resampled: so few groups would show no spread.
    The same values always give the same interval.
    """
    if not values:
        return Estimate(0, 0.0, 0.0, 1.0)
    mean = sum(values) / len(values)
    means = resamples(np.array(values, dtype=np.float64)[:, None], groups)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(len(values), mean, min(float(low), mean), max(float(high), mean))


def estimate(values: Sequence[float], groups: Sequence[Hashable] | None = None) -> Estimate:
    """Return the mean: a share of yes and no gets Wilson's interval, anything else the bootstrap.

    A share over several questions of few groups gets the bootstrap too where that is wider.
    """
    if any(value not in (0, 1) for value in values):
        return bootstrap(values, groups)
    plain = wilson(int(sum(values)), len(values))
    if groups is None or len(set(groups)) == len(values):
        return plain
    grouped = bootstrap(values, groups)
    return Estimate(plain.n, plain.score, min(plain.low, grouped.low), max(plain.high, grouped.high))


def macro(parts: Sequence[Estimate]) -> Estimate:
    """Return the mean of independent parts, each counting the same, with an interval from theirs.

    Distances to the parts' bounds add up as squares (MOVER, Zou and Donner 2008), so that parts at 0 or
    1 still widen it.
    """
    parts = [part for part in parts if part.n]
    if not parts:
        return Estimate(0, 0.0, 0.0, 1.0)
    k = len(parts)
    mean = sum(part.score for part in parts) / k
    below = math.sqrt(sum((part.score - part.low) ** 2 for part in parts)) / k
    above = math.sqrt(sum((part.high - part.score) ** 2 for part in parts)) / k
    return Estimate(sum(part.n for part in parts), mean, max(0.0, mean - below), min(1.0, mean + above))


def resamples(values: NDArray[np.float64], groups: Sequence[Hashable] | None) -> NDArray[np.float64]:
    """Return the means of 2,000 resamples of values (n, k) or of whole groups of them, shape (2000, k).

    With fewer than eight groups single values are resampled. The same values always give the same means.
    """
    if groups is not None and len(set(groups)) < _LEAST_GROUPS:
        groups = None
    totals: dict[Hashable, NDArray[np.float64]] = {}
    for at, row in enumerate(values):
        name: Hashable = at if groups is None else groups[at]
        totals[name] = totals.get(name, 0.0) + np.append(row, 1.0)
    sums = np.array(list(totals.values()), dtype=np.float64)  # (groups, k + 1): sums and count
    rng = np.random.default_rng(0)
    found: list[NDArray[np.float64]] = []
    at_once = max(1, _NUMBERS // len(sums))
    for start in range(0, _RESAMPLES, at_once):
        n_times = min(at_once, _RESAMPLES - start)
        drawn = sums[rng.integers(0, len(sums), (n_times, len(sums)))].sum(axis=1)  # (n_times, k + 1)
        found.append(drawn[:, :-1] / drawn[:, -1:])
    return np.concatenate(found)
