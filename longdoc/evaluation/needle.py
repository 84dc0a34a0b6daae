"""Needles: sentences hidden in unseen text at known depths, each asked for alone.

RULER's wording with word keys and seven-digit or UUID values, and made facts
with paraphrased questions. Every haystack is read once and holds one asked
needle for each depth, all of different forms, so that with 0 distractors no
needle stands beside another of its kind; with 4, each asked needle has four of
its own form with near keys anywhere in the text. Score: exact match of the
generated answer; `contains` counts answers that hold the value among other words.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from longdoc.errors import UserError
from longdoc.evaluation import facts, scoring
from longdoc.evaluation.facts import Needle
from longdoc.evaluation.haystack import Filler, insert
from longdoc.evaluation.items import Haystack, Item, Label, Reply, Scores, one_document, overhead_tokens

DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
FORMS = ("number", "uuid", "fact")
_NEEDLE_TOKENS = 64  # a UUID needle costs about this many in a small vocabulary
_INSERTED_SHARE = 0.3  # of the haystack, at most


@dataclass(frozen=True)
class NeedleTask:
    """The grid: depths, forms, and how many needles of the same form with near keys stand around each."""

    depths: Sequence[float] = DEPTHS
    forms: Sequence[str] = FORMS
    distractors: Sequence[int] = (0, 4)
    limit: int = 50  # asked needles for each length and number of distractors
    seed: int = 0

    name = "needle"
    group_by = ("distractors", "depth")

    def __post_init__(self) -> None:
        unknown = [form for form in self.forms if form not in FORMS]
        if unknown:
            raise UserError(f"There is no needle form {unknown[0]!r}.", next_step=f"Choose among {', '.join(FORMS)}.")
        if any(not 0 <= depth <= 1 for depth in self.depths):
            raise UserError("A depth is a number from 0 to 1.", next_step="Correct --depths.")

    def haystacks(self, filler: Filler, length: int) -> Iterator[Haystack]:
        """Yield the haystacks of one length; the same seed gives the same ones."""
        for n_distractors in self.distractors:
            rng = random.Random(f"{self.seed}/{length}/{n_distractors}")
            cycle = self._cycle
            per_haystack = self.per_haystack(length, n_distractors)
            for number, first in enumerate(range(0, self.limit, per_haystack)):
                asked = range(first, min(first + per_haystack, self.limit))
                depths = [self.depths[at % len(self.depths)] for at in asked]
                forms = [cycle[(number + at) % len(cycle)] for at in range(len(depths))]
                yield self._haystack(filler, length, n_distractors, list(zip(depths, forms, strict=True)), rng)

    def per_haystack(self, length: int, n_distractors: int) -> int:
        """Return how many needles one text of a length is asked about: so many questions share a reading."""
        room = int(_INSERTED_SHARE * length) // (_NEEDLE_TOKENS * (1 + n_distractors))
        return max(1, min(len(self.depths), len(self._cycle), room))

    @property
    def _cycle(self) -> list[str]:
        return [form for form in self.forms for _ in range(3 if form == "fact" else 1)]

    def _haystack(
        self,
        filler: Filler,
        length: int,
        n_distractors: int,
        wanted: Sequence[tuple[float, str]],
        rng: random.Random,
    ) -> Haystack:
        taken: set[str] = set()
        templates = rng.sample(facts.FACTS, len(facts.FACTS))
        placed: list[tuple[float, str]] = []
        items: list[Item] = []
        for depth, form in wanted:
            template = templates.pop()
            needle = _needle(form, template, rng, taken)
            placed.append((depth, needle.statement))
            for _ in range(n_distractors):
                placed.append((rng.random(), _needle(form, template, rng, taken, near=needle.key).statement))
            labels: dict[str, Label] = {"distractors": n_distractors, "depth": depth, "form": form}
            items.append(Item(needle.question, (needle.value,), labels))
        inserted = filler.count(" ".join(statement for _, statement in placed))
        hay = filler.piece(max(0, length - overhead_tokens(length) - inserted), rng)
        return one_document(insert(hay, placed), items, length)

    def score(self, item: Item, reply: Reply) -> Scores:
        return {
            "exact": scoring.exact(reply.text, item.references),
            "contains": scoring.any_found(reply.text, item.references),
        }


def _needle(
    form: str, template: facts.Template, rng: random.Random, taken: set[str], near: str | None = None
) -> Needle:
    if form == "fact":
        return facts.fact_needle(template, rng, taken, near)
    return facts.magic_needle(form, rng, taken, near)
