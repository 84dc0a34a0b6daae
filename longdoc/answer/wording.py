"""Which sentences of the documents have most of a question's words, so that a quote is looked for there first.

"How high is the advance on shared costs?" is answered near "advance", "shared" and "costs". A word weighs the more,
the fewer sentences have it (inverse document frequency, Spärck Jones 1972); a name of several words counts as one more
word, so that "Ana Quist" is not looked for where an Ana and a Quist are; words of the sentence before or after count
half, since the next sentence says "it". This is what retrieval does between passages, done between sentences.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longdoc.answer.kinds import holds_kind
from longdoc.answer.names import names
from longdoc.answer.sentences import folded, sentences_of
from longdoc.citations.words import content
from longdoc.tokens import TextTokenizer

SHARE = 0.7  # of the best sentence's weight, set on training questions (docs/decisions.md)
_NEIGHBOUR = 0.5
_HEADING = 0.5  # a heading has the words, and what stands under it the answer


def near_words(question: str, prefix_ids: NDArray[np.int64], tokenizer: TextTokenizer) -> NDArray[np.bool_] | None:
    """Return which of `prefix_ids` stand in sentences with most of the question's words, shape (tokens,).

    None where no sentence has any.
    """
    asked = content(question)
    if len(prefix_ids) == 0 or not asked:
        return None
    phrases = [phrase for name in names(question) if " " in (phrase := folded(name)).strip()]
    found_in = sentences_of(prefix_ids.tobytes(), tokenizer)
    held = found_in.content
    of_kind = holds_kind(question)
    has = np.array(
        [
            [word in counted for word in asked]
            + [phrase in text for phrase in phrases]
            + ([] if of_kind is None else [of_kind(counted)])
            for counted, text in zip(held, found_in.folded, strict=True)
        ]
    )
    found = has.sum(0)
    weights = np.where(found > 0, np.log1p(len(held) / np.maximum(found, 1)), 0.0)
    own = has @ weights
    before, after = np.zeros_like(has), np.zeros_like(has)
    before[1:], after[:-1] = has[:-1], has[1:]
    best = own + _NEIGHBOUR * np.maximum((before & ~has) @ weights, (after & ~has) @ weights)
    best = np.where(found_in.headings, _HEADING * best, best)
    # A sentence of the question's own words answers nothing.
    says_more = np.array([bool(counted - asked) for counted in held])
    if (best * says_more).max() > 0:
        best = best * says_more
    if best.max() == 0:
        return None
    lengths = np.diff(found_in.starts, append=len(prefix_ids))
    return np.repeat(best >= SHARE * best.max(), lengths)
