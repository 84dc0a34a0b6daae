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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longdoc.errors import LongDocError, UserError
from longdoc.evaluation.evidence import FIRST, Cited, evidence_hit
from longdoc.evaluation.qa_data import QaDocument, QaSet, Question, hidden_among, read_set, sample, set_names, set_path
from longdoc.evaluation.statistics import Estimate, estimate
from longdoc.files import sha256_text
from longdoc.retrieval import Index, chunks
from longdoc.settings import Settings
from longdoc.tokens import TextTokenizer
from longdoc.types import Document, Passage

HEADLINE = ("xquad_en", "nq_oracle", "qed", "qamr", "tatqa", "peps", "covidqa", "squad2")
HIDE_IN = 20_000  # tokens


@dataclass(frozen=True)
class Spent:
    """What one search took. Other programs of a busy machine lengthen the first, not the second."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class Row:
    """One set's result."""

    set: str
    n: int
    hit: float
    low: float
    high: float
    n_left_out: int  # questions that are not extractive or have no answer
    tokens: int  # in the smallest haystack
    passages: float  # in a haystack, on average
    searches: tuple[Spent, ...]


@dataclass
class Indexed:
    """What was put into indexes so far."""

    tokens: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0


def measure(
    data: QaSet,
    count: Callable[[str], int],
    *,
    hide_in: int = HIDE_IN,
    limit: int | None = None,
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
            sizes[document.id] = n_tokens, _add(index, whole, n_tokens, indexed)
        return sizes[document.id][0]

    scopes: dict[str, list[str]] = {}
    by_text = {document.text: document for document in data.documents.values()}
    hits: list[float] = []
    searches: list[Spent] = []
    for question in asked:
        if question.document_id not in scopes:
            hidden = hidden_among(question.document_id, data.documents, lambda text: size(by_text[text]), hide_in)
            scopes[question.document_id] = [document.id for document in hidden]
            for document in hidden:
                size(document)
        found, spent = _search(index, question.question, scopes[question.document_id])
        hits.append(float(_hit(found, question)))
        searches.append(spent)
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
        searches=tuple(searches),
    )


def as_document(document: QaDocument) -> Document:
    """Return a document of a question set as the library would hold it."""
    identity = sha256_text("qa", document.id, document.text)
    return Document(id=document.id, source_id=identity, title=document.title, text=document.text, loader="text")


def mean_over_sets(rows: Sequence[Row]) -> Estimate:
    """Return the mean of the sets' hits, every set counting alike.

    Sets are independent, so the squares of their distances to each bound add up.
    """
    if not rows:
        return Estimate(0, 0.0, 0.0, 1.0)
    mean = numbers.fmean(row.hit for row in rows)
    below = sum((row.hit - row.low) ** 2 for row in rows) ** 0.5 / len(rows)
    above = sum((row.high - row.hit) ** 2 for row in rows) ** 0.5 / len(rows)
    return Estimate(sum(row.n for row in rows), mean, max(0.0, mean - below), min(1.0, mean + above))


def table(rows: Sequence[Row], indexed: Indexed) -> str:
    """Return the results for people: a line for each set, means, speeds."""
    lines = [
        f"{'set':22}{'questions':>10}{'hit':>8}  {'95 % interval':16}{'tokens':>9}{'passages':>10}{'left out':>10}"
    ]
    for row in rows:
        lines.append(
            f"{row.set:22}{row.n:>10,}{row.hit:>8.3f}  {row.low:.3f} to {row.high:.3f}  "
            f"{row.tokens:>9,}{row.passages:>10,.0f}{row.n_left_out:>10,}"
        )
    for label, chosen in _means(rows):
        mean = mean_over_sets(chosen)
        lines.append(f"{label:22}{mean.n:>10,}{mean.score:>8.3f}  {mean.low:.3f} to {mean.high:.3f}")
    spent = [s for row in rows for s in row.searches]
    if spent:
        lines.append(f"\nIndexed {_indexed(indexed)}. {_took('Search', spent)}")
    lines.append(
        "Tokens: of the smallest haystack. Left out: questions without an answer in their document "
        "or not answered by its words."
    )
    return "\n".join(lines)


def report(rows: Sequence[Row], indexed: Indexed) -> dict[str, Any]:
    """Return the results as `evaluate --json` prints them."""
    spent = [s for row in rows for s in row.searches]
    found = [_json_row(row.set, row.tokens, Estimate(row.n, row.hit, row.low, row.high)) for row in rows]
    found += [_json_row(label, 0, mean_over_sets(chosen)) for label, chosen in _means(rows)]
    speed: dict[str, float] = {
        "indexed_tokens": indexed.tokens,
        "index_s": round(indexed.seconds, 3),
        "index_cpu_s": round(indexed.cpu_s, 3),
        "searches": len(spent),
    }
    for name, values in (("", [s.wall_s for s in spent]), ("cpu_", [s.cpu_s for s in spent])):
        if values:
            speed |= {f"search_median_{name}s": round(_quantile(values, 0.5), 5)}
            speed |= {f"search_p95_{name}s": round(_quantile(values, 0.95), 5)}
    return {"task": "retrieval", "model": "", "rows": found, "speed": speed}


def _means(rows: Sequence[Row]) -> Iterable[tuple[str, list[Row]]]:
    headline = [row for row in rows if row.set in HEADLINE]
    if len(headline) == len(HEADLINE):
        yield "mean of the eight", headline
    if len(rows) > max(1, len(headline)):
        yield "mean of all", list(rows)


def _json_row(name: str, length: int, value: Estimate) -> dict[str, Any]:
    return {
        "set": name,
        "length": length,
        "position_method": None,
        "attention": None,
        "depth": None,
        "mode": "chunked",
        "metric": "evidence_hit",
        "n": value.n,
        "score": round(value.score, 5),
        "low": round(value.low, 5),
        "high": round(value.high, 5),
    }


def _indexed(indexed: Indexed) -> str:
    return f"{indexed.tokens:,} tokens in {indexed.seconds:.1f} s ({indexed.cpu_s:.1f} s of it computing)"


def _took(what: str, spent: Sequence[Spent]) -> str:
    wall, cpu = [s.wall_s for s in spent], [s.cpu_s for s in spent]
    parts = [
        f"{words} {_quantile(wall, share) * 1e3:.1f} ms ({_quantile(cpu, share) * 1e3:.1f} ms computing)"
        for words, share in (("median", 0.5), ("95 % under", 0.95))
    ]
    return f"{what}: {', '.join(parts)}."


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _add(index: Index, document: Document, n_tokens: int, indexed: Indexed) -> int:
    """Index a document, note what it took, and return how many passages it has."""
    began, cpu = time.perf_counter(), time.process_time()
    passages = chunks(document)
    index.add(document, passages)
    indexed.seconds += time.perf_counter() - began
    indexed.cpu_s += time.process_time() - cpu
    indexed.tokens += n_tokens
    return len(passages)


def _search(index: Index, question: str, scope: Sequence[str]) -> tuple[list[Passage], Spent]:
    began, cpu = time.perf_counter(), time.process_time()
    found = index.search(question, scope, FIRST)
    return found, Spent(time.perf_counter() - began, time.process_time() - cpu)


def _hit(found: Sequence[Passage], question: Question) -> bool:
    return evidence_hit(
        [Cited(p.document_id, p.start, p.end, p.text) for p in found],
        document_id=question.document_id,
        answers=question.answers,
        evidence=question.evidence,
        answer_start=question.answer_start,
    )


def large_index(sets: Iterable[QaSet], count: Callable[[str], int], n_tokens: int, n_questions: int) -> str:
    """Return how fast one index of at least `n_tokens` is made and searched, all its documents in scope."""
    index, indexed = Index(), Indexed()
    scope: list[str] = []
    questions: list[str] = []
    for data in sets:
        for document in data.documents.values():
            if indexed.tokens >= n_tokens:
                break
            _add(index, as_document(document), count(document.text), indexed)
            scope.append(document.id)
        held = set(scope)
        questions += [q.question for q in data.questions if q.document_id in held]
    chosen = questions[:: max(1, len(questions) // n_questions)][:n_questions]
    spent = [_search(index, question, scope)[1] for question in chosen]
    index.close()
    searched = " " + _took("Search in all of it", spent) if spent else ""
    return f"One index: {_indexed(indexed)}.{searched}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns 0, or 2 with one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m longdoc.evaluation.retrieval", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with <set>.<split>.jsonl[.xz], or its parent")
    parser.add_argument("--sets", default="", help="names divided by commas; default: all with extractive questions")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--hide-in", type=int, default=HIDE_IN, metavar="TOKENS", help="least size of a haystack")
    parser.add_argument("--limit", type=int, help="most questions of each set, spread over it")
    parser.add_argument("--large", type=int, default=0, metavar="TOKENS", help="also time one index of this size")
    parser.add_argument("--tokenizer", type=Path, help="model folder whose tokens are counted; default: the reader's")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    try:
        _run(options)
    except LongDocError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _run(options: argparse.Namespace) -> None:
    folder = options.data / "qa" if (options.data / "qa").is_dir() else options.data
    names = [name for name in options.sets.split(",") if name] or set_names(folder, options.split)
    if not names:
        raise UserError(
            f"There are no {options.split} questions in {folder}.", next_step="Name the folder with --data."
        )
    count = TextTokenizer.from_folder(options.tokenizer or Settings().models / "reader").count
    rows: list[Row] = []
    indexed = Indexed()
    large: list[QaSet] = []
    for name in sorted(names, key=lambda n: (HEADLINE.index(n) if n in HEADLINE else len(HEADLINE), n)):
        data = read_set(set_path(folder, name, options.split))
        row = measure(data, count, hide_in=options.hide_in, limit=options.limit, indexed=indexed)
        if row.n:
            rows.append(row)
            large.append(data)
            print(f"{name}: {row.hit:.3f} of {row.n:,} questions", file=sys.stderr)
    print(json.dumps(report(rows, indexed)) if options.json else table(rows, indexed))
    if options.large:
        print(large_index(large, count, options.large, 200), file=sys.stderr if options.json else sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
