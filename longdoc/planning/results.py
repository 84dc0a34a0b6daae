"""Which position method scored best when this model was evaluated.

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

from longdoc.files import sha256_text
from longdoc.positions import METHODS
from longdoc.types import ModelInfo

_PREFERRED = ("yarn", "string+yarn", "string")  # at equal scores: the method with the most practice first
_USUAL_KV = "bf16"  # the planner's own form; rows of others compare forms, not methods


@dataclass(frozen=True)
class Result:
    """The best method at the measured length nearest to the one asked for."""

    method: str
    length: int
    score: float


def results_folder(home: Path, model: str) -> Path:
    """Return where the results of a model are kept; names that cannot be a folder's are shortened and hashed."""
    plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}", model)
    name = model if plain else f"{re.sub(r'[^A-Za-z0-9._-]+', '-', model)[-40:].strip('-.')}-{sha256_text(model)[:10]}"
    return home / "evaluation" / name


def best_method(info: ModelInfo, n_tokens: int, reaches: Callable[[str], bool], home: Path) -> Result | None:
    """Return the method with the best mean score at the nearest length at which at least two were compared.

    Methods that do not reach the prompt, as `reaches` tells, are passed over.
    """
    paths = [results_folder(home, info.name) / "results.json"]
    paths += [Path(info.folder) / "evaluation.json"] if info.folder is not None else []
    measured = next((found for path in paths if (found := _scores(path))), {})
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


def _scores(path: Path) -> dict[int, dict[str, tuple[float, int]]]:
    """Return {length: {method: (sum of scores, questions)}} of whole-document runs with dense attention."""
    found: dict[int, dict[str, tuple[float, int]]] = defaultdict(dict)
    try:
        stored = json.loads(path.read_bytes())
        reports = stored if isinstance(stored, list) else [stored]
        rows = [row for report in reports for row in report["rows"]]
        for row in rows:
            method, length = str(row["position_method"]), int(row["length"])
            # "none" beyond the native length is in the table as the control; it is never a way to read.
            if method not in METHODS or method == "none" or row["attention"] != "dense" or row["mode"] != "single":
                continue
            if row.get("kv_dtype", _USUAL_KV) != _USUAL_KV:
                continue
            total, n = found[length].get(method, (0.0, 0))
            found[length][method] = (total + float(row["score"]) * int(row["n"]), n + int(row["n"]))
    except (OSError, ValueError, KeyError, TypeError):
        return defaultdict(dict)
    return {length: {m: t for m, t in methods.items() if t[1]} for length, methods in found.items()}
