"""One training sequence: token ids, a loss weight and a kind for each.

`weights[i]` is the weight of predicting `ids[i]` from what stands before it.
Kinds only serve the log: they tell how well each sort of answer is predicted.
"""

from __future__ import annotations

from collections.abc import Sequence as Seq

import numpy as np
from numpy.typing import NDArray

KINDS = (
    "text",
    "recall",
    "fact",
    "fact_quote",
    "span",
    "cloze",
    "sentence",
    "row",
    "row_quote",
    "row_short",
    "not_stated",
    "other",
    "wh",
    "wh_quote",
)
KIND_ID = {name: i for i, name in enumerate(KINDS)}


class Builder:
    """Grow a sequence up to `length` tokens; parts that do not fit are refused whole."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.ids: list[int] = []
        self.weights: list[float] = []
        self.kinds: list[int] = []

    @property
    def left(self) -> int:
        return self.length - len(self.ids)

    def add(self, ids: Seq[int] | NDArray[np.uint16], weight: float | Seq[float], kind: str = "text") -> None:
        """Append ids with one weight for all or one each. Whoever calls has checked `left`."""
        self.ids.extend(int(i) for i in ids)
        self.weights.extend([weight] * len(ids) if isinstance(weight, (int, float)) else weight)
        self.kinds.extend([KIND_ID[kind]] * len(ids))

    def arrays(self, pad: int) -> tuple[NDArray[np.uint16], NDArray[np.float32], NDArray[np.uint8]]:
        """Return ids, weights and kinds, each of shape (length,), padded with weight zero."""
        ids = np.full(self.length, pad, np.uint16)
        weights = np.zeros(self.length, np.float32)
        kinds = np.zeros(self.length, np.uint8)
        n = min(len(self.ids), self.length)
        ids[:n], weights[:n], kinds[:n] = self.ids[:n], self.weights[:n], self.kinds[:n]
        return ids, weights, kinds
