"""What single tokens look like: word starts, sentence ends, digits.

Training questions are made from token ids, so that every answer is a slice of
its document. This table says, for each id, what is needed to cut at words and
sentences without decoding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from longdoc.formats import SPECIAL_TOKENS, SpecialIds

Ids = NDArray[np.uint16]

STOP_WORDS = frozenset(
    "a an and are as at be been but by can could did do does for from had has have he her him his how i if in into is"
    " it its me more my no nor not of on one or our out she so some than that the their them then there these they this"
    " to up us was we were what when which who will with would you your said very all any only".split()
)


@dataclass(frozen=True)
class Vocabulary:
    """Boolean tables of shape (vocab_size,)."""

    special: SpecialIds
    word_start: NDArray[np.bool_]  # begins a word: " the", or a lone space before a digit
    word_part: NDArray[np.bool_]  # letters or digits that continue a word: "ing", "4"
    ends_sentence: NDArray[np.bool_]  # "." "?" '."'
    has_newline: NDArray[np.bool_]
    capital: NDArray[np.bool_]  # first letter is a capital
    digit: NDArray[np.bool_]
    stop_word: NDArray[np.bool_]
    digits: NDArray[np.uint16]  # ids of "0" to "9"
    plain_words: tuple[str, ...]  # lower-case words of four letters or more that are one token

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Vocabulary:
        size = tokenizer.get_vocab_size()
        strings = [tokenizer.decode([i], skip_special_tokens=False) for i in range(size)]
        special = SpecialIds(*(int(tokenizer.token_to_id(token) or 0) for token in SPECIAL_TOKENS))
        is_special = np.zeros(size, bool)
        is_special[list(vars(special).values())] = True

        def table(test: object) -> NDArray[np.bool_]:
            return np.array([bool(test(s)) for s in strings]) & ~is_special  # type: ignore[operator]  # a callable

        return cls(
            special=special,
            word_start=table(lambda s: re.match(r" \w", s) or s == " "),
            word_part=table(lambda s: re.fullmatch(r"[\w'’-]+", s)),
            ends_sentence=table(lambda s: re.search(r"[.!?][\"'”’)\]]*$", s)),
            has_newline=table(lambda s: "\n" in s),
            capital=table(lambda s: s.strip()[:1].isupper()),
            digit=table(lambda s: re.fullmatch(r"\d", s)),
            stop_word=table(lambda s: s.strip().lower() in STOP_WORDS),
            digits=np.array([tokenizer.token_to_id(str(d)) for d in range(10)], dtype=np.uint16),
            plain_words=tuple(
                sorted(s[1:] for s in strings if re.fullmatch(r" [a-z]{4,12}", s) and s[1:] not in STOP_WORDS)
            ),
        )

    @classmethod
    def from_folder(cls, folder: Path) -> Vocabulary:
        return cls.of(Tokenizer.from_file(str(folder / "tokenizer.json")))

    def sentences(self, ids: Ids) -> list[Ids]:
        """Cut ids into sentences; their concatenation is `ids`. A line break ends a sentence and belongs to it."""
        if len(ids) == 0:
            return []
        nexts = np.append(ids[1:], ids[-1:])
        ends = (self.ends_sentence[ids] & (self.word_start[nexts] | self.has_newline[nexts])) | self.has_newline[ids]
        # A full stop before a line break: the break closes the sentence, not the stop.
        ends &= ~(self.ends_sentence[ids] & self.has_newline[nexts] & ~self.has_newline[ids])
        cuts = np.flatnonzero(ends[:-1]) + 1
        return np.split(ids, cuts)

    def words(self, ids: Ids) -> list[tuple[int, int]]:
        """Return half-open token ranges of words (leading space included)."""
        starts = self.word_start[ids]
        parts = self.word_part[ids]
        words: list[tuple[int, int]] = []
        i, n = 0, len(ids)
        while i < n:
            if starts[i] or parts[i]:
                j = i + 1
                while j < n and parts[j] and not starts[j]:
                    j += 1
                words.append((i, j))
                i = j
            else:
                i += 1
        return words
