"""The words of a question as the full-text index knows them, and where a text has them.

Stems come from SQLite's own tokenizer, so a word found here is a word found
there. Questions are free text: nothing in them is ever a query operator.
"""

from __future__ import annotations

import re
import sqlite3
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from longdoc.store.codec import storable
from longdoc.store.migrations import TOKENIZER

MAX_TERMS = 48  # of a pasted page the rarest words decide; the caller keeps those
MAX_COUNT = 3  # a word counts at most so often, however often a question repeats it
GUESS = 0.7  # weight of the word that was probably meant
FUNCTION_WORD = 0.3  # weight of "what", "did", "of" beside words with a meaning of their own
_WORD = re.compile(r"\w+")
_FUNCTION_WORDS = frozenset(
    "a an the and or but if of in on at to for from by with about as into than then so that this these those "
    "there here it its he she they them him her his their we our us you your i me my is are was were be been "
    "being am do does did doing done has have had having will would shall should can could may might must what "
    "which who whom whose when where why how not no nor s t".split()
)


class Stemmer:
    """Words to stems by the tokenizer of the index; recent words are remembered."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        self._db.execute(f"CREATE VIRTUAL TABLE words USING fts5(word, tokenize='{TOKENIZER}')")
        self._db.execute("CREATE VIRTUAL TABLE stems USING fts5vocab(words, 'instance')")

    def stems(self, words: Iterable[str]) -> list[str]:
        """Return the stem of each word."""
        asked = list(words)
        with self._lock:
            new = [word for word in dict.fromkeys(asked) if word not in self._known]
            if new:
                if len(self._known) > 100_000:
                    self._known.clear()
                    new = list(dict.fromkeys(asked))
                self._learn(new)
            return [self._known[word] for word in asked]

    def _learn(self, words: list[str]) -> None:
        with self._db:
            self._db.execute("DELETE FROM words")
            self._db.executemany("INSERT INTO words(rowid, word) VALUES (?, ?)", enumerate(map(storable, words)))
            found = dict(self._db.execute("SELECT doc, term FROM stems WHERE offset = 0").fetchall())
        for number, word in enumerate(words):
            self._known[word] = found.get(number, word)


@cache
def stemmer() -> Stemmer:
    """Return the one stemmer of this process."""
    return Stemmer()


@dataclass(frozen=True)
class Query:
    """A question's different terms, with how much each counts before rarity is known."""

    terms: tuple[str, ...]  # stems
    words: tuple[str, ...]  # for each stem a word that has it, for the full-text query
    weights: tuple[float, ...]
    meant: tuple[bool, ...]  # False: a function word beside others
    _finder: re.Pattern[str] | None

    def places(self, text: str) -> list[tuple[int, int]]:
        """Return (character, term number) of every word of the question in a text."""
        if self._finder is None:
            return []
        found = [(match.start(), match.group()) for match in self._finder.finditer(_folded(text))]
        number = {term: at for at, term in enumerate(self.terms)}
        stems = stemmer().stems(word for _, word in found)
        return [(at, number[stem]) for (at, _), stem in zip(found, stems, strict=True) if stem in number]

    def inside(self, text: str) -> frozenset[int]:
        """Return the numbers of the terms that a text has."""
        return frozenset(term for _, term in self.places(text))

    def keep(self, numbers: Iterable[int]) -> Query:
        """Return the query of some of its terms."""
        kept = sorted(numbers)
        return _query([(self.terms[n], self.words[n], self.weights[n], self.meant[n]) for n in kept])

    def respelled(self, terms: Mapping[int, str]) -> Query:
        """Return the query with other stems for some of its terms; a guess counts less."""
        rows = list(zip(self.terms, self.words, self.weights, self.meant, strict=True))
        for number, term in terms.items():
            if term in self.terms:
                continue
            rows[number] = (term, term, self.weights[number] * GUESS, self.meant[number])
        return _query(list({row[0]: row for row in rows}.values()))


def parse(question: str) -> Query:
    """Return the terms of a question; function words count less, or fully when there is nothing else."""
    words = _WORD.findall(_folded(question))
    stems = stemmer().stems(words)
    counts = Counter(stems)
    first = dict(zip(reversed(stems), reversed(words), strict=True))
    functional = set(stemmer().stems(sorted(_FUNCTION_WORDS)))
    plain = all(stem in functional for stem in counts)
    rows = []
    for term, count in counts.items():
        meant = plain or term not in functional
        rows.append((term, first[term], min(count, MAX_COUNT) * (1.0 if meant else FUNCTION_WORD), meant))
    return _query(rows)


class _Plain(dict[str, str]):
    """Characters to their base letter, as the tokenizer's `remove_diacritics` does; one for one."""

    def __missing__(self, character: str) -> str:
        base = unicodedata.normalize("NFD", character)[0]
        self[character] = base if len(base.lower()) == 1 else " "
        return self[character]


_PLAIN = _Plain()
_ACCENTED = re.compile("[_\u0080-\u2fff]")  # and "_", which parts words in the index


def _folded(text: str) -> str:
    """Return text in lower case without accents, character for character."""
    return _ACCENTED.sub(_plain, text).lower()


def _plain(match: re.Match[str]) -> str:
    return " " if match.group() == "_" else _PLAIN[match.group()]


def _query(rows: list[tuple[str, str, float, bool]]) -> Query:
    # Stemming changes the end of a word, so words with another beginning need no look.
    beginnings = sorted({re.escape(term[: max(1, min(len(term) - 1, 4))]) for term, _, _, _ in rows})
    finder = re.compile(rf"\b(?:{'|'.join(beginnings)})\w*") if beginnings else None
    terms, words, weights, meant = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Query(terms, words, weights, meant, finder)
