"""How often Chunked finds the evidence: the retrieval half of the evaluation, no model needed.

    python -m longdoc.evaluation.retrieval --data DIR [--sets a,b] [--split dev] [--hide-in 20000]

Each document is hidden among others of its set; a question hits when one of
its first five passages shows the evidence (`evidence.py`). Questions that are
extractive and answerable count; those whose document has no answer have no
passage to be found and are left out. Answers are left to `qa.py`.
"""

from __future__ import annotations

import argparse
import json
import statistics as numbers
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from longdoc.errors import LongDocError, UserError
from longdoc.evaluation.evidence import FIRST, Cited, evidence_hit
from longdoc.evaluation.qa_data import QaDocument, QaSet, Question, hidden_among, read_set, sample, set_names, set_path
from longdoc.evaluation.statistics import Estimate, bootstrap, estimate
from longdoc.files import sha256_text
from longdoc.retrieval import Index, chunks
from longdoc.settings import Settings
from longdoc.tokens import TextTokenizer
from longdoc.types import Document

MAIN_SETS = ("xquad_en", "nq_oracle", "qed", "qamr", "tatqa", "peps", "covidqa", "squad2")
HIDE_IN = 20_000  # tokens


@dataclass(frozen=True)
class Row:
    """One set's result. Times in seconds, of all its searches."""

    set: str
    n: int
    hit: float
    low: float
    high: float
    n_left_out: int  # questions that are not extractive or have no answer
    tokens: int  # in the smallest haystack
    passages: float  # in a haystack, on average
    search_s: tuple[float, ...]


@dataclass
class Indexed:
    """What was put into indexes so far."""

    tokens: int = 0
    seconds: float = 0.0


def measure(
    data: QaSet,
    count: Callable[[str], int],
    *,
    hide_in: int = HIDE_IN,
    limit: int | None = None,
    target_tokens: int = 256,
    indexed: Indexed | None = None,
) -> Row:
    """Return the evidence hits of one set's questions. `count` gives a text's length in tokens."""
    indexed = Indexed() if indexed is None else indexed
    asked = tuple(q for q in data.questions if q.task == "extractive" and q.answerable and q.answers)
    left_out = len(data.questions) - len(asked)
    asked = sample(asked, limit)
    index = Index()
    sizes: dict[str, tuple[int, int]] = {}  # document: tokens, passages

    def size(document: QaDocument) -> int:
        if document.id not in sizes:
            whole = as_document(document)
            n_tokens = count(document.text)
            began = time.perf_counter()
            passages = chunks(whole, count, target_tokens)
            index.add(whole, passages)
            indexed.seconds += time.perf_counter() - began
            indexed.tokens += n_tokens
            sizes[document.id] = n_tokens, len(passages)
        return sizes[document.id][0]

    scopes: dict[str, list[str]] = {}
    by_text = {document.text: document for document in data.documents.values()}
    hits: list[float] = []
    search_s: list[float] = []
    for question in asked:
        if question.document_id not in scopes:
            hidden = hidden_among(question.document_id, data.documents, lambda text: size(by_text[text]), hide_in)
            scopes[question.document_id] = [document.id for document in hidden]
            for document in hidden:
                size(document)
        began = time.perf_counter()
        hits.append(float(_hit(index, question, scopes[question.document_id])))
        search_s.append(time.perf_counter() - began)
    index.close()
    result = estimate(hits, [question.document_id for question in asked])
    haystacks = [(sum(sizes[d][0] for d in scope), sum(sizes[d][1] for d in scope)) for scope in scopes.values()]
    return Row(
        set=data.name,
        n=result.n,
        hit=result.score,
        low=result.low,
        high=result.high,
        n_left_out=left_out,
        tokens=min((tokens for tokens, _ in haystacks), default=0),
        passages=numbers.fmean(passages for _, passages in haystacks) if haystacks else 0.0,
        search_s=tuple(search_s),
    )


def as_document(document: QaDocument) -> Document:
    """Return a document of a question set as the library would hold it."""
    identity = sha256_text("qa", document.id, document.text)
    return Document(id=document.id, source_id=identity, title=document.title, text=document.text, loader="text")


def mean_over_sets(rows: Sequence[Row]) -> Estimate:
    """Return the mean of the sets' hits, every set counting alike, with a bootstrap over questions of each set."""
    if not rows:
        return Estimate(0, 0.0, 0.0, 1.0)
    mean = numbers.fmean(row.hit for row in rows)
    # Sets are independent: their variances add. Half the interval of each stands for two standard errors.
    half = (sum(((row.high - row.low) / 2) ** 2 for row in rows)) ** 0.5 / len(rows)
    return Estimate(sum(row.n for row in rows), mean, max(0.0, mean - half), min(1.0, mean + half))


def _hit(index: Index, question: Question, scope: Sequence[str]) -> bool:
    found = index.search(question.question, scope, FIRST)
    return evidence_hit(
        [Cited(p.document_id, p.start, p.end, p.text) for p in found],
        document_id=question.document_id,
        answers=question.answers,
        evidence=question.evidence,
        answer_start=question.answer_start,
    )
