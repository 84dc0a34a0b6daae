"""The picture of a comparison: time to the first word by document length, first read and follow-up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.compare_results import Results
from benchmarks.compare_side import ENGINES, LABELS

_COLOURS = {"stock": "tab:gray", "llama.cpp": "tab:orange", "dense": "tab:blue", "sparse": "tab:green"}
_LINES = {"first_word_s": ("-", "first read"), "follow_up_s": ("--", "follow-up"), "restart_s": (":", "after restart")}


def save_plot(results: Results, path: Path) -> None:
    """Draw every engine's measured times; extrapolated ones are hollow, with a thin line to them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axis: Any = figure.subplots()
    for engine in ENGINES:
        for name, (style, told) in _LINES.items():
            points = series(results, engine, name)
            measured = [(x, y) for x, y, sure in points if sure]
            guessed = [(x, y) for x, y, sure in points if not sure]
            label = f"{LABELS[engine]}: {told}"
            colour = _COLOURS[engine]
            if measured:
                axis.plot(*zip(*measured, strict=True), style, marker="o", markersize=4, color=colour, label=label)
            if guessed:
                joined = [*measured[-1:], *guessed]
                axis.plot(*zip(*joined, strict=True), style, linewidth=0.6, color=colour)
                axis.plot(
                    *zip(*guessed, strict=True),
                    "o",
                    markerfacecolor="none",
                    color=colour,
                    label=f"{label} (extrapolated)",
                )
    lengths = sorted({point["length"] for point in results.points.values()})
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_xticks(lengths, [f"{length:,}" for length in lengths])
    axis.minorticks_off()
    axis.set_xlabel("document, tokens")
    axis.set_ylabel("time to the first word, s")
    axis.grid(alpha=0.3)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=7)
    machine = results.machine
    axis.set_title(
        f"bundled reader, {machine['cores']} cores of {machine['processor']}, best settings of each engine", fontsize=9
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def series(results: Results, engine: str, name: str) -> Sequence[tuple[int, float, bool]]:
    """Return (length, seconds, whether measured) of one line."""
    found = []
    for length in sorted({point["length"] for point in results.points.values()}):
        point = results.best_at(length).get(engine)
        if point is not None and point.get(name) is not None:
            found.append((length, float(point[name]), point["status"] == "measured"))
    return found
