"""Models for evaluation tests that answer by a rule, and a made book."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from standin import byte_tokenizer

from longdoc.evaluation.asking import Way
from longdoc.evaluation.haystack import Book
from longdoc.evaluation.items import Reply
from longdoc.evaluation.results import Results
from longdoc.evaluation.runner import Run
from longdoc.tokens import TextTokenizer
from longdoc.types import Citation, Document, ReadingPlan

Rule = Callable[[Sequence[Document], str], Reply]


def book(n_sentences: int = 900, seed: int = 1) -> Book:
    """A made book of paragraphs; no number of more than two digits stands in it."""
    rng = random.Random(seed)
    subjects = "The captain,A quiet neighbour,Old Marten,The miller's wife,Her brother,The stranger".split(",")
    acts = "walked along the river,spoke of the harvest,closed the heavy door,remembered the war,waited".split(",")
    times = "before dawn,in the rain,for a long while,that winter,without a word".split(",")
    parts = []
    for at in range(n_sentences):
        end = "\n\n" if at % 7 == 6 else " "
        parts.append(f"{rng.choice(subjects)} {rng.choice(acts)} {rng.choice(times)}.{end}")
    return Book("made.txt", "".join(parts))


@dataclass
class RuleModel:
    """A model that answers every question by a rule on the documents; counts readings and questions."""

    rule: Rule
    name: str = "rule"
    identity: str = "weights-1"
    window: int = 1 << 17
    tokenizer: TextTokenizer = field(default_factory=byte_tokenizer)
    readings: int = 0
    questions: int = 0
    stop_after: int | None = None  # questions after which it breaks off as a kill would

    def plan(self, way: Way, n_tokens: int) -> ReadingPlan:
        method = way.position or ("none" if n_tokens <= 2048 else "yarn")
        zone = "native" if n_tokens <= self.window else "over"
        return ReadingPlan(
            self.name, n_tokens, 2048, self.window, method, 1.0, "dense", "ram", "float32", 256, 0, None, zone, ()
        )

    def fingerprint(self, plan: ReadingPlan) -> str:
        return f"{self.identity}/{plan.position_method}"

    def prefix_tokens(self, documents: Sequence[Document]) -> int:
        return sum(len(document.text) for document in documents)

    def session(self, documents: Sequence[Document], way: Way, plan: ReadingPlan, stop: threading.Event) -> RuleSession:
        return RuleSession(self, documents if way.mode != "none" else ())


@dataclass
class RuleSession:
    model: RuleModel
    documents: Sequence[Document]
    read: bool = False

    def ask(self, question: str, max_new_tokens: int) -> Reply:
        if self.model.stop_after is not None and self.model.questions >= self.model.stop_after:
            raise KeyboardInterrupt
        self.model.questions += 1
        self.model.readings += not self.read
        self.read = True
        return self.model.rule(self.documents, question)


def refuse(documents: Sequence[Document], question: str) -> Reply:
    return Reply("Not stated.")


def cited(document: Document, start: int, end: int) -> Citation:
    return Citation(document.id, document.title, "", start, end, document.text[start:end], "verified", "quote")


def make_run(model: RuleModel, folder: Path, task: str = "task") -> Run:
    return Run(model, Results(folder / f"{task}.jsonl"))
