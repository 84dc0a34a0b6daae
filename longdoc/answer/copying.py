"""What keeps the bundled reader's answer to the words of the documents, for a packed prompt."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from longdoc.answer.names import near_names
from longdoc.answer.wording import near_words
from longdoc.citations.words import content, stem, words
from longdoc.formats import SpecialIds
from longdoc.grounding import CopyConstraint, Places
from longdoc.packing import quotable
from longdoc.tokens import TextTokenizer
from longdoc.types import Prompt

# Raised when a change of these rules can change an answer, so that evaluations answered by other rules are not taken.
COPYING_RULES = 6
_WORD_TOKENS = 8  # enough to hold any word that a question repeats
# Two characters before a place and two after it: inside "tenant", "1,240" or "0.5".
_INSIDE = re.compile(r".?[^\W_]\|[^\W_].?|.?\d\|[.,]\d|\d[.,]\|\d.?", re.DOTALL)


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
    return CopyConstraint(ids, special, answer_places(question, tokenizer.decode), near)


def _near(question: str, ids: NDArray[np.int64], tokenizer: TextTokenizer) -> NDArray[np.bool_] | None:
    """Return where a quote may begin: near the names, of these places where most of the words are; None is anywhere."""
    named, worded = near_names(question, ids, tokenizer), near_words(question, ids, tokenizer)
    if named is None or worded is None:
        return worded if named is None else named
    both = named & worded
    return both if both.any() else worded


def answer_places(question: str, decode: Callable[[Sequence[int]], str]) -> Callable[[Sequence[int]], Places]:
    """Return what says of a quote's tokens which may open an answer, and before which it may end: whole words only.

    An answer does not open with a word of the question ("What was the horse called?" - "horse"), unless the question
    offers alternatives ("a or b") or the quote has no other words.
    """
    asked = set() if " or " in question.casefold() else content(question)

    def places(quote: Sequence[int]) -> Places:
        begins = np.zeros(len(quote), bool)
        new = np.zeros(len(quote), bool)
        for at in range(len(quote)):
            ahead = decode(quote[at : at + _WORD_TOKENS])
            begins[at] = not _INSIDE.fullmatch(decode(quote[max(at - _WORD_TOKENS, 0) : at])[-2:] + "|" + ahead[:2])
            first = next(iter(words(ahead)), None)
            new[at] = begins[at] and not (first is not None and first.counts and stem(first.text) in asked)
        return new if new.any() else begins, begins

    return places
