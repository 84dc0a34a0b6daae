"""The people and towns of the chronicle, and how its sentences are drawn.

`World.pick` expands `[one|other]` choices and `{slots}`. Every list is dealt like a pack
of cards and shuffled anew only when it is empty, so that nothing repeats soon. All
chance comes from one seeded generator.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from assets.samples_src import chronicle_names as names

_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_PER_TOWN = 7
_VERY_OLD = 81


@dataclass(frozen=True)
class Fact:
    """A question that one sentence of the chronicle answers."""

    question: str
    answer: str  # stands word for word in the sentence


@dataclass(frozen=True)
class Sentence:
    """A sentence, and what it answers."""

    text: str
    fact: Fact | None = None


@dataclass
class Person:
    """Somebody worth writing about."""

    name: str
    woman: bool
    trade: str
    town: str
    born: int
    deeds: list[str] = field(default_factory=list)
    alive: bool = True
    married: bool = False

    @property
    def titled(self) -> str:
        """Return the name with trade and town."""
        return f"{self.name}, {self.trade} of {self.town},"

    @property
    def they(self) -> str:
        return "she" if self.woman else "he"

    @property
    def them(self) -> str:
        return "her" if self.woman else "him"

    @property
    def their(self) -> str:
        return "her" if self.woman else "his"


class World:
    """Everything that has happened so far."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.year = names.FIRST_YEAR
        self._packs: dict[str, list[str]] = {}
        self._used_names: set[str] = set()
        self.asked: Counter[str] = Counter()  # a question asked twice has no single answer
        self._met: set[str] = set()  # people of this year's events so far
        self._once: set[tuple[str, str]] = set()
        self.people: list[Person] = []
        self.dead: list[Person] = []
        self.wardens: dict[str, Person] = {}
        for town in names.TOWNS:
            for _ in range(_PER_TOWN):
                self.newcomer(town, self.rng.randint(20, 55))

    def draw(self, pack: str, cards: Sequence[str]) -> str:
        """Return the next card of a pack; the pack is shuffled when it is empty."""
        left = self._packs.get(pack)
        if not left:
            left = list(cards)
            self.rng.shuffle(left)
            self._packs[pack] = left
        return left.pop()

    def draw_new(self, pack: str, cards: Sequence[str], place: str) -> str | None:
        """Return a card that was never drawn for `place`, or None when all were."""
        for _ in cards:
            card = self.draw(pack, cards)
            if (pack + place, card) not in self._once:
                self._once.add((pack + place, card))
                return card
        return None

    def pick(self, template: str, **slots: object) -> str:
        """Expand choices, innermost first, then slots."""
        while match := _CHOICE.search(template):
            card = self.draw(match.group(1), match.group(1).split("|"))
            template = template[: match.start()] + card + template[match.end() :]
        text = re.sub(" +", " ", template.format(**slots))
        # "Ivo Pike, miller of Rusk," brings its comma along.
        text = re.sub(r",([,.;])", r"\1", text)
        return re.sub(r"\b([Aa]) (?=[aeio])", r"\1n ", text)

    def tell(self, template: str, question: str = "", answer: str = "", **slots: object) -> Sentence:
        """Return a sentence and, with a question, what it answers."""
        text = self.pick(template, **slots)
        text = text[0].upper() + text[1:]
        if not question:
            return Sentence(text)
        if answer not in text:
            raise ValueError(f"{answer!r} does not stand in {text!r}")
        asked = question.format(**slots)
        self.asked[asked] += 1
        return Sentence(text, Fact(asked, answer))

    def number(self, low: int, high: int) -> int:
        return self.rng.randint(low, high)

    def town(self) -> str:
        return self.draw("town", names.TOWNS)

    def other_town(self, town: str) -> str:
        """Return a town that is not `town`."""
        return self.rng.choice([name for name in names.TOWNS if name != town])

    def begin(self, year: int) -> None:
        """Start a year; the very old leave without a word."""
        self.year = year
        self._met.clear()
        for person in [p for p in self.people if year - p.born > _VERY_OLD]:
            self.bury(person)

    def someone(self, town: str = "", least_age: int = 18, *, woman: bool | None = None) -> Person:
        """Return a living person whom this year has not met yet; a newcomer where nobody fits."""
        fitting = [
            person
            for person in self.people
            if (not town or person.town == town)
            and self.year - person.born >= least_age
            and person.name not in self._met
            and (woman is None or (person.woman == woman and not person.married))
        ]
        found = self.rng.choice(fitting) if fitting else self.newcomer(town or self.town(), least_age + 5, woman=woman)
        self._met.add(found.name)
        return found

    def two(self) -> tuple[Person, Person]:
        """Return two different living people."""
        return self.someone(), self.someone()

    def newcomer(self, town: str, age: int, *, woman: bool | None = None) -> Person:
        """Return a new person with a name that nobody had before."""
        while True:
            woman = self.rng.random() < 0.5 if woman is None else woman
            name = f"{self.rng.choice(names.WOMEN if woman else names.MEN)} {self.rng.choice(names.SURNAMES)}"
            if name not in self._used_names:
                break
        self._used_names.add(name)
        person = Person(name, woman, self.draw("trade", names.TRADES), town, self.year - age)
        self.people.append(person)
        return person

    def bury(self, person: Person) -> None:
        """Take a person from the living; somebody young comes into the story in the same town."""
        person.alive = False
        self.people.remove(person)
        self.dead.append(person)
        self.newcomer(person.town, self.rng.randint(17, 26))

    def remembered(self) -> Person | None:
        """Return somebody dead who did something worth recalling."""
        known = [person for person in self.dead if person.deeds]
        return self.rng.choice(known) if known else None
