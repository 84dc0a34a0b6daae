"""How much of a question the documents speak of at all, and how far that speaks for "Not stated.".

"Who inherits from Ana Quist?", asked of a text without Ana Quist, without heirs and without inheriting, is answered
nowhere in it. A small model notices that half of the time only; a search for the words always does. What the search
finds is weighed against what the model thinks: it raises the odds of "Not stated." and decides nothing by itself, since
documents say things in other words than questions do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longdoc.answer.sentences import sentences_of
from longdoc.citations.words import content
from longdoc.tokens import TextTokenizer

ENOUGH = 1 / 3  # of a question's words in one sentence: nothing speaks for "Not stated."
WEIGHT = 10.0  # natural log-odds for the whole share; both set on training questions (docs/decisions.md)
_NEIGHBOUR = 0.5


def coverage(question: str, prefix_ids: NDArray[np.int64], tokenizer: TextTokenizer) -> float:
    """Return the largest share of the question's words that one sentence holds, between 0 and 1.

    Words that only the sentence before or after holds count half. A question without words that count is covered.
    """
    asked = content(question)
    if not asked:
        return 1.0
    if len(prefix_ids) == 0:
        return 0.0
    held = sentences_of(prefix_ids.tobytes(), tokenizer).content
    best = 0.0
    for at, own in enumerate(held):
        beside = (held[at - 1] if at else set()) | (held[at + 1] if at + 1 < len(held) else set())
        best = max(best, len(asked & own) + _NEIGHBOUR * len((asked - own) & beside))
    return best / len(asked)


def refusal_odds(question: str, prefix_ids: NDArray[np.int64], tokenizer: TextTokenizer) -> float:
    """Return by how much the log-odds of "Not stated." are raised: 0 where enough of the question is spoken of."""
    return WEIGHT * max(0.0, ENOUGH - coverage(question, prefix_ids, tokenizer))
