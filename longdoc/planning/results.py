"""What evaluations of a model tell its plans: the best position method, and whether sparse attention holds.

`longdoc evaluate` keeps its last reports in `<home>/evaluation/<model>/results.json`;
a model folder may bring its own as `evaluation.json`. Either is one printed object
or a list of them. What was measured on this machine comes first.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from longdoc.attention.sparsity import DENSE, SPARSE
from longdoc.files import sha256_text
from longdoc.positions import METHODS
from longdoc.types import ModelInfo

_PREFERRED = ("yarn", "string+yarn", "string")  # at equal scores: the method with the most practice first
_HOLDS = 0.95
_LEAST_QUESTIONS = 20
_NO_LABELS = ("attention", "score", "low", "high", "n")
_USUAL_KV = "bf16"  # the planner's own form; rows of others compare forms, not methods


@dataclass(frozen=True)
class Result:
    """The best method at the measured length nearest to the one asked for."""

    method: str
    length: int
    score: float


@dataclass(frozen=True)
class Held:
    """Scores of the same questions at one length, read and answered densely and sparsely."""

    length: int
    dense: float
    sparse: float
    n: int


def results_folder(home: Path, model: str) -> Path:
    """Return where the results of a model are kept; names that cannot be a folder's are shortened and hashed."""
    plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}", model)
    name = model if plain else f"{re.sub(r'[^A-Za-z0-9._-]+', '-', model)[-40:].strip('-.')}-{sha256_text(model)[:10]}"
    return home / "evaluation" / name


def best_method(info: ModelInfo, n_tokens: int, reaches: Callable[[str], bool], home: Path) -> Result | None:
    """Return the method with the best mean score at the nearest length at which at least two were compared.

    Methods that do not reach the prompt, as `reaches` tells, are passed over.
    """
    measured = next((found for path in _paths(info, home) if (found := _scores(path))), {})
    scores = {
        length: {name: score for name, score in methods.items() if reaches(name)}
        for length, methods in measured.items()
        if len(methods) > 1
    }
    lengths = [length for length, methods in scores.items() if methods]
    if not lengths:
        return None
    # The shortest measured length that covers the prompt, else the longest there is.
    length = min((n for n in lengths if n >= n_tokens), default=max(lengths))
    means = {name: total / n for name, (total, n) in scores[length].items()}
    order = [*_PREFERRED, *(name for name in METHODS if name not in _PREFERRED)]
    method = max(means, key=lambda name: (means[name], -order.index(name)))
    return Result(method, length, means[method])


def sparse_held(info: ModelInfo, home: Path, least_tokens: int) -> Held | None:
    """Return the longest length measured both ways if sparse attention scored at least 95 % of dense there, else None.

    Only the same questions with the same position method are compared, of `least_tokens` and more; fewer than 20 of
    them tell nothing.
    """
    for path in _paths(info, home):
        pairs: dict[tuple[str, ...], dict[str, _Row]] = defaultdict(dict)
        for row in _rows(path):
            if row.length >= least_tokens:
                pairs[row.labels][row.attention] = row
        both = [
            (found[DENSE], found[SPARSE])
            for found in pairs.values()
            if {DENSE, SPARSE} <= found.keys() and found[DENSE].n == found[SPARSE].n
        ]
        if both:
            # The longest length, there the rows over most questions: others are parts of them.
            length, n = max((dense.length, dense.n) for dense, _ in both)
            whole = [pair for pair in both if (pair[0].length, pair[0].n) == (length, n)]
            dense_score = sum(dense.score for dense, _ in whole) / len(whole)
            sparse_score = sum(sparse.score for _, sparse in whole) / len(whole)
            held = n >= _LEAST_QUESTIONS and 0 < _HOLDS * dense_score <= sparse_score
            return Held(length, dense_score, sparse_score, n) if held else None
    return None


def _paths(info: ModelInfo, home: Path) -> list[Path]:
    brought = [Path(info.folder) / "evaluation.json"] if info.folder is not None else []
    return [results_folder(home, info.name) / "results.json", *brought]


def _scores(path: Path) -> dict[int, dict[str, tuple[float, int]]]:
    """Return {length: {method: (sum of scores, questions)}} of whole-document runs with dense attention."""
    found: dict[int, dict[str, tuple[float, int]]] = defaultdict(dict)
    for row in _rows(path):
        # "none" beyond the native length is in the table as the control; it is never a way to read.
        if row.method in METHODS and row.method != "none" and row.attention == DENSE:
            total, n = found[row.length].get(row.method, (0.0, 0))
            found[row.length][row.method] = (total + row.score * row.n, n + row.n)
    return {length: {m: t for m, t in methods.items() if t[1]} for length, methods in found.items()}


@dataclass(frozen=True)
class _Row:
    length: int
    method: str
    attention: str
    score: float
    n: int
    labels: tuple[str, ...]  # what was asked and how, but for the attention


def _rows(path: Path) -> list[_Row]:
    """Return what whole-document runs with the usual keys and values scored; a damaged file holds nothing."""
    try:
        stored = json.loads(path.read_bytes())
        reports = stored if isinstance(stored, list) else [stored]
        return [
            _Row(
                int(row["length"]),
                str(row["position_method"]),
                str(row["attention"]),
                float(row["score"]),
                int(row["n"]),
                (str(report.get("task")), *(f"{key} {row[key]}" for key in sorted(row) if key not in _NO_LABELS)),
            )
            for report in reports
            for row in report["rows"]
            if row.get("mode") == "single" and row.get("kv_dtype", _USUAL_KV) == _USUAL_KV
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
