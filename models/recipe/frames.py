"""Many ways to say a thing and to ask for it, so that a model learns to match meanings and not one wording.

`frames.txt` holds one relation a line; any of its statements goes with any of its questions. The sentences that
needles are measured with (`longdoc/evaluation/facts.py`) and their relations are not among them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Frame:
    """One relation: sentences that state it, questions that ask for its value, and what value and key look like."""

    statements: tuple[str, ...]
    questions: tuple[str, ...]
    value: str
    key: str = "person"


BEFORE = (
    "That year",
    "After the war",
    "According to the register,",
    "As the clerk noted,",
    "It is well known that",
    "Long before the flood",
    "To the surprise of all,",
    "The minutes say that",
    "One should know that",
    "In those days",
    "By all accounts,",
    "In the end",
    "Some months later",
    "As far as anyone remembers,",
    "Note that",
    "For the record,",
    "In the second chapter it is said that",
    "Later that week",
    "Without any doubt",
    "The report states that",
)
AFTER = (
    "without telling anyone",
    "as agreed",
    "in the year of the great frost",
    "for want of a better choice",
    "at last",
    "against all advice",
    "according to the neighbours",
    "to everybody's relief",
    "on a cold morning",
    "as before",
    "which nobody had expected",
    "so they say",
    "after a long silence",
    "by mutual consent",
    "for the time being",
)


def _frames(text: str) -> tuple[Frame, ...]:
    made = []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        statements, questions, *kinds = (part.strip() for part in line.split("::"))
        made.append(Frame(tuple(statements.split(" / ")), tuple(questions.split(" / ")), *kinds))
    return tuple(made)


FRAMES = _frames(Path(__file__).with_suffix(".txt").read_text())

# Nouns that people and things have, each with other words for it; values by kind.
NOUNS = (
    (("employer", "company behind the salary"), "company"),
    (("wage", "pay"), "money"),
    (("debt", "amount owed"), "money"),
    (("neighbour", "person next door"), "person"),
    (("guardian", "person in charge"), "person"),
    (("rival", "opponent"), "person"),
    (("assistant", "helper"), "person"),
    (("witness", "person who saw it"), "person"),
    (("client", "customer"), "person"),
    (("editor", "person who edits"), "person"),
    (("godmother",), "person"),
    (("address", "place to write to"), "place"),
    (("refuge", "hiding place"), "place"),
    (("workplace", "place of work"), "place"),
    (("holiday home", "summer house"), "place"),
    (("deadline", "last date"), "date"),
    (("wedding day", "day of marriage"), "date"),
    (("date of the contract", "day the contract was signed"), "date"),
    (("court date", "day in court"), "date"),
    (("ticket", "ticket number"), "number"),
    (("case number", "number of the case"), "number"),
    (("seat", "seat number"), "small"),
    (("score", "result"), "count"),
    (("age",), "small"),
    (("reward", "prize"), "money"),
    (("loan", "sum lent"), "money"),
    (("insurance", "insurer"), "company"),
    (("bank", "bank with the account"), "company"),
    (("supplier",), "company"),
    (("favourite tree", "tree liked best"), "plain"),
    (("favourite dish", "meal liked best"), "phrase"),
    (("hobby", "pastime"), "plain"),
    (("codename", "secret name"), "plain"),
    (("flag", "colour of the flag"), "colour"),
    (("school", "school attended"), "place"),
    (("blood pressure", "pressure measured"), "count"),
    (("temperature", "degrees measured"), "small"),
    (("speed", "rate"), "count"),
    (("version", "release"), "version"),
    (("username", "account name"), "code"),
    (("voyage", "destination"), "place"),
    (("signal", "sign agreed on"), "phrase"),
    (("alibi", "whereabouts that night"), "place"),
    (("weapon", "thing used"), "thing"),
)
NOUN_STATEMENTS = (
    "The {a} of {k} is {v}",
    "{k}'s {a} is {v}",
    "{v} is the {a} of {k}",
    "As {a}, {k} has {v}",
    "For {k} the {a} was {v}",
    "{k} gave {v} as the {a}",
    "They wrote down {v} as the {a} of {k}",
    "{k} and the {a}: {v}",
    "The {a} belonging to {k} turned out to be {v}",
)
NOUN_QUESTIONS = (
    "What is the {a} of {k}?",
    "What is {k}'s {a}?",
    "Which {a} does {k} have?",
    "What was given as the {a} of {k}?",
    "Can you tell me the {a} of {k}?",
    "What do we know about the {a} of {k}?",
    "{k}: what is the {a}?",
    "Name the {a} of {k}.",
    "What was the {a} of {k}?",
)


def noun_frame(rng: random.Random) -> Frame:
    """Return a frame about something that a person or thing has, asked for by the same or another word."""
    words, kind = rng.choice(NOUNS)
    stated, asked = rng.choice(words), rng.choice(words)
    return Frame(
        tuple(s.replace("{a}", stated) for s in rng.sample(NOUN_STATEMENTS, 2)),
        tuple(q.replace("{a}", asked) for q in rng.sample(NOUN_QUESTIONS, 2)),
        kind,
        rng.choice(("person", "person", "person", "company", "item")),
    )


def dressed(statement: str, rng: random.Random) -> str:
    """Return the statement as a sentence, now and then with words before or after it."""
    if rng.random() < 0.25:
        statement = f"{rng.choice(BEFORE)} {statement}"
    if rng.random() < 0.2:
        statement = f"{statement} {rng.choice(AFTER)}"
    return f"{statement[0].upper()}{statement[1:]}."
