"""Made facts: short statements about invented people and things, with paraphrased questions.

"The rudder code of Imre Vass is 4471." Names, keys and values are drawn afresh
every time, so nothing can be memorised: only reading answers. Words whose hash
falls in the evaluation's share (`longdoc.evaluation.keys.held_out_key`) are never
used here.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from longdoc.evaluation.keys import held_out_key
from models.recipe.frames import FRAMES, Frame, dressed, noun_frame
from models.recipe.pools import (
    ANIMALS,
    ATTRIBUTES,
    CODES,
    COLOURS,
    INSTRUMENTS,
    JOBS,
    KEY_WORDS,
    MONTHS,
    OBJECTS,
    SYLLABLES,
)

# (statement, questions); {k} is who or what, {v} the value.
NEEDLES = (
    (
        "One of the special magic {u}s for {k} is: {v}.",
        (
            "What is the special magic {u} for {k} mentioned in the provided text?",
            "What is the special magic {u} for {k}?",
        ),
    ),
    ("The {u} of {k} is {v}.", ("What is the {u} of {k}?", "Which {u} does {k} have?", "What {u} belongs to {k}?")),
    ("For {k}, the {u} is {v}.", ("What is the {u} for {k}?", "Which {u} is given for {k}?")),
    ("{k} has the {u} {v}.", ("Which {u} does {k} have?", "What is the {u} of {k}?")),
    (
        "Remember that the {u} for {k} is {v}.",
        ("What is the {u} for {k}?", "What should be remembered as the {u} for {k}?"),
    ),
    ("The {u} assigned to {k} was {v}.", ("Which {u} was assigned to {k}?", "What {u} did {k} get?")),
    ("{v} is the {u} of {k}.", ("What is the {u} of {k}?", "{k} has which {u}?")),
    ("It was noted that {k} received the {u} {v}.", ("Which {u} did {k} receive?", "What is the {u} of {k}?")),
)
PERSONAL = (
    ("{n}'s {a} is {v}.", ("What is {n}'s {a}?", "What is the {a} of {n}?")),
    ("The {a} of {n} is {v}.", ("What is the {a} of {n}?", "What is {n}'s {a}?")),
    ("According to the record, the {a} of {n} was {v}.", ("What was the {a} of {n}?", "What is {n}'s {a}?")),
    ("{n} gave {v} as the {a}.", ("What did {n} give as the {a}?", "What is the {a} of {n}?")),
    ("Everyone knew that {n}'s {a} was {v}.", ("What was {n}'s {a}?", "What did everyone know to be {n}'s {a}?")),
)
EVENTS = (
    (
        "{n} bought {c} {o}s in {p} for {m}.",
        (
            ("How many {o}s did {n} buy?", "c"),
            ("Where did {n} buy {o}s?", "p"),
            ("How much did {n} pay for the {o}s?", "m"),
            ("Who bought {o}s in {p}?", "n"),
        ),
    ),
    (
        "On {d}, {n} travelled from {p} to {q}.",
        (
            ("When did {n} travel to {q}?", "d"),
            ("Where did {n} travel from?", "p"),
            ("Where did {n} go on {d}?", "q"),
            ("Who travelled from {p} to {q}?", "n"),
        ),
    ),
    (
        "{n} hid the {o} behind the {h} in {p}.",
        (
            ("Where did {n} hide the {o}?", "h"),
            ("What did {n} hide in {p}?", "o"),
            ("Who hid the {o}?", "n"),
            ("In which town did {n} hide the {o}?", "p"),
        ),
    ),
    (
        "{n}, who works as a {j}, will pay {m} by {d}.",
        (
            ("What does {n} work as?", "j"),
            ("How much will {n} pay?", "m"),
            ("When will {n} pay?", "d"),
            ("Who will pay {m}?", "n"),
        ),
    ),
    (
        "The meeting with {n} was moved to {d} at {t}.",
        (
            ("When is the meeting with {n}?", "d"),
            ("At what time is the meeting with {n}?", "t"),
            ("With whom is the meeting on {d}?", "n"),
        ),
    ),
    (
        "{n} agreed to deliver {c} {o}s to {q} before {d}.",
        (
            ("How many {o}s will {n} deliver?", "c"),
            ("What will {n} deliver to {q}?", "o"),
            ("Who agreed to deliver {o}s?", "n"),
            ("Before when must {n} deliver?", "d"),
        ),
    ),
)


@dataclass(frozen=True)
class Fact:
    """One statement with its questions. `asked` holds (question, answer); every answer stands in the statement."""

    statement: str
    asked: tuple[tuple[str, str], ...]
    absent: tuple[str, ...]  # questions of the same shape that the statement does not answer


class FactMaker:
    """Draw facts from one random generator; `words` are plain words (lower case) that names and values may use."""

    def __init__(self, rng: random.Random, words: Sequence[str] = ()) -> None:
        self.rng = rng
        self.keys = [word for word in KEY_WORDS if not held_out_key(word)]
        self.plain = [word for word in words if not held_out_key(word)] or self.keys

    def word(self, least: int = 2, most: int = 3) -> str:
        while True:
            kind = self.rng.random()
            if kind < 0.2:  # a common word as a name: "Lantern"
                made = self.rng.choice(self.plain).capitalize()
                if not held_out_key(made):
                    return made
                continue
            if kind < 0.35:  # two halves of words: "Carpeam"
                halves = self.rng.choice(self.plain), self.rng.choice(self.plain)
                made = (halves[0][: self.rng.randint(2, 4)] + halves[1][-self.rng.randint(2, 4) :]).capitalize()
                if not held_out_key(made):
                    return made
                continue
            made = "".join(self.rng.choice(SYLLABLES) for _ in range(self.rng.randint(least, most))).capitalize()
            if not held_out_key(made):
                return made

    def person(self) -> str:
        full = self.rng.random() < 0.7
        return self._allowed(lambda: f"{self.word()} {self.word()}" if full else self.word())

    def key(self) -> str:
        kind = self.rng.random()
        if kind < 0.5:
            return self._allowed(lambda: "-".join(self.rng.sample(self.keys, self.rng.choice((1, 2, 2, 3)))))
        return self.person() if kind < 0.8 else self._allowed(lambda: self.word().lower())

    def number(self) -> str:
        digits = self.rng.choice((2, 3, 4, 4, 5, 6, 7, 7, 7, 8))
        return self._allowed(lambda: str(self.rng.randrange(10 ** (digits - 1), 10**digits)))

    @staticmethod
    def _allowed(make: Callable[[], str]) -> str:
        """Return a string that does not belong to the evaluation."""
        while held_out_key(text := make()):
            pass
        return text

    def value(self, kind: str) -> str:
        rng = self.rng
        match kind:
            case "colour":
                return rng.choice(COLOURS)
            case "place" | "name":
                return self.word()
            case "person":
                return self.person()
            case "money":
                amount = rng.randrange(2, 99_999)
                return rng.choice(
                    (f"{amount:,} euros", f"${amount:,}", f"{amount} dollars", f"£{amount:,}.{rng.randrange(100):02d}")
                )
            case "date":
                day, month, year = rng.randint(1, 28), rng.choice(MONTHS), rng.randint(1790, 2035)
                return rng.choice(
                    (f"{day} {month} {year}", f"{month} {day}, {year}", f"{day} {month}", f"{month} {year}")
                )
            case "small":
                return str(rng.randint(2, 60))
            case "long":
                return f"{rng.randrange(100, 999)}-{rng.randrange(1000, 9999)}"
            case "job":
                return rng.choice(JOBS)
            case "animal":
                return f"a {rng.choice(COLOURS)} {rng.choice(ANIMALS)}"
            case "instrument":
                return f"the {rng.choice(INSTRUMENTS)}"
            case "company":
                return f"{self.word()} {rng.choice(('Limited', 'and Sons', 'Brothers', 'Works', 'Trading', 'Group'))}"
            case "time":
                return f"{rng.randint(1, 12)}:{rng.randrange(0, 60, 5):02d} {rng.choice(('am', 'pm'))}"
            case "thing":
                return self._allowed(lambda: f"{rng.choice(self.plain)} {rng.choice(OBJECTS)}")
            case "plain":
                return rng.choice(self.plain)
            case "phrase" | "title":
                n = rng.randint(2, 4)
                made = self._allowed(lambda: " ".join(rng.choice(self.plain) for _ in range(n)))
                return made.title() if kind == "title" else made
            case "count":
                return f"{rng.randint(2, 20_000):,}" if rng.random() < 0.5 else str(rng.randint(2, 2000))
            case "year":
                return str(rng.randint(1100, 2035))
            case "version":
                return ".".join(str(rng.randint(0, 30)) for _ in range(rng.choice((2, 3))))
            case "code":
                letters = "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(rng.randint(1, 3)))
                return self._allowed(
                    lambda: f"{letters}-{rng.randrange(10, 9999)}{rng.choice(('', '-', '/'))}{rng.randrange(9)}"
                )
            case "weight":
                return f"{rng.randint(2, 900)} {rng.choice(('kilograms', 'pounds', 'tonnes'))}"
        return self.number()

    def near(self, name: str) -> str:
        """Return another key or name that shares all but one of its words with `name`, if it has several."""
        mark = "-" if "-" in name else " "
        parts = name.split(mark)
        if len(parts) == 1:
            other = name
            while other == name:
                other = self.key() if name.islower() else self.person()
            return other
        at = self.rng.randrange(len(parts))

        def changed() -> str:
            word = parts[at]
            while word == parts[at]:
                word = self.rng.choice(self.keys) if mark == "-" else self.word()
            return mark.join([*parts[:at], word, *parts[at + 1 :]])

        return self._allowed(changed)

    def needle(self, form: tuple[str, tuple[str, ...], str], key: str) -> Fact:
        """Return a fact of one template and unit about `key`."""
        rng = self.rng
        statement, questions, unit = form
        if unit == "uuid":
            value = self._allowed(lambda: str(uuid.UUID(int=rng.getrandbits(128))))
        elif unit == "word":
            value = self.word().lower()
        else:
            value = self.number()
        other = self.near(key)
        statement = statement.format(u=unit, k=key, v=value)
        asked = tuple((q.format(u=unit, k=key), value) for q in questions)
        return Fact(statement[0].upper() + statement[1:], asked, tuple(q.format(u=unit, k=other) for q in questions))

    def personal(self, form: tuple[str, tuple[str, ...], str], name: str) -> Fact:
        """Return a fact of one template and attribute about a person."""
        rng = self.rng
        statement, questions, described = form
        attribute, kind = described.split("|")
        other_attribute = rng.choice(ATTRIBUTES).split("|")[0]
        other, value = self.near(name), self.value(kind)
        absent = [q.format(n=other, a=attribute) for q in questions]
        if other_attribute != attribute:
            absent += [q.format(n=name, a=other_attribute) for q in questions]
        asked = tuple((q.format(n=name, a=attribute), value) for q in questions)
        return Fact(statement.format(n=name, a=attribute, v=value), asked, tuple(absent))

    def event(self, form: tuple[str, tuple[tuple[str, str], ...]], name: str) -> Fact:
        """Return an event of one template about a person."""
        rng = self.rng
        statement, questions = form
        fields = {**self._event_fields(), "n": name}
        others = {**fields, "n": self.near(name), "o": rng.choice(OBJECTS), "q": self.word(), "d": self.value("date")}
        asked = tuple((q.format(**fields), fields[field]) for q, field in questions)
        absent = tuple(q.format(**others) for q, field in questions if field != "n" and "{n}" in q)
        return Fact(statement.format(**fields), asked, absent)

    def key_of(self, kind: str) -> str:
        """Return a new key: a person, company, item ("the lantern key"), place, coded name or clause number."""
        rng = self.rng
        match kind:
            case "company" | "place":
                return self._allowed(lambda: self.value(kind))
            case "item":
                return self._allowed(lambda: f"the {rng.choice(self.plain)} {rng.choice(OBJECTS)}")
            case "coded":
                mark = rng.choice("_-.")
                return self._allowed(lambda: mark.join(rng.choice(self.plain) for _ in range(rng.choice((2, 2, 3)))))
            case "clause":
                return self._allowed(lambda: ".".join(str(rng.randint(1, 40)) for _ in range(rng.choice((2, 2, 3)))))
        return self.person()

    def framed(self, frame: Frame, key: str) -> Fact:
        """Return a fact of one of the frame's statements, asked for by any of its questions."""
        rng = self.rng
        other = key
        while other == key:
            other = self.near(key) if frame.key == "person" else self.key_of(frame.key)
        statement, value = "", "-"
        while statement.lower().count(value.lower()) != 1:  # a slice must have one place
            value = self.value(frame.value)
            statement = dressed(rng.choice(frame.statements).format(k=key, v=value), rng)
        if value not in statement:  # its first letter was raised
            value = value[0].upper() + value[1:]
        asked = tuple((q.format(k=key), value) for q in frame.questions)
        return Fact(statement, asked, tuple(q.format(k=other) for q in frame.questions))

    def group(self, n: int) -> list[Fact]:
        """Return `n` facts of one template about different keys, some near: only the whole key tells them apart."""
        rng = self.rng
        choice = rng.random()
        form: Any
        make: Callable[[Any, str], Fact]
        if choice < 0.55:
            frame = rng.choice(FRAMES) if rng.random() < 0.75 else noun_frame(rng)
            form, make, key = frame, self.framed, self.key_of(frame.key)
        elif choice < 0.8:
            statement, questions = rng.choice(NEEDLES[:1] * 4 + NEEDLES)
            if "magic" in statement:
                unit = rng.choice(("number", "number", "word", "uuid"))
            else:
                unit = f"{rng.choice(OBJECTS)} {rng.choice(CODES)}"
            form, make, key = (statement, questions, unit), self.needle, self.key()
        elif choice < 0.9:
            form, make, key = (*rng.choice(PERSONAL), rng.choice(ATTRIBUTES)), self.personal, self.person()
        else:
            form, make, key = rng.choice(EVENTS), self.event, self.person()
        keys = [key]
        while len(keys) < n:
            if make == self.framed and form.key != "person":
                another = self.key_of(form.key)
            else:
                another = (
                    self.near(key) if rng.random() < 0.4 else (self.key() if make == self.needle else self.person())
                )
            if another not in keys:
                keys.append(another)
        return [make(form, one) for one in keys]

    def _event_fields(self) -> dict[str, str]:
        rng = self.rng
        return {
            "n": self.person(),
            "c": str(rng.randint(2, 400)),
            "o": rng.choice(OBJECTS),
            "p": self.word(),
            "q": self.word(),
            "m": self.value("money"),
            "d": self.value("date"),
            "h": rng.choice(OBJECTS),
            "j": rng.choice(JOBS),
            "t": self.value("time"),
        }

    def fact(self) -> Fact:
        """Return one fact by itself."""
        return self.group(1)[0]
