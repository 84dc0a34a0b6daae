"""Questions to begin with, made from what the documents say, and documents in the order of a question.

A question is the turned form of a sentence that answers it ("The deposit is 900
euros." gives "What is the deposit?"), so whoever asks it gets an answer; nothing
is asked that the documents do not say. Rules, no model, nothing read beforehand.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import closing

from longdoc.answer.retrieve import add_passages
from longdoc.retrieval import Index, find_embedder
from longdoc.settings import Settings
from longdoc.store import Library
from longdoc.types import Document
from longdoc.ui.render import inert

SUGGESTED = 3
_LOOKED_AT = 400_000  # characters of a document
_INDEXING_S = 2.0  # of one call; the page calls again while documents are left
_PASSAGES = 400
_WORD = r"(?!(?:same|other|only|fact|reason|question|that|which|who|while|when|its|their|and|or)\b)[a-z][a-z-]+"
_NOUN = rf"{_WORD}(?: {_WORD}){{0,3}}"
_VALUE = r"(?:[^.;:\n]*\d[^.;:\n]*|[A-Z][\w'-]+(?: [A-Z][\w'-]+)+[^.;:\n]{0,60})"
_PATTERNS = (
    (re.compile(rf"\b[Tt]he ({_NOUN}) (?:is|are|amounts to) {_VALUE}[.;\n]"), "What is the {0}?"),
    (re.compile(r"\b([A-Z][a-z]+ [A-Z][a-z]+), ((?:a |the )?[a-z]+ of [A-Z][a-z]+)"), "Who is {0}?"),
    (re.compile(rf"\b[Tt]he ({_NOUN}) (?:begins|starts|opens) (?:on|at|in) {_VALUE}"), "When does the {0} begin?"),
    (re.compile(rf"\b[Tt]he ({_NOUN}) (?:ends|closes) (?:on|at|in) {_VALUE}"), "When does the {0} end?"),
    (re.compile(rf"\b[Tt]he ({_NOUN}) (?:stands|lies|is kept|was found) (?:in|at|on|near) "), "Where is the {0}?"),
    (re.compile(r"^[ \t]*(?:async )?(?:def|fn|func|function|class) ([A-Za-z]\w{4,})", re.M), "Where is {0} defined?"),
)


def suggested(documents: Sequence[Document]) -> list[str]:
    """Return up to three questions that the documents answer, from different documents and places first."""
    found: list[str] = []
    makers = [_questions(document) for document in documents]
    while makers and len(found) < SUGGESTED:
        for maker in list(makers):
            question = next(maker, None)
            if question is None:
                makers.remove(maker)
            elif question not in found and len(found) < SUGGESTED:
                found.append(question)
    return [inert(question) for question in found]


def ordered(library: Library, settings: Settings, question: str, document_ids: Sequence[str]) -> tuple[list[str], int]:
    """Return documents by their best passage for a question, best first, and how many are not indexed yet.

    Documents without a passage keep their order behind the others. Indexes what is missing, for about 2 s.
    """
    with closing(Index(library, embedder=find_embedder(settings))) as index:
        missing = [one for one in document_ids if not index.has(one)]
        end = time.monotonic() + _INDEXING_S
        while missing and time.monotonic() < end and not library.read_only:
            add_passages(index, library.document(missing.pop(0)), settings)
        passages = index.search(question, list(document_ids), _PASSAGES)
    best = dict.fromkeys(passage.document_id for passage in passages)
    return [*best, *(one for one in document_ids if one not in best)], len(missing)


def _questions(document: Document) -> Iterator[str]:
    """Yield questions of one document, of different forms first, from the places where they are answered."""
    text = document.text[:_LOOKED_AT]
    finders = [(pattern.finditer(text), form) for pattern, form in _PATTERNS]
    seen: set[str] = set()
    while finders:
        for entry in list(finders):
            matches, form = entry
            match = next(matches, None)
            if match is None:
                finders.remove(entry)
                continue
            question = form.format(" ".join(match[1].split()))
            if question not in seen:
                seen.add(question)
                yield question
