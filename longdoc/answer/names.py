"""Where documents speak of what a question names, so that a quote is looked for there first.

"What was Ana Quist's horse called?" names Ana Quist. Where the documents hold that name, the sentence that answers
stands near it; a small model that reads far finds the name less surely than a search does.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from longdoc.citations.words import STOP_WORDS
from longdoc.grounding import slice_ends
from longdoc.tokens import TextTokenizer

NEAR_TOKENS = 96  # of a name on each side: some four sentences, since the next ones say "she"

# Capitalised words in a row, words with digits, words joined by hyphens, dots or underscores.
_NAME = re.compile(r"[^\W\d_a-z]\w*(?: [^\W\d_a-z]\w*)*|\w*\d[\w.,/-]*\w|\w+(?:[-._]\w+)+")
_FIRST = re.compile(r"\s*\w+")


def names(question: str) -> list[str]:
    """Return the names, numbers and joined words of a question; its first word is none unless it is joined."""
    start = _FIRST.match(question)
    found = []
    for match in _NAME.finditer(question):
        name, low = match.group(), match.start()
        if start is not None and low < start.end() and not re.search(r"[-._\d]", name):
            name = name[start.end() - low :].strip()  # "Does Ana Quist": the rest of the run may be a name
        if name and name not in found and name.casefold() not in STOP_WORDS:
            found.append(name)
    return found


def near_names(question: str, prefix_ids: NDArray[np.int64], tokenizer: TextTokenizer) -> NDArray[np.bool_] | None:
    """Return which of `prefix_ids` stand near most of the question's names, shape (tokens,); None where none occurs."""
    counts = np.zeros(len(prefix_ids), np.int16)
    for name in names(question):
        places = _places(name, prefix_ids, tokenizer)
        if len(places) == 0 and " " in name:
            places = np.concatenate([_places(word, prefix_ids, tokenizer) for word in name.split()])
        edges = np.zeros(len(prefix_ids) + 1, np.int32)
        np.add.at(edges, np.maximum(places - NEAR_TOKENS, 0), 1)
        np.add.at(edges, np.minimum(places + NEAR_TOKENS, len(prefix_ids)), -1)
        counts += np.cumsum(edges[:-1]) > 0
    most = counts.max(initial=0)
    return counts == most if most else None


def _places(name: str, prefix_ids: NDArray[np.int64], tokenizer: TextTokenizer) -> NDArray[np.int64]:
    spellings = {tuple(tokenizer.ids(f" {name}")), tuple(tokenizer.ids(name))}
    return np.concatenate([slice_ends(prefix_ids, spelling) for spelling in spellings])
