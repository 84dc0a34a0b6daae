"""Rename people, places and numbers consistently in a document and the questions about it.

A model may know a document from training; after renaming only reading answers.
Capitalised words that the text uses inside sentences and never in lower case
get made names, numbers of three digits and more get other digits. One map
serves text, questions and answers, and tells where every character went.
"""

from __future__ import annotations

import bisect
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass

from longdoc.evaluation import keys, words

_WORD = re.compile(r"[^\W\d_]+")
_INSIDE = re.compile(r"[a-z,;][ \n]+([A-Z][a-z]{2,})\b")  # capitalised without opening a sentence
_NUMBER = re.compile(r"\d[\d,.]*\d")
_TOKEN = re.compile(r"[^\W\d_]+|\d[\d,.]*\d")
_LEAST_DIGITS = 3


@dataclass(frozen=True)
class Renamed:
    """A renamed text and where the characters of the original stand in it."""

    text: str
    _old: tuple[int, ...]  # starts and ends of replaced words, ascending
    _new: tuple[int, ...]

    def place(self, offset: int) -> int:
        """Return where a character offset of the original stands; inside a replaced word, within the new one."""
        at = bisect.bisect_right(self._old, offset) - 1
        if at < 0:
            return offset
        moved = self._new[at] + offset - self._old[at]
        return min(moved, self._new[at + 1]) if at + 1 < len(self._new) else moved

    def span(self, start: int, end: int) -> tuple[int, int]:
        return self.place(start), self.place(end)


class Renamer:
    """One consistent map, made from the text of a document."""

    def __init__(self, text: str, seed: str) -> None:
        rng = random.Random(f"rename/{seed}")
        lower = set(re.findall(r"\b[a-z]+\b", text))
        found = {match.group(1) for match in _INSIDE.finditer(text)}
        names = sorted(name for name in found if name.lower() not in lower and name.lower() not in words.KEPT)
        self._names = _made_names(names, {word.lower() for word in _WORD.findall(text)}, rng)
        self._lower = {old.lower(): new.lower() for old, new in self._names.items()}
        self._upper = {old.upper(): new.upper() for old, new in self._names.items()}
        self._digits = _digit_maps(rng)

    @property
    def names(self) -> dict[str, str]:
        """The map of names, old to new."""
        return dict(self._names)

    def text(self, text: str) -> Renamed:
        """Return a text of the document renamed, with its offsets."""
        parts: list[str] = []
        old, new = [0], [0]
        done = length = 0
        for match in _TOKEN.finditer(text):
            word = match.group()
            other = self._word(word)
            if other == word:
                continue
            parts += [text[done : match.start()], other]
            length += match.start() - done
            old += [match.start(), match.end()]
            new += [length, length + len(other)]
            length += len(other)
            done = match.end()
        return Renamed("".join([*parts, text[done:]]), tuple(old), tuple(new))

    def phrase(self, text: str) -> str:
        """Return a question or answer renamed; one written without capitals is renamed in lower case too."""
        if any(character.isupper() for character in text[1:]):
            return self.text(text).text
        return _TOKEN.sub(lambda match: self._lower.get(match.group(), self._word(match.group())), text)

    def phrases(self, texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(self.phrase(text) for text in texts)

    def _word(self, word: str) -> str:
        if word[0].isdigit():
            return self._number(word)
        return self._names.get(word) or self._upper.get(word, word)

    def _number(self, number: str) -> str:
        digits = [character for character in number if character.isdigit()]
        if len(digits) < _LEAST_DIGITS:
            return number
        # A year stays in its century, so that it still reads as a year.
        year = len(number) == 4 and number.isdigit() and "1000" <= number < "2100"
        first, rest = self._digits
        out: list[str] = []
        seen = 0
        for character in number:
            if character.isdigit():
                kept = year and seen < 2
                out.append(character if kept else first[character] if seen == 0 else rest[character])
                seen += 1
            else:
                out.append(character)
        return "".join(out)


def _digit_maps(rng: random.Random) -> tuple[dict[str, str], dict[str, str]]:
    """Return how a number's first digit and its other digits change; a first digit never becomes 0."""
    leading, others = list("123456789"), list("0123456789")
    rng.shuffle(leading)
    rng.shuffle(others)
    first = dict(zip("123456789", leading, strict=True)) | {"0": "0"}
    return first, dict(zip("0123456789", others, strict=True))


def _made_names(names: Iterable[str], taken: set[str], rng: random.Random) -> dict[str, str]:
    """Return a new name for each; a name that another begins ("Paris", "Parisian") lends its new form to it."""
    made: dict[str, str] = {}
    used = set(taken)
    for name in names:  # sorted: a stem comes before what is built on it
        stem = next((old for old in made if len(old) >= 4 and name.startswith(old)), None)
        if stem is not None:
            made[name] = made[stem] + name[len(stem) :]
            continue
        while (new := _plain_name(rng)).lower() in used:
            continue
        used.add(new.lower())
        made[name] = new
    return made


def _plain_name(rng: random.Random) -> str:
    made = rng.choice((keys.given_name, keys.family_name, keys.place))(rng)
    return made if rng.random() < 0.7 else made + rng.choice(("a", "o", "en", "ar", "is"))
