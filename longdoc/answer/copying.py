"""What keeps the bundled reader's answer to the words of the documents, for a packed prompt."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from longdoc.answer.coverage import refusal_odds
from longdoc.answer.kinds import asks_number
from longdoc.answer.names import near_names
from longdoc.answer.sentences import whole_sentences
from longdoc.answer.wording import near_words
from longdoc.citations.words import content, stem, words
from longdoc.formats import NOT_STATED, SpecialIds
from longdoc.grounding import CopyConstraint, Places
from longdoc.packing import quotable
from longdoc.tokens import TextTokenizer
from longdoc.types import Prompt

# Raised when a change of these rules can change an answer, so that evaluations answered by other rules are not taken.
COPYING_RULES = 7
_ARTICLES = ("a", "an", "the")
# No answer ends with one of these.
_LEADING = frozenset(
    "a an the of in on at to for from by with into and or as than that which whose his her its".split()
)
_WORD_TOKENS = 8  # enough to hold any word that a question repeats
# Two characters before a place and two after it: inside "tenant", "1,240" or "0.5".
_INSIDE = re.compile(r".?[^\W_]\|[^\W_].?|.?\d\|[.,]\d|\d[.,]\|\d.?", re.DOTALL)

_LAST = re.compile(r"[^\W_]+(?=\s*\Z)")


def copy_constraint(
    prompt: Prompt, special: SpecialIds, tokenizer: TextTokenizer, *, anywhere: bool = False
) -> CopyConstraint:
    """Return the constraint for one answer; the question is what stands after the prompt's documents.

    A quote is whole sentences, begins near what the question names and in sentences with its words, where the documents
    hold them, and "Not stated." is the likelier the fewer of its words they hold; `anywhere` leaves this to the model.
    """
    question = tokenizer.decode(prompt.token_ids[prompt.prefix_len :])
    ids = np.asarray(quotable(prompt, special.doc), dtype=np.int64)
    places = answer_places(question, tokenizer.decode)
    if anywhere:
        return CopyConstraint(ids, special, places)
    odds = refusal_odds(question, ids, tokenizer)
    first = {tokenizer.ids(f" {NOT_STATED}")[0]: odds} if odds else None
    begins, ends = whole_sentences(ids, tokenizer)
    return CopyConstraint(ids, special, places, _near(question, ids, tokenizer, begins), ends, first)


def _near(
    question: str, ids: NDArray[np.int64], tokenizer: TextTokenizer, begins: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return where a quote may begin: of `begins` near the names, of these places where most of the words are."""
    open_places = begins
    for found in (near_words(question, ids, tokenizer), near_names(question, ids, tokenizer)):
        if found is not None and (both := open_places & found).any():
            open_places = both
    return open_places


def answer_places(question: str, decode: Callable[[Sequence[int]], str]) -> Callable[[Sequence[int]], Places]:
    """Return what says of a quote's tokens which may open an answer, and before which it may end: whole words only.

    An answer does not open with a word of the question ("What was the horse called?" - "the horse"), unless the
    question offers alternatives ("a or b") or the quote has no other words. It does not end with an article or a
    preposition, nor with what the question counts ("How many crowns did she pay?" - "3980 crowns").
    """
    asked = set() if " or " in question.casefold() else content(question)
    counted = asked if asks_number(question) else set()

    def _open(word: str) -> bool:
        return word in _LEADING or stem(word) in counted

    def places(quote: Sequence[int]) -> Places:
        begins = np.zeros(len(quote), bool)
        new = np.zeros(len(quote), bool)
        ends = np.zeros(len(quote), bool)
        for at in range(len(quote)):
            behind, ahead = decode(quote[max(at - _WORD_TOKENS, 0) : at]), decode(quote[at : at + _WORD_TOKENS])
            begins[at] = not _INSIDE.fullmatch(behind[-2:] + "|" + ahead[:2])
            last = _LAST.search(behind)
            ends[at] = begins[at] and not (last and _open(last.group().casefold()))
            first = next((word for word in words(ahead) if word.text not in _ARTICLES), None)
            new[at] = begins[at] and not (first is not None and first.counts and stem(first.text) in asked)
        return new if new.any() else begins, ends

    return places
