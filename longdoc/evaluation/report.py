"""Rows of scores with 95 % intervals from finished items; as a table for people and as JSON.

Knows records and numbers only. A row stands for one group of items and one
metric; every row carries the fields of the `evaluate --json` contract and the
task's own labels beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from longdoc.evaluation.items import Label
from longdoc.evaluation.results import Record, Row
from longdoc.evaluation.statistics import Estimate, estimate

_ALWAYS = ("length", "position_method", "attention", "mode")
_IF_NAMED = "kv_dtype"  # splits too, and stands in a row where it was chosen
_MEASURED = ("metric", "n", "score", "low", "high")


def rows(records: Sequence[Record], groupings: Sequence[Sequence[str]]) -> list[Row]:
    """Return one row for each grouping, group of label values and metric, in order of first appearance.

    A grouping names the task's labels to split by; length, position method, attention, mode and a chosen
    form of keys and values always split.
    """
    found: list[Row] = []
    for by in groupings:
        names = (*_ALWAYS, _IF_NAMED, *by)
        groups: dict[tuple[Label, ...], list[Record]] = {}
        for record in records:
            if all(record.labels.get(name) is not None for name in by):
                key = tuple(record.labels.get(name) for name in names)
                groups.setdefault(key, []).append(record)
        for key, members in groups.items():
            labels = dict(zip(names, key, strict=True))
            for metric in dict.fromkeys(name for record in members for name in record.scores):
                found.append(row(labels, metric, measured(members, metric)))
    return found


def measured(records: Iterable[Record], metric: str) -> Estimate:
    """Return the mean of one metric over the records that have it, items of one group resampled together."""
    having = [record for record in records if metric in record.scores]
    return estimate([record.scores[metric] for record in having], [record.group for record in having])


def row(labels: Mapping[str, Label], metric: str, value: Estimate) -> Row:
    """Return a row with the fields of the contract first."""
    return {
        "length": labels.get("length"),
        "position_method": labels.get("position_method"),
        "attention": labels.get("attention"),
        "depth": labels.get("depth"),
        "mode": labels.get("mode"),
        **{
            name: label
            for name, label in labels.items()
            if name not in (*_ALWAYS, "depth") and not _unnamed(name, label)
        },
        "metric": metric,
        "n": value.n,
        "score": round(value.score, 4),
        "low": round(value.low, 4),
        "high": round(value.high, 4),
    }


def _unnamed(name: str, label: Label) -> bool:
    return name == _IF_NAMED and label is None


def as_json(task: str, model: str, found: Sequence[Row], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object that `evaluate --json` prints."""
    return {"task": task, "model": model, "rows": list(found), **extra}


def table(found: Sequence[Row]) -> str:
    """Return the rows as aligned text: scores in percent (other figures as they are), intervals beside them.

    Columns that say nothing in any row, or the same in all, are named once above. Rows of single depths
    become one small map for each way of reading: depth down, length across, the first metric in percent.
    """
    if not found:
        return "Nothing was measured."
    flat = [one for one in found if one.get("depth") is None]
    deep = [one for one in found if one.get("depth") is not None and one["metric"] == found[0]["metric"]]
    parts = [_flat(flat)] if flat else []
    series: dict[str, list[Row]] = {}
    for one in deep:
        series.setdefault(_series_name(one, deep), []).append(one)
    parts += [_depth_map(name, members) for name, members in series.items()]
    return "\n\n".join(parts)


def _flat(found: Sequence[Row]) -> str:
    names = list(dict.fromkeys(name for one in found for name in one if name not in _MEASURED))
    values = {name: {one.get(name) for one in found} for name in names}
    shown = [name for name in names if len(values[name]) > 1 or name == "length"]
    same = [f"{name} {value}" for name in names if name not in shown for value in values[name] if value is not None]
    head = [_title(name) for name in shown] + ["metric", "n", "score", "95 % interval"]
    lines = [head, *([_cell(one.get(name)) for name in shown] + _numbers(one) for one in found)]
    text = _columns(lines)
    return "\n".join([*([", ".join(same)] if same else []), *text])


def _series_name(one: Row, among: Sequence[Row]) -> str:
    """Return the labels that tell this row's series from the others."""
    names = [name for name in one if name not in (*_MEASURED, "length", "depth")]
    varying = [name for name in names if len({other.get(name) for other in among}) > 1]
    return ", ".join(f"{_title(name)} {_cell(one.get(name))}" for name in varying)


def _depth_map(name: str, found: Sequence[Row]) -> str:
    lengths = sorted({int(one["length"] or 0) for one in found})
    depths = sorted({float(one["depth"] or 0) for one in found})
    scores = {(float(one["depth"] or 0), int(one["length"] or 0)): float(one["score"] or 0) for one in found}
    head = ["depth", *(f"{length:,}" for length in lengths)]
    lines = [head]
    for depth in depths:
        cells = [f"{100 * scores[depth, length]:.0f}" if (depth, length) in scores else "" for length in lengths]
        lines.append([f"{depth:g}", *cells])
    title = f"{found[0]['metric']} by depth and length" + (f", {name}" if name else "")
    return "\n".join([title, *_columns(lines)])


def _columns(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    text = [_aligned(line, widths) for line in lines]
    return [text[0], "  ".join("-" * width for width in widths), *text[1:]]


def _title(name: str) -> str:
    return {"position_method": "position"}.get(name, name)


def _cell(value: Label) -> str:
    if value is None:
        return "all"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _numbers(one: Row) -> list[str]:
    metric, n = str(one["metric"]), str(one["n"])
    score, low, high = (float(one[name] or 0) for name in ("score", "low", "high"))
    if one.get("unit") is not None:  # not a share: perplexity, bits
        return [metric, n, f"{score:.2f}", f"{low:.2f} - {high:.2f}"]
    return [metric, n, f"{100 * score:.1f}", f"{100 * low:.1f} - {100 * high:.1f}"]


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(
        cell.rjust(width) if _is_number(cell) else cell.ljust(width) for cell, width in zip(line, widths, strict=True)
    ).rstrip()


def _is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).replace(",", "").isdigit()
