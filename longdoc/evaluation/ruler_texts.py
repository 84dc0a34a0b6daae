"""Texts of RULER's forms that are not needles in a book: chains of variables, word lists, passages.

Makes strings and their answers; sizes are in tokens as the caller counts them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from longdoc.evaluation import keys, words

Count = Callable[[str], int]

NOISE = ("The lake is calm.", "The road is long.", "The wind is cold.", "On we walk.", "Round and back once more.")
_HOPS = 4
_COMMON = 10
_ZIPF = 2.0  # 0.61 is one over the sum of all 1/rank**2
_JOBS = (
    "baker carpenter chemist clerk doctor editor farmer gardener glazier joiner lawyer mason miller nurse painter "
    "pilot printer sailor surveyor tailor teacher weaver"
)
_GOODS = "barrels bells boats books bricks candles carpets clocks gloves hats lamps locks maps ropes saddles tiles"


def variable_chain(rng: random.Random, hops: int = _HOPS) -> tuple[list[str], str, list[str]]:
    """Return the assignments of a chain in order, the question, and all variables that hold the value."""
    taken: set[str] = set()
    names = [keys.draw(lambda: keys.variable(rng), taken) for _ in range(hops + 1)]
    value = keys.draw(lambda: keys.number(rng, 5), taken)
    lines = [f"VAR {names[0]} = {value}"]
    lines += [f"VAR {name} = VAR {before}" for before, name in pairwise(names)]
    return lines, f"Find all variables that are assigned the value {value} in the text above.", names


def common_words(n_tokens: int, count: Count, rng: random.Random) -> tuple[str, list[str]]:
    """Return a numbered word list and its ten most common words.

    As in RULER the ten stand 30 times and the others 3 times each; 6 times and once in short lists.
    """
    often, seldom = (30, 3) if n_tokens >= 4096 else (6, 1)
    pool = _word_pool(rng)
    common = [next(pool) for _ in range(_COMMON)]
    others: list[str] = []

    def made(n_others: int) -> list[str]:
        while len(others) < n_others:
            others.append(next(pool))
        return common * often + others[:n_others] * seldom

    n_others = _largest(made, _numbered, n_tokens, count)
    entries = made(n_others)
    if n_others == 0:  # a very short list holds fewer copies of the common ones
        entries = common * max(2, n_tokens * often // max(1, count(_numbered(entries))))
    rng.shuffle(entries)
    return _numbered(entries), common


def _largest(
    made: Callable[[int], Sequence[str]], joined: Callable[[Sequence[str]], str], n_tokens: int, count: Count
) -> int:
    """Return the largest size whose text has at most `n_tokens` tokens."""
    low, high = 0, 64
    while count(joined(made(high))) <= n_tokens:
        low, high = high, high * 2
    while high - low > max(1, low // 64):  # to within 2 %
        middle = (low + high) // 2
        if count(joined(made(middle))) <= n_tokens:
            low = middle
        else:
            high = middle
    return low


def _numbered(entries: Sequence[str]) -> str:
    return " ".join(f"{number}. {word}" for number, word in enumerate(entries, 1)) + "\n"


def _word_pool(rng: random.Random) -> Iterator[str]:
    plain = list(words.NOUNS + words.ADJECTIVES)
    rng.shuffle(plain)
    yield from plain
    taken = set(plain)
    while True:
        word = keys.word_key(rng)
        if word not in taken:
            taken.add(word)
            yield word


def frequent_words(n_tokens: int, count: Count, rng: random.Random) -> tuple[str, list[str]]:
    """Return a text of coded words whose frequencies follow Zipf's law, and its three most frequent ones.

    As in RULER the most frequent of all is "...", which the question says to ignore.
    """
    taken: set[str] = set()
    vocabulary = ["..."]

    def made(n_words: int) -> list[str]:
        while len(vocabulary) < max(20, n_words // 50):
            vocabulary.append(keys.draw(lambda: keys.coded_word(rng), taken))
        return [word for rank, word in enumerate(vocabulary, 1) for _ in range(round(n_words * 0.61 / rank**_ZIPF))]

    # Under 80 words the third and the fourth word would be equally frequent.
    coded = made(max(80, _largest(made, " ".join, n_tokens, count)))
    rng.shuffle(coded)
    return " ".join(coded) + "\n", vocabulary[1:4]


def passages(
    n_tokens: int, count: Count, rng: random.Random, hops: int, n_questions: int
) -> tuple[str, list[tuple[str, Sequence[str]]]]:
    """Return numbered passages on made people and the firms they work for, and questions over one or two of them."""
    taken: set[str] = set()
    made: list[str] = []
    asked: list[tuple[str, Sequence[str]]] = []
    used = 0
    while True:
        name = keys.draw(lambda: keys.person(rng), taken) if len(asked) < n_questions else keys.person(rng)
        firm = f"{keys.family_name(rng)} & {keys.family_name(rng)}"
        if firm in taken or (name in taken and len(asked) >= n_questions):
            continue
        taken |= {name, firm}
        birthplace, seat = keys.place(rng), keys.place(rng)
        life = (
            f"{name} was born in {birthplace} in {rng.randrange(1820, 1880)}. Trained as a {_one(_JOBS, rng)}, "
            f"{name} later worked for {firm}, and left two daughters and a collection of {_one(_GOODS, rng)}."
        )
        business = (
            f"{firm} is a maker of {_one(_GOODS, rng)}. The firm has its seat in {seat} and was founded "
            f"by {keys.person(rng)} in {rng.randrange(1780, 1850)}."
        )
        used += count(f"Document {len(made)}:\n{life}\n\nDocument {len(made)}:\n{business}\n\n")
        if used > 0.98 * n_tokens and asked:  # together they cost a little more than one by one
            break
        made += [life, business]
        if len(asked) < n_questions:
            one = (f"Where was {name} born?", [birthplace])
            two = (f"In which town has the firm that {name} worked for its seat?", [seat])
            asked.append(one if hops == 1 else two)
    rng.shuffle(made)
    return "".join(f"Document {at}:\n{text}\n\n" for at, text in enumerate(made, 1)), asked


def _one(choices: str, rng: random.Random) -> str:
    return rng.choice(choices.split())
