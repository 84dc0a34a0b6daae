"""Measure the shipped reader for its card: every table by one command, resumable.

    python -m models.recipe.measure --data DATA [--only needle,qa_gold] [--quick]

Runs `longdoc evaluate` once for each row of `JOBS` and keeps its JSON in
`models/recipe/runs/cpu10m/evaluation/`; then writes the tables of all kept
results into `models/README.md` between its two markers, and the scores of dense
and sparse attention into `models/reader/evaluation.json`, where plans look them up.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longdoc.files import atomic_write

RESULTS = Path("models/recipe/runs/cpu10m/evaluation")
CARD = Path("models/README.md")
READER = Path("models/reader")
START, END = "<!-- results of models.recipe.measure -->", "<!-- end of results -->"
HUMAN_SETS = "xquad_en,nq_oracle,qed,squad2,covidqa"


@dataclass(frozen=True)
class Job:
    """One table: a name, a heading, the arguments of `longdoc evaluate`."""

    name: str
    heading: str
    arguments: str

    def command(self, data: Path) -> list[str]:
        return [
            "evaluate",
            *self.arguments.format(sets=HUMAN_SETS, native="--model reader-native").split(),
            "--data",
            str(data),
        ]


JOBS = (
    Job(
        "needle_native",
        "Needles, the unextended model at its native length",
        "needle {native} --lengths 2048 --limit 40",
    ),
    Job(
        "needle_native_anywhere",
        "The same by the model alone: quotes not kept near what the question names",
        "needle {native} --style anywhere --lengths 2048 --limit 40",
    ),
    Job("needle", "Needles, the shipped model", "needle --lengths 2048,8192 --limit 20"),
    Job(
        "needle_anywhere",
        "The same by the model alone",
        "needle --style anywhere --lengths 2048,8192 --distractors 0 --limit 20",
    ),
    Job(
        "needle_sparse",
        "Needles at 32,768 tokens, dense and sparse attention",
        "needle --lengths 32768 --attention dense,sparse --distractors 0 --limit 20",
    ),
    Job(
        "needle_sparse_anywhere",
        "The same by the model alone",
        "needle --style anywhere --lengths 32768 --attention dense,sparse --distractors 0 --limit 20",
    ),
    Job(
        "needle_far",
        "Needles beyond the trained extension, sparse attention",
        "needle --lengths 65536,131072 --attention sparse --distractors 0 --limit 10",
    ),
    Job("qa_gold", "Questions by people, gold passage alone", "qa --sets {sets} --tasks extractive --limit 24"),
    Job(
        "qa_gold_anywhere",
        "The same by the model alone: quotes begin anywhere",
        "qa --style anywhere --sets {sets} --tasks extractive --limit 24 --no-absent",
    ),
    Job(
        "qa_renamed",
        "Questions by people, gold passage alone, people, places and numbers renamed",
        "qa --sets {sets} --tasks extractive --limit 12 --renamed --no-absent",
    ),
    Job(
        "qa_hidden",
        "Hidden in 16K tokens, single pass and chunked",
        "qa --sets {sets} --tasks extractive --limit 4 --hide-in 16000 --mode single,chunked --no-absent",
    ),
    Job("perplexity", "Perplexity of held-out text", "perplexity --limit 3"),
    Job("ruler", "RULER's forms", "ruler --lengths 2048 --limit 4"),
    Job("babilong", "BABILong's form", "babilong --lengths 2048 --limit 4"),
    Job("infinite", "InfiniteBench's retrieval forms", "infinite --lengths 2048 --limit 4"),
    Job("altered", "One changed sentence", "altered --lengths 2048 --limit 4"),
)


def measure(job: Job, data: Path, out: Path) -> None:
    """Run one job and keep its JSON. Raises CalledProcessError when the command fails."""
    command = [sys.executable, "-m", "longdoc", *job.command(data), "--json"]
    print("+ longdoc", " ".join(job.command(Path("DATA"))), flush=True)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    atomic_write(out / f"{job.name}.json", json.dumps(json.loads(done.stdout), indent=1).encode() + b"\n")


def shown(row: Mapping[str, Any]) -> bool:
    """Tell whether a row is in the card; all rows are in the kept JSON."""
    if row.get("depth") is not None or row["metric"] in ("contains", "not_stated_precision", "not_stated_recall"):
        return False
    if row["metric"] in ("exact", "f1") and row.get("form") is not None and row.get("distractors") is not None:
        return False  # single forms of needles
    return row.get("set") in (None, "mean of sets") or row["metric"] in ("f1", "evidence_hit")


def table(rows: list[Mapping[str, Any]]) -> str:
    """Return the card's rows as a Markdown table; labels that never vary are named above it."""
    rows = [row for row in rows if shown(row)]
    unlabelled = ("depth", "metric", "n", "score", "low", "high", "unit")
    labels = [key for key in dict.fromkeys(key for row in rows for key in row) if key not in unlabelled]
    varying = [key for key in labels if len({str(row.get(key)) for row in rows}) > 1]
    fixed = ", ".join(f"{key} {rows[0].get(key)}" for key in labels if key not in varying and rows[0].get(key))
    head = [*varying, "metric", "n", "score", "95 % interval"]
    lines = [f"{fixed}\n" if fixed else "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        scale = 1 if row.get("unit") == "ratio" else 100
        figures = [f"{row['score'] * scale:.1f}", f"{row['low'] * scale:.1f} to {row['high'] * scale:.1f}"]
        cells = [str(row.get(key) if row.get(key) is not None else "all") for key in varying]
        lines.append("| " + " | ".join([*cells, str(row["metric"]), str(row["n"]), *figures]) + " |")
    return "\n".join(lines).strip()


def write_card(out: Path, card: Path) -> None:
    """Replace what stands between the card's markers by the tables of all kept results."""
    parts = []
    for job in JOBS:
        path = out / f"{job.name}.json"
        if path.exists():
            shown = "longdoc " + " ".join(job.command(Path("DATA")))
            parts.append(f"### {job.heading}\n\n`{shown}`\n\n{table(json.loads(path.read_text())['rows'])}\n")
    text = card.read_text()
    block = f"{START}\n\n" + "\n".join(parts) + f"\n{END}"
    pattern = re.escape(START) + r".*?" + re.escape(END)
    atomic_write(card, re.sub(pattern, lambda _: block, text, flags=re.DOTALL).encode())


def bring(out: Path, reader: Path) -> None:
    """Keep with the model what its plans read: the scores of dense and sparse attention on the same needles."""
    path = out / "needle_sparse.json"
    if path.exists():
        report = json.loads(path.read_text())
        whole = [row for row in report["rows"] if row.get("depth") is None and row.get("form") is None]
        brought = {"task": report["task"], "model": report["model"], "rows": whole}
        atomic_write(reader / "evaluation.json", (json.dumps(brought, indent=1) + "\n").encode())


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the shipped reader for its card.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--card", type=Path, default=CARD)
    parser.add_argument("--reader", type=Path, default=READER, help="folder of the model that was measured")
    parser.add_argument("--only", default="", help="names of jobs, comma-separated; 'card' alone rewrites the tables")
    args = parser.parse_args()
    wanted = [name for name in args.only.split(",") if name]
    for job in JOBS:
        if not wanted or job.name in wanted:
            measure(job, args.data, args.out)
    write_card(args.out, args.card)
    bring(args.out, args.reader)


if __name__ == "__main__":
    main()
