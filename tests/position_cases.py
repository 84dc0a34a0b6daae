"""The table of position methods that the generic tests walk: a new method is a row here.

`met` is the method's slow, readable twin: for every query m and key n (arrays that
broadcast) the distance at which they meet, straight from the paper, for a model
trained on `native` tokens. `sees` tells which keys at or before the query are
visible at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.int64]
Met = Callable[[Grid, Grid, int], Grid]


def _all(m: Grid, n: Grid, native: int) -> NDArray[np.bool_]:
    return n <= m


@dataclass(frozen=True)
class Case:
    """One method as the generic tests use it."""

    met: Met
    factor: float = 1.0
    sees: Callable[[Grid, Grid, int], NDArray[np.bool_]] = _all


def _plain(m: Grid, n: Grid, native: int) -> Grid:
    return m - n


def _string(m: Grid, n: Grid, trained: int) -> Grid:
    shift_from = max(trained // 3, 1)
    window = min(128, max(shift_from // 4, 1))
    return np.where(m - n < shift_from, m - n, m - n - shift_from + window)


def _selfextend(m: Grid, n: Grid, native: int) -> Grid:
    group, near = 4, max(native // 4, 1)
    return np.where(m - n < near, m - n, m // group + near - near // group - n // group)


def _dca(m: Grid, n: Grid, native: int) -> Grid:
    largest = max(native * 3 // 4, 1)
    chunk = largest - min(native // 8, largest - 1)
    before = np.minimum(m % chunk + chunk, largest) - n % chunk
    older = min(2 * chunk - 1, largest) - n % chunk
    back = m // chunk - n // chunk
    return np.where(back == 0, m - n, np.where(back == 1, before, older))


def _first(native: int, most: int) -> int:
    return max(min(most, native // 8), 1)


def _either_end(most: int) -> Callable[[Grid, Grid, int], NDArray[np.bool_]]:
    """The first `most` tokens and, with them, as many as the model was trained on."""

    def sees(m: Grid, n: Grid, native: int) -> NDArray[np.bool_]:
        first = _first(native, most)
        shown: NDArray[np.bool_] = (n <= m) & ((n < first) | (m - n < max(native - first, 1)))
        return shown

    return sees


def _lm_infinite(m: Grid, n: Grid, native: int) -> Grid:
    met: Grid = np.minimum(m - n, max(native - _first(native, 64), 1))
    return met


def _streaming(m: Grid, n: Grid, native: int) -> Grid:
    """Positions within what is kept: the first tokens, then the window."""
    sinks = _first(native, 4)
    window = max(native - sinks, 1)
    gone = np.maximum(m + 1 - sinks - window, 0)  # tokens between the two that are no longer kept
    place = np.where(n < sinks, n, n - gone)
    return np.where(m - n < window, m - n, (m - gone) - place)


CASES: dict[str, Case] = {
    "none": Case(_plain),
    "linear": Case(_plain, 4.0),
    "ntk": Case(_plain, 4.0),
    "dynamic": Case(_plain, 4.0),
    "yarn": Case(_plain, 4.0),
    "string": Case(_string),
    "string+yarn": Case(lambda m, n, native: _string(m, n, native * 2), 2.0),
    "selfextend": Case(_selfextend, 4.0),
    "dca": Case(_dca),
    "lm-infinite": Case(_lm_infinite, sees=_either_end(64)),
    "streaming": Case(_streaming, sees=_either_end(4)),
    "rerope": Case(lambda m, n, native: np.minimum(m - n, max(native // 2, 1))),
}
