"""What a comparison has measured so far: one JSON file of points, the best of each engine, ratios and tables.

A point is one engine in one variant at one length. Its status is `measured`,
`extrapolated` (the time limit ended it; the reading time is fitted to the steps it
took), `refused` (with the engine's reason) or `failed`. Ratios are made of measured
figures only.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.compare_side import ENGINES, LABELS
from longdoc.files import atomic_write
from longdoc.planning import Step, fit

Point = dict[str, Any]

# figure -> heading, unit, factor to the unit
FIGURES = {
    "read_s": ("read", "s", 1.0),
    "first_word_s": ("first word", "s", 1.0),
    "follow_up_s": ("follow-up", "s", 1.0),
    "restart_s": ("after restart", "s", 1.0),
    "token_s": ("token", "ms", 1e3),
    "peak_bytes": ("memory", "MB", 1e-6),
}
OURS, OTHERS = ("dense", "sparse"), ("stock", "llama.cpp")
_MIN_STEPS = 3
_NEAR = 1.1  # a variant this near to the best in any figure stays in the race


class Results:
    """Points by engine, variant and length, stored after every change."""

    def __init__(self, path: Path, machine: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        """Open the file, or begin it. What another machine or other settings measured is not mixed in: ValueError."""
        self._path = path
        self.points: dict[str, Point] = {}
        self.machine, self.settings = dict(machine), dict(settings)
        if not path.exists():
            return
        stored = json.loads(path.read_text())
        for name, now in (("machine", self.machine), ("settings", self.settings)):
            differing = [key for key in {*now, *stored[name]} if now.get(key) != stored[name].get(key)]
            if differing:
                raise ValueError(f"{path.name} was measured with another {', '.join(sorted(differing))}")
        self.points = stored["points"]

    def get(self, engine: str, variant: str, length: int) -> Point | None:
        return self.points.get(_key(engine, variant, length))

    def put(self, point: Point) -> None:
        self.points[_key(point["engine"], point["variant"], point["length"])] = point
        lengths = sorted({p["length"] for p in self.points.values()})
        table = [{"length": length, "ratios": ratios(self.best_at(length))} for length in lengths]
        content = {"machine": self.machine, "settings": self.settings, "points": self.points, "ratios": table}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(self._path, (json.dumps(content, indent=1) + "\n").encode())

    def at(self, engine: str, length: int) -> list[Point]:
        return [p for p in self.points.values() if p["engine"] == engine and p["length"] == length]

    def best_at(self, length: int) -> dict[str, Point]:
        """Return every engine's best figures at a length, over its variants."""
        found = {engine: best(self.at(engine, length)) for engine in ENGINES}
        return {engine: point for engine, point in found.items() if point is not None}

    def in_the_race(self, engine: str, variants: Sequence[str], length: int) -> list[str]:
        """Return the variants that are near the best in some figure at the longest length below `length`."""
        below = [p for p in self.points.values() if p["engine"] == engine and p["length"] < length]
        measured = [p for p in below if p["status"] == "measured"]
        if not measured:
            return list(variants)
        longest = max(p["length"] for p in measured)
        last = [p for p in measured if p["length"] == longest]
        leader = best(last)
        assert leader is not None
        kept = {
            p["variant"]
            for p in last
            if any(p.get(name) and p[name] <= _NEAR * leader[name] for name in FIGURES if name != "peak_bytes")
        }
        return [variant for variant in variants if variant in kept]


def best(points: Sequence[Point]) -> Point | None:
    """Return one point with the best figure of each kind; of the measured ones where there are any."""
    for status in ("measured", "extrapolated", "refused", "failed"):
        these = [p for p in points if p["status"] == status]
        if not these:
            continue
        joined: Point = {"engine": these[0]["engine"], "length": these[0]["length"], "status": status}
        for name in FIGURES:
            values = [p[name] for p in these if p.get(name) is not None]
            joined[name] = min(values) if values else None
        joined["reason"] = these[0].get("reason", "")
        leader = min(these, key=lambda p: p.get("read_s") or float("inf"))
        joined["variant"] = leader["variant"]  # the one that reads soonest
        return joined
    return None


def extrapolated(steps: Sequence[tuple[int, float]], n_tokens: int) -> float | None:
    """Return the seconds that reading takes by a quadratic fitted to (tokens read, seconds so far); None for too few.

    The first step warms up and is left out.
    """
    cut = [Step(start, end, later - sooner) for (start, sooner), (end, later) in itertools.pairwise(steps)]
    cost = fit(cut) if len(cut) >= _MIN_STEPS else None
    return None if cost is None else cost.seconds(0, n_tokens)


def ratios(found: Mapping[str, Point]) -> dict[str, dict[str, float]]:
    """Return {"stock / dense": {figure: other / ours}} of measured figures; reading again is stock's restart."""
    table = {}
    for other, ours in ((a, b) for a in OTHERS for b in OURS):
        left, right = found.get(other), found.get(ours)
        if left is None or right is None or {left["status"], right["status"]} != {"measured"}:
            continue
        pairs = {name: (_figure(left, name), _figure(right, name)) for name in FIGURES}
        table[f"{other} / {ours}"] = {name: a / b for name, (a, b) in pairs.items() if a and b}
    return table


def _figure(point: Point, name: str) -> float | None:
    value: float | None = point.get(name)
    return point.get("first_word_s") if name == "restart_s" and value is None else value


def lines(results: Results) -> Iterator[str]:
    """Yield the table: one row an engine and length, then the ratios."""
    head = [f"{title}, {unit}" for title, unit, _ in FIGURES.values()]
    yield f"{'tokens':>8}  {'engine':<16}" + "".join(f"{word:>18}" for word in head) + "  variant"
    lengths = sorted({p["length"] for p in results.points.values()})
    for length in lengths:
        for engine, point in results.best_at(length).items():
            begin = f"{length:>8,}  {LABELS[engine]:<16}"
            if point["status"] in ("refused", "failed"):
                yield f"{begin}  {point['status']}: {point['reason']}"
                continue
            cells = [_cell(point, name, factor) for name, (_, _, factor) in FIGURES.items()]
            yield begin + "".join(f"{cell:>18}" for cell in cells) + f"  {point['variant']}"
    yield ""
    yield "Ratios of measured figures (above 1: LongDoc is better). Without an entry: not measured on both sides."
    for length in lengths:
        for name, row in ratios(results.best_at(length)).items():
            told = "  ".join(f"{FIGURES[figure][0]} {value:.3g}x" for figure, value in row.items())
            yield f"{length:>8,}  {name:<20} {told}"
    for engine, grown in growth(results).items():
        yield f"Reading grows with {LABELS[engine]}: " + ", ".join(
            f"{a:,} -> {b:,} tokens {times:.3g}x" for a, b, times in grown
        )


def growth(results: Results) -> dict[str, list[tuple[int, int, float]]]:
    """Return by engine (length, next length, how many times longer reading takes), measured figures only."""
    found: dict[str, list[tuple[int, int, float]]] = {}
    lengths = sorted({p["length"] for p in results.points.values()})
    for engine in ENGINES:
        reads = [(n, results.best_at(n).get(engine)) for n in lengths]
        took = [(n, float(p["read_s"])) for n, p in reads if p is not None and p["status"] == "measured"]
        if len(took) > 1:
            found[engine] = [(a, b, later / sooner) for (a, sooner), (b, later) in itertools.pairwise(took)]
    return found


def _cell(point: Point, name: str, factor: float) -> str:
    value = point.get(name)
    if value is None:
        return "reads again" if name == "restart_s" and point["engine"] == "stock" else "-"
    return f"{'~' if point['status'] == 'extrapolated' else ''}{value * factor:,.4g}" + (
        " (extrap.)" if point["status"] == "extrapolated" else ""
    )


def _key(engine: str, variant: str, length: int) -> str:
    return f"{engine} | {variant} | {length}"
