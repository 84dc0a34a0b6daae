"""RULER's thirteen task forms, rebuilt on our own text and asked in our own prompt.

Paper: https://arxiv.org/abs/2404.06654. Same forms, same scoring (mean share of
references found as substrings; question answering: any), same effective length
(the last length whose average is at least 85.6). Other than there: haystacks
are unseen books instead of essays, the two question sets are made passages, the
task's instruction stands in the question after the text, and forms with several
keys ask up to four questions of one reading.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from longdoc.errors import UserError
from longdoc.evaluation import facts, keys, ruler_texts, scoring
from longdoc.evaluation.haystack import Filler, Sentence, insert
from longdoc.evaluation.items import Haystack, Item, Reply, Scores, one_document, overhead_tokens

THRESHOLD = 0.856  # Llama-2-7B at 4K, as in the paper
_ASKED = 4  # questions of one haystack where a form has several keys


@dataclass(frozen=True)
class Made:
    """The text of one haystack and its (question, references) pairs."""

    text: str
    asked: Sequence[tuple[str, Sequence[str]]]


Form = Callable[[Filler, int, random.Random], Made]


def _single(value: str, noise: bool) -> Form:
    """One needle, in repeated noise sentences or in a book."""

    def make(filler: Filler, n_tokens: int, rng: random.Random) -> Made:
        needle = facts.magic_needle(value, rng, set())
        hay = _hay(filler, n_tokens - filler.count(needle.statement), rng, noise)
        return Made(insert(hay, [(rng.random(), needle.statement)]), [(needle.question, [needle.value])])

    return make


def _multikey(filler: Filler, n_tokens: int, rng: random.Random) -> Made:
    """Four needles with different keys in a book, each asked for."""
    taken: set[str] = set()
    needles = [facts.magic_needle("number", rng, taken) for _ in range(4)]
    hay = _hay(filler, n_tokens - sum(filler.count(needle.statement) for needle in needles), rng)
    text = insert(hay, [(rng.random(), needle.statement) for needle in needles])
    return Made(text, [(needle.question, [needle.value]) for needle in needles])


def _only_needles(value: str) -> Form:
    """A text of nothing but needles."""

    def make(filler: Filler, n_tokens: int, rng: random.Random) -> Made:
        taken: set[str] = set()
        needles: list[facts.Needle] = []
        used = 0
        while True:
            key = keys.uuid4 if value == "uuid" else keys.word_key
            name = _new(lambda: key(rng), taken)  # noqa: B023  # called at once
            number = _new(lambda: facts.magic_value(value, rng), taken)
            statement, question = facts.magic_statement(value, name, number), facts.magic_question(value, name)
            used += filler.count(statement) + 1
            if used > n_tokens and needles:
                break
            needles.append(facts.Needle(value, name, statement, question, number))
        # Only held-out keys may be asked for; where chance gave none, any key will do.
        asked = [needle for needle in needles if keys.held_out_key(needle.key)] or needles
        chosen = rng.sample(asked, min(_ASKED, len(asked)))
        return Made(
            "\n".join(needle.statement for needle in needles) + "\n",
            [(needle.question, [needle.value]) for needle in chosen],
        )

    return make


def _multivalue(filler: Filler, n_tokens: int, rng: random.Random) -> Made:
    """Four values of one key."""
    taken: set[str] = set()
    key = keys.draw(lambda: keys.word_key(rng), taken)
    values = [keys.draw(lambda: keys.number(rng), taken) for _ in range(4)]
    statements = [facts.magic_statement("number", key, value) for value in values]
    hay = _hay(filler, n_tokens - sum(map(filler.count, statements)), rng)
    question = f"What are all the special magic numbers for {key} mentioned in the provided text?"
    return Made(insert(hay, [(rng.random(), statement) for statement in statements]), [(question, values)])


def _multiquery(filler: Filler, n_tokens: int, rng: random.Random) -> Made:
    """Four keys in one question."""
    taken: set[str] = set()
    needles = [facts.magic_needle("number", rng, taken) for _ in range(4)]
    hay = _hay(filler, n_tokens - sum(filler.count(needle.statement) for needle in needles), rng)
    names = [needle.key for needle in needles]
    question = (
        f"What are all the special magic numbers for {', '.join(names[:-1])}, and {names[-1]} "
        "mentioned in the provided text?"
    )
    text = insert(hay, [(rng.random(), needle.statement) for needle in needles])
    return Made(text, [(question, [needle.value for needle in needles])])


def _variables(filler: Filler, n_tokens: int, rng: random.Random) -> Made:
    """A chain of five variables that all get one value."""
    text, question, names = ruler_texts.variable_chain(rng)
    hay = _hay(filler, n_tokens - sum(map(filler.count, text)), rng, noise=True)
    depths = sorted(rng.random() for _ in text)
    return Made(insert(hay, list(zip(depths, text, strict=True))), [(question, names)])


def _common_words(filler: Filler, n_tokens: int, rng: random.Random) -> Made:
    text, words = ruler_texts.common_words(n_tokens, filler.count, rng)
    return Made(text, [("What are the 10 most common words in the list?", words)])


def _frequent_words(filler: Filler, n_tokens: int, rng: random.Random) -> Made:
    text, words = ruler_texts.frequent_words(n_tokens, filler.count, rng)
    question = 'Ignore the dots "...". What are the three most frequent words in the coded text?'
    return Made(text, [(question, words)])


def _passages(hops: int) -> Form:
    def make(filler: Filler, n_tokens: int, rng: random.Random) -> Made:
        text, asked = ruler_texts.passages(n_tokens, filler.count, rng, hops, _ASKED)
        return Made(text, asked)

    return make


FORMS: Mapping[str, Form] = {
    "niah_single_1": _single("number", noise=True),
    "niah_single_2": _single("number", noise=False),
    "niah_single_3": _single("uuid", noise=False),
    "niah_multikey_1": _multikey,
    "niah_multikey_2": _only_needles("number"),
    "niah_multikey_3": _only_needles("uuid"),
    "niah_multivalue": _multivalue,
    "niah_multiquery": _multiquery,
    "vt": _variables,
    "cwe": _common_words,
    "fwe": _frequent_words,
    "qa_1": _passages(hops=1),
    "qa_2": _passages(hops=2),
}


def _new(make: Callable[[], str], taken: set[str]) -> str:
    while (key := make()) in taken:
        continue
    taken.add(key)
    return key


def _hay(filler: Filler, n_tokens: int, rng: random.Random, noise: bool = False) -> list[Sentence]:
    if not noise:
        return filler.piece(max(0, n_tokens), rng)
    once = [Sentence(f"{sentence} ", filler.count(f" {sentence}")) for sentence in ruler_texts.NOISE]
    times = max(0, n_tokens) // sum(sentence.n_tokens for sentence in once)
    return once * times


@dataclass(frozen=True)
class RulerTask:
    """Which forms, and how many questions of each at each length."""

    forms: Sequence[str] = tuple(FORMS)
    limit: int = 20
    seed: int = 0

    name = "ruler"
    group_by = ("form",)

    def __post_init__(self) -> None:
        unknown = [form for form in self.forms if form not in FORMS]
        if unknown:
            raise UserError(f"RULER has no form {unknown[0]!r}.", next_step=f"Choose among {', '.join(FORMS)}.")

    def haystacks(self, filler: Filler, length: int) -> Iterator[Haystack]:
        """Yield the haystacks of one length, form by form; the same seed gives the same ones."""
        for form in self.forms:
            rng = random.Random(f"{self.seed}/{length}/{form}")
            left = self.limit
            while left > 0:
                made = FORMS[form](filler, length - overhead_tokens(length), rng)
                items = [Item(question, tuple(refs), {"form": form}) for question, refs in made.asked[:left]]
                left -= len(items)
                yield one_document(made.text, items, length)

    def score(self, item: Item, reply: Reply) -> Scores:
        found = scoring.any_found if str(item.labels["form"]).startswith("qa") else scoring.share_found
        return {"match": found(reply.text, item.references)}


def effective_length(averages: Mapping[int, float], threshold: float = THRESHOLD) -> int:
    """Return the last length up to which every average reaches the threshold; 0 when the first does not."""
    last = 0
    for length in sorted(averages):
        if averages[length] < threshold:
            break
        last = length
    return last
