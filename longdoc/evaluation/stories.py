"""Little worlds of people, rooms and things, told in single sentences, in the manner of bAbI.

Ten kinds of story, each with questions about its end. The wording, people and
rooms are our own; what the kinds ask is as in Weston et al. (2015), tasks 1 to
10. Knows sentences and answers; spreading them through a book is left to
`babilong.py`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

PEOPLE = ("Agnes", "Bertram", "Clara", "Dunstan", "Edith", "Fergus")
ROOMS = ("attic", "cellar", "garden", "kitchen", "library", "stable", "parlour")
THINGS = ("basket", "candle", "hammer", "letter", "mirror", "violin")
COUNTS = ("none", "one", "two", "three")
_SIDES = {"north": "south", "south": "north", "east": "west", "west": "east"}
_WENT = ("{p} went to the {r}.", "{p} walked over to the {r}.", "{p} hurried into the {r}.", "{p} moved to the {r}.")
_TOOK = ("{p} picked up the {t}.", "{p} took the {t} along.", "{p} got hold of the {t}.")
_LEFT = ("{p} put down the {t}.", "{p} left the {t} there.", "{p} dropped the {t}.")
_GAVE = ("{p} gave the {t} to {q}.", "{p} handed the {t} to {q}.", "{p} passed the {t} to {q}.")


@dataclass(frozen=True)
class Story:
    """Sentences in order, and (question, target) pairs about the state at the end."""

    sentences: tuple[str, ...]
    asked: tuple[tuple[str, str], ...]


@dataclass
class World:
    """Who is where and holds what, with the sentences that told it."""

    rng: random.Random
    people: tuple[str, ...]
    things: tuple[str, ...]
    told: list[str] = field(default_factory=list)
    room: dict[str, str] = field(default_factory=dict)  # person -> room
    holder: dict[str, str] = field(default_factory=dict)  # thing -> person
    path: dict[str, list[str]] = field(default_factory=dict)  # thing -> rooms it has been in, once known
    given: dict[str, tuple[str, str]] = field(default_factory=dict)  # thing -> last giver and receiver

    def say(self, templates: Sequence[str], **parts: str) -> None:
        self.told.append(self.rng.choice(templates).format(**parts))

    def go(self, person: str | None = None) -> None:
        who = person or self.rng.choice(self.people)
        where = self.rng.choice([room for room in ROOMS if room != self.room.get(who)])
        self.room[who] = where
        self.say(_WENT, p=who, r=where)
        for thing in self.carried(who):
            self.path.setdefault(thing, []).append(where)

    def take(self) -> None:
        """Someone whose room is known takes something that no one holds and that may be there."""
        free = [t for t in self.things if t not in self.holder]
        pairs = [
            (who, thing)
            for who in self.room
            for thing in free
            if not self.path.get(thing) or self.path[thing][-1] == self.room[who]
        ]
        if not pairs:
            return self.go()
        who, thing = self.rng.choice(pairs)
        self.holder[thing] = who
        if not self.path.get(thing):
            self.path[thing] = [self.room[who]]
        return self.say(_TOOK, p=who, t=thing)

    def leave(self) -> None:
        if not self.holder:
            return self.take()
        thing, who = self.rng.choice(sorted(self.holder.items()))
        del self.holder[thing]
        return self.say(_LEFT, p=who, t=thing)

    def give(self) -> None:
        """Someone hands a thing on; both are taken to stand in the giver's room."""
        if not self.holder:
            return self.take()
        thing, who = self.rng.choice(sorted(self.holder.items()))
        to = self.rng.choice([person for person in self.people if person != who])
        self.holder[thing] = to
        self.room[to] = self.room[who]
        self.given[thing] = (who, to)
        return self.say(_GAVE, p=who, t=thing, q=to)

    def carried(self, person: str) -> list[str]:
        return [thing for thing in self.things if self.holder.get(thing) == person]


def _world(rng: random.Random, n_people: int = 4, n_things: int = 3) -> World:
    return World(rng, tuple(rng.sample(PEOPLE, n_people)), tuple(rng.sample(THINGS, n_things)))


def _run(world: World, steps: int, acts: Sequence[Callable[[], None]]) -> World:
    for _ in range(steps):
        world.rng.choice(acts)()
    return world


def one_fact(rng: random.Random) -> Story:
    w = _world(rng)
    _run(w, rng.randint(6, 12), [w.go])
    asked = [(f"Where is {who}?", where) for who, where in w.room.items()]
    return Story(tuple(w.told), tuple(asked))


def two_facts(rng: random.Random) -> Story:
    w = _world(rng)
    _run(w, rng.randint(8, 16), [w.go, w.go, w.take, w.leave])
    w.go()
    while not w.path:
        w.take()
    asked = [(f"Where is the {thing}?", rooms[-1]) for thing, rooms in w.path.items()]
    return Story(tuple(w.told), tuple(asked))


def three_facts(rng: random.Random) -> Story:
    w = _world(rng, 3)
    while not (asked := _before(w)):
        _run(w, 6, [w.go, w.go, w.take, w.leave])
    return Story(tuple(w.told), tuple(asked))


def _before(w: World) -> list[tuple[str, str]]:
    """Ask where a thing was before the last time it came to a room, other rooms only."""
    asked = []
    for thing, rooms in w.path.items():
        if len(rooms) >= 2 and rooms[-2] != rooms[-1]:
            asked.append((f"Where was the {thing} before the {rooms[-1]}?", rooms[-2]))
    return asked


def two_arguments(rng: random.Random) -> Story:
    middle, *around = rng.sample(ROOMS, 3)
    sides = rng.sample(sorted(_SIDES), 2)
    told = [f"The {room} is {side} of the {middle}." for room, side in zip(around, sides, strict=True)]
    asked = [(f"What is {side} of the {middle}?", room) for room, side in zip(around, sides, strict=True)]
    asked += [(f"What is the {room} {side} of?", middle) for room, side in zip(around, sides, strict=True)]
    return Story(tuple(told), tuple(asked))


def three_arguments(rng: random.Random) -> Story:
    w = _world(rng)
    while len(w.given) < 2:
        _run(w, 5, [w.go, w.take, w.give, w.give])
    asked: list[tuple[str, str]] = []
    for thing, (giver, to) in w.given.items():
        asked.append((f"Who was the last to give the {thing} to {to}?", giver))
        asked.append((f"Who was the last to be given the {thing}?", to))
    return Story(tuple(w.told), tuple(asked))


def yes_no(rng: random.Random) -> Story:
    w = _world(rng)
    _run(w, rng.randint(6, 12), [w.go])
    asked = []
    for who, where in w.room.items():
        right = rng.random() < 0.5
        said = where if right else rng.choice([room for room in ROOMS if room != where])
        asked.append((f"Is {who} in the {said}?", "yes" if right else "no"))
    return Story(tuple(w.told), tuple(asked))


def counting(rng: random.Random) -> Story:
    w = _carrying(rng)
    asked = [(f"How many things is {who} carrying?", COUNTS[len(w.carried(who))]) for who in _seen(w)]
    return Story(tuple(w.told), tuple(asked))


def lists(rng: random.Random) -> Story:
    w = _carrying(rng)
    asked = [(f"What is {who} carrying?", ",".join(w.carried(who)) or "nothing") for who in _seen(w)]
    return Story(tuple(w.told), tuple(asked))


def _carrying(rng: random.Random) -> World:
    w = _world(rng)
    w.go()
    return _run(w, rng.randint(8, 14), [w.go, w.take, w.take, w.leave, w.give])


def _seen(w: World) -> list[str]:
    """People named in the story, those who carry something first."""
    named = [who for who in w.people if any(who in sentence for sentence in w.told)]
    return sorted(named, key=lambda who: not w.carried(who))


def negation(rng: random.Random) -> Story:
    told: list[str] = []
    state: dict[str, tuple[str, bool]] = {}
    people = rng.sample(PEOPLE, 4)
    for _ in range(rng.randint(6, 10)):
        who, where, there = rng.choice(people), rng.choice(ROOMS), rng.random() < 0.6
        told.append(f"{who} is in the {where}." if there else f"{who} is no longer in the {where}.")
        state[who] = (where, there)
    asked = [(f"Is {who} in the {where}?", "yes" if there else "no") for who, (where, there) in state.items()]
    return Story(tuple(told), tuple(asked))


def indefinite(rng: random.Random) -> Story:
    told: list[str] = []
    state: dict[str, tuple[str, ...]] = {}
    people = rng.sample(PEOPLE, 4)
    for _ in range(rng.randint(6, 10)):
        who = rng.choice(people)
        rooms = tuple(rng.sample(ROOMS, 1 if rng.random() < 0.5 else 2))
        either = f"either in the {rooms[0]} or in the {rooms[-1]}" if len(rooms) == 2 else f"in the {rooms[0]}"
        told.append(f"{who} is {either}.")
        state[who] = rooms
    asked = []
    for who, rooms in state.items():
        said = rng.choice(rooms if rng.random() < 0.7 else [room for room in ROOMS if room not in rooms])
        answer = "no" if said not in rooms else "yes" if len(rooms) == 1 else "maybe"
        asked.append((f"Is {who} in the {said}?", answer))
    return Story(tuple(told), tuple(asked))


@dataclass(frozen=True)
class Kind:
    """How a kind of story is made, and the labels its answers are taken from."""

    make: Callable[[random.Random], Story]
    labels: tuple[str, ...]


_YES_NO = ("yes", "no")
KINDS: Mapping[str, Kind] = {
    "qa1": Kind(one_fact, ROOMS),
    "qa2": Kind(two_facts, ROOMS),
    "qa3": Kind(three_facts, ROOMS),
    "qa4": Kind(two_arguments, ROOMS),
    "qa5": Kind(three_arguments, PEOPLE),
    "qa6": Kind(yes_no, _YES_NO),
    "qa7": Kind(counting, COUNTS),
    "qa8": Kind(lists, (*THINGS, "nothing")),
    "qa9": Kind(negation, _YES_NO),
    "qa10": Kind(indefinite, (*_YES_NO, "maybe")),
}
