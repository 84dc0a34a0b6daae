"""Made facts to hide in a text: a statement, a paraphrased question, and a value found nowhere else.

The statements and questions are for measuring only: training has its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from longdoc.evaluation import keys


@dataclass(frozen=True)
class Template:
    """A statement and a question about `{key}`, and how its value is made."""

    statement: str
    question: str
    value: Callable[[random.Random], str]


@dataclass(frozen=True)
class Needle:
    """One sentence to hide, its question and its answer."""

    form: str  # number | uuid | fact
    key: str
    statement: str
    question: str
    value: str


def _digits(n: int) -> Callable[[random.Random], str]:
    return lambda rng: keys.number(rng, n)


def _words(rng: random.Random) -> str:
    return keys.word_key(rng).replace("-", " ")


FACTS = (
    Template("In the spring {key} moved to {value}.", "Where did {key} move to?", keys.place),
    Template("{key} was born in {value} on a stormy night.", "What was the birthplace of {key}?", keys.place),
    Template(
        "The ship that {key} commanded was called the {value}.", "What was the name of {key}'s ship?", keys.place
    ),
    Template(
        "{key} paid {value} crowns for the old boat.", "How many crowns did {key} give for the old boat?", _digits(4)
    ),
    Template(
        "The safe in the study of {key} opens with {value}.", "Which number opens {key}'s safe?", _digits(6)
    ),
    Template(
        "{key} was apprenticed to a clockmaker named {value}.", "Under which clockmaker did {key} learn?", keys.person
    ),
    Template("The heir of {key} is {value}.", "Who inherits from {key}?", keys.person),
    Template("The horse of {key} answered to the name of {value}.", "What was {key}'s horse called?", keys.given_name),
    Template(
        "The letter to {key} bore a seal shaped like a {value}.", "What shape had the seal on {key}'s letter?", _words
    ),
    Template("{key} hid the spare key under the {value}.", "Under what did {key} hide the spare key?", _words),
)  # fmt: skip

_RULER = {"number": "numbers", "uuid": "uuids"}


def magic_statement(form: str, key: str, value: str) -> str:
    """Return RULER's needle sentence for a key and a number or UUID."""
    return f"One of the special magic {_RULER[form]} for {key} is: {value}."


def magic_question(form: str, key: str) -> str:
    """Return RULER's question for one key with one value."""
    return f"What is the special magic {form} for {key} mentioned in the provided text?"


def magic_value(form: str, rng: random.Random) -> str:
    """Return a seven-digit number or a UUID."""
    return keys.number(rng) if form == "number" else keys.uuid4(rng)


def magic_needle(form: str, rng: random.Random, taken: set[str], near: str | None = None) -> Needle:
    """Return a needle in RULER's wording with a new held-out key and value; `near` asks for a key like that one."""
    key = keys.draw(lambda: keys.near_word_key(near, rng) if near else keys.word_key(rng), taken)
    value = keys.draw(lambda: magic_value(form, rng), taken)
    return Needle(form, key, magic_statement(form, key, value), magic_question(form, key), value)


def fact_needle(template: Template, rng: random.Random, taken: set[str], near: str | None = None) -> Needle:
    """Return a made fact about a new held-out person; `near` asks for a name like that one."""
    key = keys.draw(lambda: keys.near_person(near, rng) if near else keys.person(rng), taken)
    value = keys.draw(lambda: template.value(rng), taken)
    statement = template.statement.format(key=key, value=value)
    return Needle("fact", key, statement, template.question.format(key=key), value)
