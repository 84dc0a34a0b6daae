"""Plot a run's log: loss of plain text and share of answer tokens predicted right, by tokens seen.

python -m models.recipe.plot models/recipe/runs/cpu10m/log.jsonl --out models/recipe/runs/cpu10m/log.png
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ANSWERS = ("recall", "fact", "fact_quote", "span", "cloze", "row", "row_quote", "not_stated")


def plot(log: Path, out: Path) -> None:
    """Write a PNG with one line per kind of answer and dashed lines where stages end."""
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
    millions = [row["tokens"] / 1e6 for row in rows]
    left.plot(millions, [row["text"][0] if "text" in row else float("nan") for row in rows])
    left.set(xlabel="million tokens", ylabel="loss of plain text, nats a token")
    for kind in ANSWERS:
        at = [(row["tokens"] / 1e6, row[kind][1]) for row in rows if kind in row]
        if at:
            right.plot(*zip(*at, strict=True), label=kind, linewidth=1)
    right.set(xlabel="million tokens", ylabel="answer tokens right, teacher-forced", ylim=(0, 1))
    right.legend(fontsize=7)
    for before, after in pairwise(rows):
        if before["stage"] != after["stage"]:
            for axes in (left, right):
                axes.axvline(after["tokens"] / 1e6, color="grey", linestyle=":", linewidth=0.8)
    figure.tight_layout()
    figure.savefig(out, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description="Plot a training log.")
    parser.add_argument("log", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    plot(args.log, args.out)


if __name__ == "__main__":
    main()
