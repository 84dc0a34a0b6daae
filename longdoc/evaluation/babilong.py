"""BABILong: the facts of a little story spread through a book, asked for at the end.

Paper: https://arxiv.org/abs/2406.10149. Stories are made here (`stories.py`),
scored as there: of the task's labels, the answer's first sentence holds exactly
the target, labels of the question left out.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from longdoc.errors import UserError
from longdoc.evaluation import scoring, stories
from longdoc.evaluation.haystack import Filler, insert
from longdoc.evaluation.items import Haystack, Item, Reply, Scores, one_document, overhead_tokens

_ASKED = 4  # questions of one story, all of one reading


@dataclass(frozen=True)
class BabilongTask:
    """Which kinds of story, and how many questions of each at each length."""

    forms: Sequence[str] = ("qa1", "qa2", "qa3", "qa4", "qa5")
    limit: int = 20
    seed: int = 0

    name = "babilong"
    group_by = ("form",)

    def __post_init__(self) -> None:
        unknown = [form for form in self.forms if form not in stories.KINDS]
        if unknown:
            raise UserError(
                f"BABILong has no task {unknown[0]!r} here.", next_step=f"Choose among {', '.join(stories.KINDS)}."
            )

    def haystacks(self, filler: Filler, length: int) -> Iterator[Haystack]:
        """Yield the haystacks of one length, kind by kind; the same seed gives the same ones."""
        for form in self.forms:
            rng = random.Random(f"{self.seed}/{length}/{form}")
            left = self.limit
            while left > 0:
                story = stories.KINDS[form].make(rng)
                chosen = rng.sample(story.asked, min(_ASKED, left, len(story.asked)))
                left -= len(chosen)
                items = [Item(question, (target,), {"form": form}) for question, target in chosen]
                facts = sum(filler.count(f" {sentence}") for sentence in story.sentences)
                hay = filler.piece(max(0, length - overhead_tokens(length) - facts), rng)
                depths = sorted(rng.random() for _ in story.sentences)
                text = insert(hay, list(zip(depths, story.sentences, strict=True)))
                yield one_document(text, items, length)

    def score(self, item: Item, reply: Reply) -> Scores:
        labels = stories.KINDS[str(item.labels["form"])].labels
        return {"match": scoring.babilong(reply.text, item.references[0], item.question, labels)}
