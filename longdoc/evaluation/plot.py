"""A picture of an evaluation: score by length with intervals, and maps of depth by length.

Each kind of question about needles has a panel of its own, with a line for each way
of reading. Draws rows of `report.py` with matplotlib, off screen, to any format the file's
name asks for. matplotlib is loaded on first use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longdoc.errors import UserError
from longdoc.evaluation.items import Label
from longdoc.evaluation.methods import kind_of
from longdoc.evaluation.results import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FORMATS = (".png", ".svg", ".pdf")
_NOT_SERIES = {"length", "depth", "metric", "n", "score", "low", "high", "unit"}
_LINES = 6
_MAPS_ACROSS = 3
_BESIDE = 0.02  # octaves of length between lines


def check_path(path: Path) -> None:
    """Raise UserError unless the file's name ends as a picture's does."""
    if path.suffix.lower() not in _FORMATS:
        raise UserError(f"{path.name} is not a name for a plot.", next_step=f"End it in {', '.join(_FORMATS)}.")


def save_plot(path: Path, task: str, model: str, found: Sequence[Row]) -> None:
    """Draw the rows of the first metric to `path`. Raises UserError for a bad name or an unwritable folder."""
    check_path(path)
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    panels = _panels(found)
    first = found[0]["metric"] if found else ""
    grids = _series([one for one in found if one["metric"] == first and one.get("depth") is not None])
    n_maps = -(-len(grids) // _MAPS_ACROSS)
    heights = [*[3.4] * len(panels), *[2.4] * n_maps]
    figure = Figure(figsize=(10, sum(heights) + 0.4), layout="constrained")
    parts = figure.subfigures(2 if grids else 1, 1, squeeze=False, height_ratios=_stacked(heights, len(panels)))[:, 0]
    lines: Any = parts[0].subplots(len(panels), 1, squeeze=False)[:, 0]
    for axis, (name, rows) in zip(lines, panels.items(), strict=True):
        _lines(axis, _series(rows)) if _lengths(rows) > 1 else _bars(axis, rows)
        axis.set_title(f"{task}, {model}: {name}, 95 % intervals", fontsize=10)
    if grids:
        parts[1].suptitle(f"{first} by depth and length", fontsize=10)
        maps: Any = parts[1].subplots(n_maps, min(_MAPS_ACROSS, len(grids)), squeeze=False).ravel()
        for axis, (name, members) in zip(maps, grids.items(), strict=False):
            _depths(axis, name, members)
        for axis in maps[len(grids) :]:
            axis.set_axis_off()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise UserError(
            f"The plot {path.name} cannot be written: {error.strerror}.", next_step="Name another file."
        ) from error


def _panels(found: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows of each line plot by its title: one for each kind of needle, else the first metric's."""
    kinds: dict[str, list[Row]] = {}
    for one in found:
        kind = kind_of(one)
        if kind is not None:
            kinds.setdefault(f"{kind}, {one['metric']}", []).append(one)
    if kinds:
        return kinds
    metric = found[0]["metric"] if found else ""
    rows = [one for one in found if one["metric"] == metric]
    return {str(metric): _readable([one for one in rows if one.get("depth") is None]) or rows}


def _stacked(heights: Sequence[float], n_panels: int) -> list[float]:
    """Return the height of all line plots and that of all maps, where there are any."""
    return [part for part in (sum(heights[:n_panels]), sum(heights[n_panels:])) if part]


def _readable(rows: Sequence[Row]) -> list[Row]:
    """Leave out the parts where there are too many lines to tell apart and sums of them."""
    sums = [one for one in rows if "form" not in one]
    return list(rows) if len(_series(rows)) <= _LINES or not sums else sums


def _lengths(rows: Sequence[Row]) -> int:
    return len({one["length"] for one in rows})


def _series(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Group rows by all labels that differ among them, but length and depth."""
    names = [name for one in rows for name in one if name not in _NOT_SERIES]
    varying = [name for name in dict.fromkeys(names) if len({one.get(name) for one in rows}) > 1]
    found: dict[str, list[Row]] = {}
    for one in rows:
        found.setdefault(", ".join(_named(name, one.get(name)) for name in varying) or "all", []).append(one)
    return found


def _named(name: str, value: Label) -> str:
    if value is None:
        return "all"
    return f"{value} {name}" if isinstance(value, (int, float)) else str(value)


def _number(one: Mapping[str, Label], name: str) -> float:
    return float(one[name] or 0)


def _lines(axis: Axes, series: Mapping[str, Sequence[Row]]) -> None:
    for at, (name, members) in enumerate(series.items()):
        ordered = sorted(members, key=lambda one: _number(one, "length"))
        beside = 2 ** (_BESIDE * (at - (len(series) - 1) / 2))  # so that no line hides another
        x = [_number(one, "length") * beside for one in ordered]
        y = [_number(one, "score") for one in ordered]
        below = [_number(one, "score") - _number(one, "low") for one in ordered]
        above = [_number(one, "high") - _number(one, "score") for one in ordered]
        axis.errorbar(x, y, yerr=[below, above], marker="o", markersize=4, capsize=3, label=name)
    lengths = sorted({_number(one, "length") for members in series.values() for one in members})
    axis.set_xscale("log", base=2)
    axis.set_xticks(lengths, [f"{int(length):,}" for length in lengths], fontsize=8)
    axis.minorticks_off()
    axis.set_xlabel("prompt length, tokens")
    _share_axis(axis, [one for members in series.values() for one in members])
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _bars(axis: Axes, rows: Sequence[Row]) -> None:
    series = _series(rows)
    names = list(series)
    for at, members in enumerate(series.values()):
        one = members[-1]
        error = [[_number(one, "score") - _number(one, "low")], [_number(one, "high") - _number(one, "score")]]
        axis.bar(at, _number(one, "score"), yerr=error, capsize=3, color="tab:blue")
    axis.set_xticks(range(len(names)), names, rotation=30, ha="right", fontsize=7)
    _share_axis(axis, rows)


def _share_axis(axis: Axes, rows: Sequence[Row]) -> None:
    if all(one.get("unit") is None for one in rows):
        axis.set_ylim(-0.03, 1.03)
    axis.set_ylabel("score")
    axis.grid(alpha=0.3)


def _depths(axis: Axes, name: str, rows: Sequence[Row]) -> None:
    lengths = sorted({_number(one, "length") for one in rows})
    depths = sorted({_number(one, "depth") for one in rows})
    grid = [[float("nan")] * len(lengths) for _ in depths]
    for one in rows:
        grid[depths.index(_number(one, "depth"))][lengths.index(_number(one, "length"))] = _number(one, "score")
    axis.imshow(grid, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    for y, line in enumerate(grid):
        for x, value in enumerate(line):
            text = "" if value != value else f"{100 * value:.0f}"
            axis.text(x, y, text, ha="center", va="center", fontsize=7, color="white" if value > 0.6 else "black")
    axis.set_xticks(range(len(lengths)), [f"{int(length):,}" for length in lengths], fontsize=8)
    axis.set_yticks(range(len(depths)), [f"{depth:g}" for depth in depths], fontsize=8)
    axis.set_ylabel("depth")
    axis.set_title(name, fontsize=8)
