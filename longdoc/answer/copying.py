"""What keeps the bundled reader's answer to the words of the documents, for a packed prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from longdoc.answer.names import near_names
from longdoc.answer.wording import near_words
from longdoc.citations.words import content, stem, words
from longdoc.formats import SpecialIds
from longdoc.grounding import CopyConstraint
from longdoc.packing import quotable
from longdoc.tokens import TextTokenizer
from longdoc.types import Prompt

# Raised when a change of these rules can change an answer, so that evaluations answered by other rules are not taken.
COPYING_RULES = 5


def copy_constraint(
    prompt: Prompt, special: SpecialIds, tokenizer: TextTokenizer, *, anywhere: bool = False
) -> CopyConstraint:
    """Return the constraint for one answer; the question is what stands after the prompt's documents.

    A quote begins near what the question names and in sentences with its words, where the documents hold them, or
    `anywhere`.
    """
    question = tokenizer.decode(prompt.token_ids[prompt.prefix_len :])
    ids = np.asarray(quotable(prompt, special.doc), dtype=np.int64)
    near = None if anywhere else _near(question, ids, tokenizer)
    return CopyConstraint(ids, special, repeats(question, tokenizer.decode), near)


def _near(question: str, ids: NDArray[np.int64], tokenizer: TextTokenizer) -> NDArray[np.bool_] | None:
    """Return where a quote may begin: near the names, of these places where most of the words are; None is anywhere."""
    named, worded = near_names(question, ids, tokenizer), near_words(question, ids, tokenizer)
    if named is None or worded is None:
        return worded if named is None else named
    both = named & worded
    return both if both.any() else worded


def repeats(question: str, decode: Callable[[Sequence[int]], str]) -> Callable[[Sequence[int]], bool] | None:
    """Return a test whether tokens begin with a word of the question; None where it offers alternatives ("a or b")."""
    if " or " in question.casefold():
        return None
    asked = content(question)

    def begins(ids: Sequence[int]) -> bool:
        first = next(iter(words(decode(ids))), None)
        return first is not None and first.counts and stem(first.text) in asked

    return begins
