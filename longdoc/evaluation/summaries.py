"""How good extractive summaries are: ROUGE against people's summaries, beside a lead baseline. No model needed.

    python -m longdoc.evaluation.summaries --data DIR [--sets qmsum] [--split dev] [--limit N] [--json]

All systems may write as many words as people did on average in the training split. `lead`
takes the first sentences of the meeting, `lead_there` those from the sentence with most words of
the question on, `lexrank` the central ones (`longdoc/summarize/rank.py`), with the question where
there is one. ROUGE is Google's implementation with stemming: F1 of words, pairs of words and
longest common subsequence.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from longdoc.citations.words import content, overlap
from longdoc.errors import LongDocError, UserError
from longdoc.evaluation.qa_data import QaDocument, QaSet, Question, read_set, sample, set_path
from longdoc.evaluation.retrieval import as_document
from longdoc.evaluation.statistics import Estimate, bootstrap
from longdoc.summarize.extract import units
from longdoc.summarize.rank import central, choose

METRICS = {"rouge1": "rouge_1", "rouge2": "rouge_2", "rougeL": "rouge_l"}
SYSTEMS = ("lead", "lead_there", "lexrank")
WORDS = {"whole": 110, "asked": 65}  # mean length of references in qmsum's training split: 111.1 and 64.6
# Words of questions that ask for the whole and so name nothing to look for.
_GENERAL = content(
    "summarize summary whole entire meeting meetings discussion discussed general main focus points point topic about "
    "what was were the during overall introduction opinions described main content gist"
)


@dataclass(frozen=True)
class Scored:
    """One question: which kind it is, and each system's scores by metric."""

    document_id: str
    kind: str  # "whole": of the whole meeting; "asked": of one matter
    scores: dict[str, dict[str, float]]


def measure(data: QaSet, limit: int | None = None, tell: Callable[[str], None] = lambda text: None) -> list[Scored]:
    """Return the scores of a set's summary questions. Raises UserError where it has none or ROUGE is missing."""
    asked = sample(tuple(q for q in data.questions if q.task == "summary" and q.answers), limit)
    if not asked:
        raise UserError(f"{data.name} has no questions that ask for a summary.", next_step="Choose other --sets.")
    rouge = scorer()
    made: dict[str, tuple[str, ...]] = {}
    result: list[Scored] = []
    for number, question in enumerate(asked, 1):
        document = data.documents[question.document_id]
        if document.id not in made:
            made[document.id] = sentences_of(document)
        sentences = made[document.id]
        kind = kind_of(question)
        about = question.question if kind == "asked" else ""
        texts = {
            "lead": lead(sentences, WORDS[kind]),
            "lead_there": lead(sentences, WORDS[kind], about),
            "lexrank": lexrank(sentences, WORDS[kind], about),
        }
        scores = {name: rouge(text, question.answers) for name, text in texts.items()}
        result.append(Scored(document.id, kind, scores))
        tell(f"{number} of {len(asked)} summaries")
    return result


def kind_of(question: Question) -> str:
    """Return "whole" for a question that names nothing to look for, else "asked"."""
    return "asked" if content(question.question) - _GENERAL else "whole"


def sentences_of(document: QaDocument) -> tuple[str, ...]:
    whole = as_document(document)
    return tuple(" ".join(whole.text[a:b].split()) for a, b in units(whole, None))


def lead(sentences: Sequence[str], n_words: int, about: str = "") -> str:
    """Return the first sentences up to so many words, from the one that first has most words of a question."""
    first = 0
    if about:
        wanted = content(about) - _GENERAL
        shares = [overlap(wanted, sentence) for sentence in sentences]
        first = max(range(len(sentences)), key=lambda at: (shares[at], -at), default=0)
    return cut(sentences[first:], n_words)


def lexrank(sentences: Sequence[str], n_words: int, about: str = "") -> str:
    """Return central sentences, none repeating another, in order of the text, up to so many words."""
    scores = [float(score) for score in central(sentences, about)]
    most = 2
    taken: list[int] = []
    while True:
        chosen = choose(scores, sentences, most)
        if len(chosen) == len(taken):
            break
        taken = chosen
        if sum(len(sentences[at].split()) for at in chosen) >= n_words:
            break
        most += 1
    return cut([sentences[at] for at in taken], n_words)


def cut(sentences: Sequence[str], n_words: int) -> str:
    """Return sentences up to so many words, the last one cut, so that no system gains by its length."""
    words: list[str] = []
    for sentence in sentences:
        words += sentence.split()
        if len(words) >= n_words:
            break
    return " ".join(words[:n_words])


@cache
def scorer() -> Callable[[str, Sequence[str]], dict[str, float]]:
    """Return what gives a text's best score over references by metric. Raises UserError without rouge-score."""
    try:
        from rouge_score import rouge_scorer
    except ImportError as error:
        raise UserError(
            "ROUGE needs the package rouge-score.", next_step="Run pip install -r requirements-dev.txt."
        ) from error
    made = rouge_scorer.RougeScorer(list(METRICS), use_stemmer=True)

    def score(text: str, references: Sequence[str]) -> dict[str, float]:
        found = [made.score(reference, text) for reference in references]
        return {name: max(float(one[key].fmeasure) for one in found) for key, name in METRICS.items()}

    return score


def estimates(found: Sequence[Scored]) -> list[tuple[str, str, str, Estimate]]:
    """Return (kind, system, metric, estimate) for the whole meeting, for single matters, and for all."""
    rows = []
    for kind in ("whole", "asked", "all"):
        part = [one for one in found if kind in (one.kind, "all")]
        for system in SYSTEMS if part else ():
            for metric in METRICS.values():
                values = [one.scores[system][metric] for one in part]
                rows.append((kind, system, metric, bootstrap(values, [one.document_id for one in part])))
    return rows


def table(name: str, rows: Sequence[tuple[str, str, str, Estimate]]) -> str:
    """Return the figures for people."""
    words = {"whole": "whole meeting", "asked": "one matter", "all": "all"}
    lines = [
        f"{name}: F1 with 95 % interval",
        f"{'':16}{'':12}{'n':>5}" + "".join(f"{m:>24}" for m in METRICS.values()),
    ]
    for kind in dict.fromkeys(row[0] for row in rows):
        for system in SYSTEMS:
            own = [row[3] for row in rows if row[:2] == (kind, system)]
            cells = "".join(f"{one.score:9.3f} ({one.low:.3f}-{one.high:.3f})" for one in own)
            lines.append(f"{words[kind]:16}{system:12}{own[0].n:>5}{cells}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns 0, or 2 with one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m longdoc.evaluation.summaries", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with <set>.<split>.jsonl[.xz], or its parent")
    parser.add_argument("--sets", default="qmsum", help="names divided by commas")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--limit", type=int, help="most questions of each set, spread over it")
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
    found: list[dict[str, Any]] = []
    for name in options.sets.split(","):
        scored = measure(
            read_set(set_path(folder, name, options.split)),
            options.limit,
            lambda text, name=name: print(f"\r{name}: {text}", end="", file=sys.stderr, flush=True),  # type: ignore[misc]  # a lambda with defaults
        )
        print(file=sys.stderr)
        rows = estimates(scored)
        if not options.json:
            print(table(name, rows))
        for kind, system, metric, value in rows:
            found.append({"set": name, "kind": kind, "system": system, "metric": metric, **vars(value)})
    if options.json:
        print(json.dumps({"task": "summaries", "rows": found}))


if __name__ == "__main__":
    sys.exit(main())
