"""A novel with one sentence changed: found by surprisal while reading, and by asking.

After the story of a model that found the one changed line of a whole novel. The
new sentence speaks of a person of the book and of something no old novel knows,
or comes from another place in the books. By surprisal: the sentence whose
tokens surprise most on average is the changed one. By asking: quote what does
not belong; and a question that only the changed sentence answers.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longdoc.evaluation import scoring, words
from longdoc.evaluation.asking import LocalModel, Way
from longdoc.evaluation.haystack import Filler, Sentence
from longdoc.evaluation.haystack import sentences as cut
from longdoc.evaluation.items import Haystack, Item, Label, Reply, Scores, one_document, overhead_tokens
from longdoc.evaluation.results import Record
from longdoc.evaluation.runner import Run
from longdoc.evaluation.surprisal import Surprise, read_surprised
from longdoc.files import sha256_text

OPEN_QUESTION = "Quote the sentence that does not belong in this story."
_FIRST = 10  # sentences a reader would look through
_LEAST_CHARACTERS = 40  # shorter sentences surprise by chance
_NAME = re.compile(r"[a-z,;] ([A-Z][a-z]{2,})\b")

# (sentence, question, answer): {n} is someone of the book.
_MODERN = (
    (
        "{n} was a software engineer who wrote tools for machine learning.",
        "What kind of engineer was {n}?",
        "software engineer",
    ),
    ("{n} charged the mobile telephone before boarding the flight.", "What did {n} charge?", "mobile telephone"),
    ("{n} uploaded the photographs to the company website.", "Where did {n} upload the photographs?", "website"),
    ("{n} had studied black holes at a particle accelerator.", "What had {n} studied?", "black holes"),
    ("{n} rebooted the laptop and waited for the password prompt.", "What did {n} reboot?", "laptop"),
    ("{n} ordered two pizzas through an app on the tablet.", "What did {n} order?", "two pizzas"),
)


@dataclass(frozen=True)
class AlteredTask:
    """How many changed texts at each length, and which kinds of change."""

    forms: Sequence[str] = ("modern", "other")
    limit: int = 10  # texts of each kind
    seed: int = 0

    name = "altered"

    def haystacks(self, filler: Filler, length: int) -> Iterator[Haystack]:
        """Yield texts with one sentence changed in each; the same seed gives the same ones."""
        for form in self.forms:
            rng = random.Random(f"{self.seed}/{length}/{form}")
            for number in range(self.limit):
                hay = filler.piece(length - overhead_tokens(length), rng)
                depth = 0.1 + 0.8 * (number + 0.5) / self.limit
                yield _altered(filler, hay, form, depth, length, rng)

    def score(self, item: Item, reply: Reply) -> Scores:
        return score(item, reply)

    def run_surprisal(
        self, run: Run, model: LocalModel, filler: Filler, lengths: Sequence[int], ways: Sequence[Way]
    ) -> list[Record]:
        """Read every text and return a record each: is the changed sentence first, or among the first ten?"""
        records = []
        for length in lengths:
            for way in ways:
                plan = model.plan(way, length)
                if plan.zone == "over":
                    run.skip(f"{length:,} tokens are over the window of {plan.window:,}: left out.")
                    continue
                fingerprint = model.fingerprint(plan)
                for haystack in self.haystacks(filler, length):
                    document, item = haystack.documents[0], haystack.items[0]
                    key = sha256_text("altered by surprisal", fingerprint, document.text)
                    record = run.results.get(key)
                    if record is None:
                        run.say(f"altered {length:,} {plan.position_method}: reading for surprise")
                        surprise = read_surprised(model.backend, document, plan, run.stop)
                        rank, most = ranked(document.text, surprise, str(item.references[0]))
                        scores = {"first": float(rank == 0), "first_10": float(rank < _FIRST)}
                        record = Record(key, {}, scores, document.id, "", item.references, most)
                        run.results.add(record)
                    labels: dict[str, Label] = {
                        "length": length,
                        "position_method": plan.position_method,
                        "attention": plan.attention,
                        "mode": "single",
                        **({} if way.kv_dtype is None else {"kv_dtype": plan.kv_dtype}),
                        "by": "surprisal",
                        "form": item.labels["form"],
                    }
                    records.append(Record(**{**vars(record), "labels": labels}))
        return records


def _altered(filler: Filler, hay: list[Sentence], form: str, depth: float, length: int, rng: random.Random) -> Haystack:
    """Replace one sentence at about `depth`."""
    places = [at for at, one in enumerate(hay) if len(one.text.strip()) >= _LEAST_CHARACTERS] or [0]
    at = min(places, key=lambda place: abs(place - depth * len(hay)))
    labels: dict[str, Label] = {"form": form, "depth": None}
    if form == "modern":
        sentence, question, answer = rng.choice(_MODERN)
        name = main_name(hay)
        changed = sentence.format(n=name)
        pointed = Item(question.format(n=name), (answer,), {**labels, "by": "pointed question"})
    else:
        changed = _stranger(filler, hay, rng)
        pointed = None
    blanks = hay[at].text[len(hay[at].text.rstrip()) :] or " "
    text = "".join(one.text if place != at else changed + blanks for place, one in enumerate(hay))
    items = [Item(OPEN_QUESTION, (changed,), {**labels, "by": "open question"})]
    return one_document(text, [*items, *([pointed] if pointed else [])], length)


def main_name(hay: Sequence[Sentence]) -> str:
    """Return the name that stands most often inside the sentences; "The stranger" where there is none."""
    text = " ".join(one.text for one in hay)
    lower = set(re.findall(r"\b[a-z]+\b", text))
    names = Counter(name for name in _NAME.findall(text) if name.lower() not in lower | words.KEPT)
    return names.most_common(1)[0][0] if names else "The stranger"


def _stranger(filler: Filler, hay: Sequence[Sentence], rng: random.Random) -> str:
    """Return a plain sentence of the books that does not stand in this text."""
    here = {one.text.strip() for one in hay}
    for _ in range(200):
        for one in filler.piece(400, rng):
            text = one.text.strip()
            if 60 <= len(text) <= 200 and text[-1] == "." and text[0].isupper() and text not in here:
                return text
    return "Nothing of all this was ever mentioned again in that house."


def ranked(text: str, surprise: Surprise, changed: str) -> tuple[int, str]:
    """Return the changed sentence's rank (0: most surprising) by mean nats a token, and the most surprising one."""
    means: list[tuple[float, str]] = []
    start = 0
    starts = np.array([a for a, _ in surprise.chars])
    for sentence in cut(text):
        end = start + len(sentence)
        if len(sentence.strip()) >= _LEAST_CHARACTERS or sentence.strip() == changed:
            nats: NDArray[np.float64] = surprise.nats[np.searchsorted(starts, start) : np.searchsorted(starts, end)]
            if len(nats):
                means.append((float(nats.mean()), sentence.strip()))
        start = end
    means.sort(key=lambda one: -one[0])
    rank = next((at for at, (_, sentence) in enumerate(means) if sentence == changed), len(means))
    return rank, means[0][1] if means else ""


def score(item: Item, reply: Reply) -> Scores:
    """An open question is answered by most words of the changed sentence; a pointed one by the answer in it."""
    if item.labels["by"] == "open question":
        said = reply.quote or reply.text
        return {"found": float(scoring.token_f1(said, item.references) >= 0.6)}
    return {"found": scoring.any_found(reply.text, item.references)}
