"""Which sentences of the documents have most of a question's words, so that a quote is looked for there first.

"How high is the advance on shared costs?" is answered near "advance", "shared" and "costs". A word weighs the more,
the fewer sentences have it (inverse document frequency, Spärck Jones 1972); a name of several words counts as one more
word, so that "Ana Quist" is not looked for where an Ana and a Quist are; words of the sentence before or after count
half, since the next sentence says "it". This is what retrieval does between passages, done between sentences.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from longdoc.answer.names import names
from longdoc.citations.words import content, words
from longdoc.tokens import TextTokenizer

SHARE = 0.7  # of the best sentence's weight, set on training questions (docs/decisions.md)
_NEIGHBOUR = 0.5
_CLOSING = "\"'”’)]"
_STOPS = (".", "!", "?", "…")


def near_words(question: str, prefix_ids: NDArray[np.int64], tokenizer: TextTokenizer) -> NDArray[np.bool_] | None:
    """Return which of `prefix_ids` stand in sentences with most of the question's words, shape (tokens,).

    None where no sentence has any.
    """
    asked = content(question)
    if len(prefix_ids) == 0 or not asked:
        return None
    phrases = [phrase for name in names(question) if " " in (phrase := _folded(name)).strip()]
    starts, held, texts = _sentences(prefix_ids.tobytes(), tokenizer)
    has = np.array(
        [
            [word in counted for word in asked] + [phrase in text for phrase in phrases]
            for counted, text in zip(held, texts, strict=True)
        ]
    )
    found = has.sum(0)
    weights = np.where(found > 0, np.log1p(len(held) / np.maximum(found, 1)), 0.0)
    own = has @ weights
    before, after = np.zeros_like(has), np.zeros_like(has)
    before[1:], after[:-1] = has[:-1], has[1:]
    best = own + _NEIGHBOUR * np.maximum((before & ~has) @ weights, (after & ~has) @ weights)
    if best.max() == 0:
        return None
    lengths = np.diff(starts, append=len(prefix_ids))
    return np.repeat(best >= SHARE * best.max(), lengths)


def _folded(text: str) -> str:
    """Return the folded words of a text with a blank before each and after the last: whole words are found in it."""
    return f" {' '.join(word.text for word in words(text))} "


@lru_cache(maxsize=2)  # the next question is mostly about the same documents
def _sentences(prefix: bytes, tokenizer: TextTokenizer) -> tuple[NDArray[np.int64], list[set[str]], list[str]]:
    """Return where sentences and lines begin in the ids of `prefix` (int64), the words of each that count, and all."""
    ids = np.frombuffer(prefix, np.int64)
    kinds, which = np.unique(ids, return_inverse=True)
    pieces = [tokenizer.decode([token]) for token in kinds.tolist()]
    line_ends = np.array(["\n" in piece for piece in pieces])[which]
    stops = np.array([piece.rstrip(_CLOSING).endswith(_STOPS) for piece in pieces])[which]
    blanks = np.array([piece[:1].isspace() for piece in pieces])[which]
    begins = np.ones(len(ids), bool)
    begins[1:] = line_ends[:-1] | (stops[:-1] & blanks[1:])
    starts = np.flatnonzero(begins)
    ends = [*starts[1:].tolist(), len(ids)]
    texts = [tokenizer.decode(ids[a:b].tolist()) for a, b in zip(starts.tolist(), ends, strict=True)]
    return starts, [content(text) for text in texts], [_folded(text) for text in texts]
