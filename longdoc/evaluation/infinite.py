"""Retrieval in the form of InfiniteBench: a pass key, a string of digits, a value in a large JSON object.

Paper: https://arxiv.org/abs/2402.13718. Pass key and digit string are hidden
together in repeated noise and both asked of one reading; of the JSON object
several keys are asked. Scored as there: the first integer of the answer; the
value as one word of it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from longdoc.errors import UserError
from longdoc.evaluation import keys, ruler_texts, scoring
from longdoc.evaluation.haystack import Filler, Sentence, insert
from longdoc.evaluation.items import Haystack, Item, Label, Reply, Scores, one_document, overhead_tokens

FORMS = ("passkey", "number", "kv")
_KEYS_ASKED = 4


@dataclass(frozen=True)
class InfiniteTask:
    """Which forms, and how many questions of each at each length."""

    forms: Sequence[str] = FORMS
    limit: int = 20
    seed: int = 0

    name = "infinite"
    group_by = ("form",)

    def __post_init__(self) -> None:
        unknown = [form for form in self.forms if form not in FORMS]
        if unknown:
            raise UserError(f"There is no form {unknown[0]!r} here.", next_step=f"Choose among {', '.join(FORMS)}.")

    def haystacks(self, filler: Filler, length: int) -> Iterator[Haystack]:
        """Yield the haystacks of one length; the same seed gives the same ones."""
        n_tokens = length - overhead_tokens(length)
        rng = random.Random(f"{self.seed}/{length}/noise")
        hidden = [form for form in self.forms if form != "kv"]
        for _ in range(self.limit if hidden else 0):
            made = [_hidden(form, rng) for form in hidden]
            hay = _noise(filler, n_tokens - sum(filler.count(statement) for statement, _ in made))
            text = insert(hay, [(float(str(item.labels["depth"])), statement) for statement, item in made])
            yield one_document(text, [item for _, item in made], length)
        rng = random.Random(f"{self.seed}/{length}/kv")
        left = self.limit if "kv" in self.forms else 0
        while left > 0:
            haystack = _key_values(filler, n_tokens, length, min(left, _KEYS_ASKED), rng)
            left -= len(haystack.items)
            yield haystack

    def score(self, item: Item, reply: Reply) -> Scores:
        compare = scoring.has_word if item.labels["form"] == "kv" else scoring.first_number
        return {"exact": compare(reply.text, item.references[0])}


def _hidden(form: str, rng: random.Random) -> tuple[str, Item]:
    """Return the sentences that hide a number, and the question for it."""
    depth = round(rng.random(), 3)
    if form == "passkey":
        value = keys.draw(lambda: keys.number(rng, 5), set())
        statement = f"The pass key is {value}. Remember it. {value} is the pass key."
        return statement, Item("What is the pass key?", (value,), {"form": form, "depth": depth})
    value = keys.draw(lambda: _repetitive(rng), set())
    statement = f"The sequence of digits is {value}. Remember it. {value} is the sequence of digits."
    return statement, Item("What is the sequence of digits?", (value,), {"form": form, "depth": depth})


def _repetitive(rng: random.Random) -> str:
    """Return ten digits in runs, "3377770000", which are harder to copy than random ones."""
    digits = ""
    while len(digits) < 10:
        digits += str(rng.randint(1, 9)) * rng.randint(1, 4)
    return digits[:10]


def _noise(filler: Filler, n_tokens: int) -> list[Sentence]:
    once = [Sentence(f"{sentence} ", filler.count(f" {sentence}")) for sentence in ruler_texts.NOISE]
    return once * (max(0, n_tokens) // sum(sentence.n_tokens for sentence in once))


def _key_values(filler: Filler, n_tokens: int, length: int, n_asked: int, rng: random.Random) -> Haystack:
    """Return a JSON object of UUIDs, keys at even depths asked for."""
    sample = {keys.uuid4(rng): keys.uuid4(rng) for _ in range(20)}
    per_pair = filler.count(_json(sample)) / len(sample)
    n_pairs = max(1, int(n_tokens / per_pair * 0.97))  # tokens of a UUID vary
    n_asked = min(n_asked, n_pairs)
    at = {int((step + rng.random()) * n_pairs / n_asked) for step in range(n_asked)}
    taken: set[str] = set()
    pairs: dict[str, str] = {}
    items = []
    for index in range(n_pairs):
        asked = index in at
        key = keys.draw(lambda: keys.uuid4(rng), taken) if asked else keys.uuid4(rng)
        value = keys.draw(lambda: keys.uuid4(rng), taken) if asked else keys.uuid4(rng)
        pairs[key] = value
        if asked:
            labels: dict[str, Label] = {"form": "kv", "depth": round(index / n_pairs, 3)}
            question = f'What is the value of the key "{key}" in the JSON object?'
            items.append(Item(question, (value,), labels))
    return one_document(_json(pairs) + "\n", items, length, "values.json")


def _json(pairs: dict[str, str]) -> str:
    return json.dumps(pairs, indent=0)
