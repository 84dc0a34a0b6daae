"""Keep the reader's quotes inside the documents while it writes them.

A `Constraint` says which token may come next. `CopyConstraint` follows the
reader's answer format (`formats.py`): after `<|quote|>` only tokens that go on
some slice of the documents are allowed, which begins near what the question
names where the documents hold that; after `<|then|>` only slices of that
quote, so a small model cannot garble a name or a number while copying it. Where
in the quote an answer may open and end is the caller's rule. The choice of what to
quote and when to stop stays with the model, and so does whether to say "Not
stated.", whose odds the caller may raise; answers without a quote are not
constrained.

The idea is constrained decoding over the source's own n-grams, as in generative
retrieval with an FM-index (Bevilacqua et al. 2022, arXiv:2204.10628).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from longdoc.formats import SpecialIds

MAX_QUOTE_TOKENS = 96

# Of a quote's tokens: which may open an answer, before which it may end; None for all.
Places = tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None]


class Constraint(Protocol):
    """What may be written next."""

    def allowed(self, output_ids: Sequence[int]) -> Sequence[int] | None:
        """Return the ids that may follow `output_ids`, or None for no restriction."""
        ...

    def raised(self, output_ids: Sequence[int]) -> Mapping[int, float]:
        """Return what is added to the logits of the ids that may follow `output_ids`."""
        ...


class CopyConstraint:
    """Quotes are slices of the documents, quoted answers are slices of the quote.

    `prefix_ids` are the prompt's document tokens; `near` and `ends` (bool, one each) say where a quote may begin, and
    before which of them it may end, everywhere by default. `places` says of a quote's tokens which may open its answer,
    and before which it may end (bool, one each), all by default. `first` is added to the logits of an answer's first
    token. One instance serves one answer.
    """

    def __init__(
        self,
        prefix_ids: Sequence[int] | NDArray[np.int64],
        ids: SpecialIds,
        places: Callable[[Sequence[int]], Places] | None = None,
        near: NDArray[np.bool_] | None = None,
        ends: NDArray[np.bool_] | None = None,
        first: Mapping[int, float] | None = None,
    ) -> None:
        self._near = near
        self._ends = ends
        self._first = first or {}
        self._places = places
        self._known: tuple[list[int], Places] = [], (None, None)
        self._prefix: NDArray[np.int64] = np.asarray(prefix_ids, dtype=np.int64)
        self._ids = ids
        self._specials = np.array(sorted(vars(ids).values()), dtype=np.int64)

    def allowed(self, output_ids: Sequence[int]) -> Sequence[int] | None:
        out = list(output_ids)
        quote, then, end = self._ids.quote, self._ids.then, self._ids.end
        if quote not in out:
            return None
        written = out[out.index(quote) + 1 :]
        if then in written:
            cut = written.index(then)
            quoted = written[:cut]
            if self._places is not None and self._known[0] != quoted:
                self._known = quoted, self._places(quoted)
            return self._continue(np.asarray(quoted, dtype=np.int64), written[cut + 1 :], [end], *self._known[1])
        if len(written) >= MAX_QUOTE_TOKENS:
            return [then]
        return self._continue(self._prefix, written, [then, end], self._near, self._ends)

    def raised(self, output_ids: Sequence[int]) -> Mapping[int, float]:
        return {} if output_ids else self._first

    def _continue(
        self,
        text: NDArray[np.int64],
        copied: Sequence[int],
        closing: list[int],
        near: NDArray[np.bool_] | None = None,
        ends: NDArray[np.bool_] | None = None,
    ) -> list[int]:
        """Return the ids that go on a slice of `text` beginning with `copied`, and `closing` once it has begun.

        Slices begin where `near` and end before where `ends` says, everywhere by default; the text's end is an end.
        """
        at = slice_ends(text, copied)
        if near is not None:
            at = at[near[at - len(copied)]]
        nexts = np.unique(text[at[at < len(text)]])
        nexts = nexts[~np.isin(nexts, self._specials)]
        closes = ends is None or np.append(ends, True)[at].any()
        return [*nexts.tolist(), *closing] if (copied and closes) or len(nexts) == 0 else nexts.tolist()


def slice_ends(text: NDArray[np.int64], copied: Sequence[int]) -> NDArray[np.int64]:
    """Return every index of `text` that directly follows an occurrence of `copied`; all indices if it is empty."""
    if len(copied) == 0:
        return np.arange(len(text))
    at = np.flatnonzero(text == copied[0]) + 1
    for token in copied[1:]:
        at = at[at < len(text)]
        at = at[text[at] == token] + 1
    return at
