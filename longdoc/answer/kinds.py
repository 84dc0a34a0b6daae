"""What kind of thing a question asks for, and which sentences hold one: numbers and times.

"How many beehives has Ana Quist?" is answered by a sentence with a number in it that the question does not name itself:
answer typing, the first step of question answering before neural readers (Li and Roth 2002, "Learning Question
Classifiers").
"""

from __future__ import annotations

import re
from collections.abc import Callable

from longdoc.citations.words import content, stem

_NUMBER = re.compile(
    r"\bhow (?:many|much|old|far|tall|high|large|big|deep|heavy|wide)\b"
    r"|\b(?:what|which) (?:number|percentage|percent|share|age|amount|price|size)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"^\W*when\b|\b(?:since|until|by) when\b|\b(?:what|which) (?:year|date|day|month|century|decade|time)\b",
    re.IGNORECASE,
)
_NUMBER_WORDS = frozenset(
    stem(word)
    for word in """
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion dozen half
    third quarter twice once single double several
    """.split()
)
_TIME_WORDS = frozenset(
    stem(word)
    for word in """
    january february march april june july august september october november december monday tuesday wednesday thursday
    friday saturday sunday spring summer autumn fall winter morning evening night noon midnight century decade today
    yesterday tomorrow
    """.split()
)


def asks_number(question: str) -> bool:
    """Tell whether a question asks how many or how much, not when."""
    return bool(_NUMBER.search(question)) and not _TIME.search(question)


def holds_kind(question: str) -> Callable[[set[str]], bool] | None:
    """Return what tells of a sentence's content words whether the kind that is asked for is among them.

    None where the question's wording does not say a kind.
    """
    words = _TIME_WORDS if _TIME.search(question) else _NUMBER_WORDS if _NUMBER.search(question) else None
    if words is None:
        return None
    asked, named = content(question), words
    return lambda held: any(word.isdecimal() or word[:1].isdigit() or word in named for word in held - asked)
