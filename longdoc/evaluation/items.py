"""What is asked and of what: haystacks with their questions, and the model's replies.

Plain values shared by all tasks. A task makes `Haystack`s and scores `Reply`s;
how a model reads them is in `asking.py`, how results are kept in `runner.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from longdoc.files import sha256_text
from longdoc.types import Citation, Document, Usage

Label = str | int | float | None
Scores = Mapping[str, float]  # metric -> 0 to 1


@dataclass(frozen=True)
class Item:
    """One question about a haystack, the accepted answers, and what the result is grouped by."""

    question: str
    references: tuple[str, ...]
    labels: Mapping[str, Label] = field(default_factory=dict)  # depth, form, distractors, set, ...
    max_new_tokens: int = 192
    group: str = ""  # items of one group succeed and fail together; "": all of one haystack
    details: Any = None  # what only the task's own scoring reads


@dataclass(frozen=True)
class Haystack:
    """Documents that are read once, and every question asked of that reading."""

    documents: tuple[Document, ...]
    items: tuple[Item, ...]
    length: int  # nominal prompt length in tokens; 0: as long as the documents are


@dataclass(frozen=True)
class Reply:
    """What a model answered. `text` is the answer itself, `quote` the sentence quoted before it."""

    text: str
    quote: str = ""
    stop_reason: str = "end"
    citations: tuple[Citation, ...] = ()
    usage: Usage = field(default_factory=Usage)
    kv_bytes: int = 0  # what keys, values and states took, wherever they lay; 0: not known


Score = Callable[[Item, Reply], Scores]


def overhead_tokens(length: int) -> int:
    """Return how many tokens of a prompt of `length` are kept for header, question and answer."""
    return min(320, max(96, length // 6))


def make_document(title: str, text: str) -> Document:
    """Return a document of made text; its id is the hash of title and text."""
    name = sha256_text(title, text)
    return Document(id=name, source_id=name, title=title, text=text, loader="evaluation")


def one_document(text: str, items: Sequence[Item], length: int, title: str = "book.txt") -> Haystack:
    """Return a haystack of a single document."""
    return Haystack((make_document(title, text),), tuple(items), length)
