"""Sentences and lines of a prompt's document tokens with their words, found once for all questions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from longdoc.citations.words import ABBREVIATION, content, words
from longdoc.grounding import MAX_QUOTE_TOKENS
from longdoc.tokens import TextTokenizer

_CLOSING = "\"'”’)]"
_STOPS = (".", "!", "?", "…")
_LINE_TOKENS = 48
_HEADING_WORDS = 12
_LONG_LINE = 40  # characters: shorter lines are rows, verses or headings


def _wrapped(line: NDArray[np.int64], following: np.int64, tokenizer: TextTokenizer) -> bool:
    """Tell whether a line was broken by the page's width: long, without a stop, and the next goes on in lower case."""
    text, ahead = tokenizer.decode(line.tolist()), tokenizer.decode([int(following)])
    own = text[:-1].rsplit("\n", 1)[-1]
    return (
        text.endswith("\n")
        and not text.endswith("\n\n")
        and len(own) >= _LONG_LINE
        and own[-1:].isalpha()
        and ahead[:1].islower()
    )


def folded(text: str) -> str:
    """Return the folded words of a text with a blank before each and after the last: whole words are found in it."""
    return f" {' '.join(word.text for word in words(text))} "


def whole_sentences(
    prefix_ids: NDArray[np.int64], tokenizer: TextTokenizer
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return before which of `prefix_ids` a quote may begin and end, each of shape (tokens,), to be whole sentences.

    A sentence too long for a quote may be entered anywhere. Line breaks are left out at a quote's end.
    """
    starts = sentences_of(prefix_ids.tobytes(), tokenizer).starts
    lengths = np.diff(starts, append=len(prefix_ids))
    begins = np.repeat(lengths > MAX_QUOTE_TOKENS, lengths)
    begins[starts] = True
    ends = np.zeros(len(prefix_ids), bool)
    ends[starts] = True
    for at in starts.tolist():
        while at > 0 and not tokenizer.decode([int(prefix_ids[at - 1])]).strip():
            at -= 1
            ends[at] = True
    return begins, ends


@dataclass(frozen=True)
class Sentences:
    """Sentences in order: where each begins in the ids, its words that count, all its words, and whether it heads."""

    starts: NDArray[np.int64]  # shape (sentences,)
    content: list[set[str]]
    folded: list[str]
    headings: NDArray[np.bool_]  # shape (sentences,)


@lru_cache(maxsize=2)  # the next question is mostly about the same documents
def sentences_of(prefix: bytes, tokenizer: TextTokenizer) -> Sentences:
    """Return the sentences and lines of the ids in `prefix` (int64); blank lines belong to what stands before them."""
    ids = np.frombuffer(prefix, np.int64)
    kinds, which = np.unique(ids, return_inverse=True)
    pieces = [tokenizer.decode([token]) for token in kinds.tolist()]
    line_ends = np.array(["\n" in piece for piece in pieces])[which]
    stops = np.array([piece.rstrip(_CLOSING).endswith(_STOPS) for piece in pieces])[which]
    blanks = np.array([piece[:1].isspace() for piece in pieces])[which]
    empty = np.array([piece.isspace() for piece in pieces])[which]
    begins = np.ones(len(ids), bool)
    begins[1:] = (line_ends[:-1] | (stops[:-1] & blanks[1:])) & ~(line_ends & empty)[1:]
    for at in np.flatnonzero(begins)[1:].tolist():
        if line_ends[at - 1]:
            begins[at] = not _wrapped(ids[max(at - _LINE_TOKENS, 0) : at], ids[at], tokenizer)
        else:
            begins[at] = not ABBREVIATION.search(tokenizer.decode(ids[max(at - 4, 0) : at].tolist()))
    starts = np.flatnonzero(begins)
    ends = [*starts[1:].tolist(), len(ids)]
    texts = [tokenizer.decode(ids[a:b].tolist()) for a, b in zip(starts.tolist(), ends, strict=True)]
    return Sentences(
        starts,
        [content(text) for text in texts],
        [folded(text) for text in texts],
        np.array([_heads(t) for t in texts]),
    )


def _heads(text: str) -> bool:
    """Tell whether a line is the heading of what comes after a blank line: few words, no stop, nothing given."""
    line = text.strip()
    few = 0 < len(line.split()) <= _HEADING_WORDS
    return few and "\n" not in line and not line.endswith((*_STOPS, ":")) and text.endswith("\n\n") and ": " not in line
