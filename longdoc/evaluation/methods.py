"""Ways of reading against lengths: one small table for each kind of question, and for what reading took.

A row is a way of reading (position method, and attention, form of keys and values
and mode where several were compared), a column a length. Lays out rows of
`report.py`, `costs.py` and `paired.py`; computes nothing but shares of the first length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from longdoc.evaluation import report
from longdoc.evaluation.costs import WAY
from longdoc.evaluation.items import Label
from longdoc.evaluation.results import Row

MULTI_KEY = "niah_multikey_1"
_HEADS = {"position_method": "position", "kv_dtype": "kv"}


def kind_of(row: Row) -> str | None:
    """Return which kind of question a row of needles is about; None for parts of one (forms, depths, metrics)."""
    if row.get("depth") is not None:
        return None
    if row.get("form") == MULTI_KEY:
        return "multi-key (RULER)"
    if row.get("form") is not None or row.get("metric") == "contains":
        return None
    near = row.get("distractors")
    if near is None:
        return None
    return "needle" if near == 0 else f"needle among {near} with near keys"


def several(rows: Sequence[Row]) -> bool:
    """Return whether there is more than one way to lay out."""
    return len({_way(row) for row in rows}) > 1


def page(rows: Sequence[Row], costs: Sequence[Row], shares: Sequence[Row], native: int) -> str:
    """Return all tables of a run as people read them, the answer before its parts.

    Of several ways of finding needles only the laid-out tables and the maps by depth are shown: rows for
    every form and metric would be hundreds. They stand in the JSON.
    """
    if not several(rows):
        parts = [report.table(rows), share_table(shares), cost_table(costs)]
    elif any(kind_of(row) for row in rows):
        deep = [row for row in rows if row.get("depth") is not None]
        parts = [tables(rows, costs, native), share_table(shares), report.table(deep) if deep else ""]
    else:
        parts = [report.table(rows), share_table(shares), tables(rows, costs, native)]
    return "\n\n".join(filter(None, parts))


def tables(rows: Sequence[Row], costs: Sequence[Row], native: int) -> str:
    """Return the tables as text: accuracy of each kind of question, seconds to read, megabytes.

    `native`: the model's native length, so that columns are told in multiples of it as well.
    """
    kinds: dict[str, list[Row]] = {}
    for row in rows:
        kind = kind_of(row)
        if kind is not None:
            kinds.setdefault(kind, []).append(row)
    names = _varying([*(row for members in kinds.values() for row in members), *costs])
    found = [
        _table(f"{kind}: {members[0]['metric']} in percent, 95 % interval", members, names, native, _accuracy)
        for kind, members in kinds.items()
    ]
    found += [
        _table(title, [row for row in costs if row.get(field) is not None], names, native, _cell(field, show))
        for title, field, show in (
            ("seconds to read a text, mean", "read_s", lambda value: f"{value:,.1f}"),
            ("seconds of an answer, mean", "answer_s", lambda value: f"{value:,.2f}"),
            ("keys and values, MB", "kv_bytes", _megabytes),
            ("memory of the process, peak, MB", "peak_bytes", _megabytes),
        )
        if any(row.get(field) is not None for row in costs)
    ]
    return "\n\n".join(found)


def cost_table(costs: Sequence[Row]) -> str:
    """Return one line for each point: what reading and answering took."""
    if not costs:
        return ""
    names = _varying(costs)
    head = [*(_HEADS.get(name, name) for name in names), "length", "read s", "answer s", "KV MB", "peak MB"]
    lines = [head]
    for row in costs:
        cells = [str(row.get(name) or "") for name in names]
        cells += [f"{int(row['length'] or 0):,}"]
        cells += [_cell("read_s", lambda v: f"{v:,.2f}")(row), _cell("answer_s", lambda v: f"{v:,.2f}")(row)]
        cells += [_cell("kv_bytes", _megabytes)(row), _cell("peak_bytes", _megabytes)(row)]
        lines.append(cells)
    return "\n".join(["what a text took to read, and an answer (means; most bytes)", *aligned(lines, len(names))])


def share_table(shares: Sequence[Row]) -> str:
    """Return one line for each share: what a way found of what the first way found, on the same questions."""
    if not shares:
        return ""
    names = [name for name in ("position_method", "mode") if len({row.get(name) for row in shares}) > 1]
    split = [name for name in ("distractors", "form") if any(row.get(name) is not None for row in shares)]
    head = [*("length", "way"), *(_HEADS.get(name, name) for name in names), *split]
    lines = [[*head, "n", "score", "of", "its score", "share", "95 % interval"]]
    for row in shares:
        way = ", ".join(str(row[name]) for name in ("attention", "kv_dtype") if row.get(name) is not None)
        cells = [f"{int(row['length'] or 0):,}", way, *(str(row.get(name)) for name in names)]
        cells += ["all" if row.get(name) is None else str(row[name]) for name in split]
        own, of, score, low, high = (
            f"{100 * float(row[name] or 0):.1f}" for name in ("own_score", "of_score", "score", "low", "high")
        )
        lines.append([*cells, str(row["n"]), own, str(row["of"]), of, f"{score} %", f"{low} - {high}"])
    return "\n".join(["share of the first way's score, same questions", *aligned(lines, 1)])


def aligned(lines: Sequence[Sequence[str]], left: int) -> list[str]:
    """Return the lines in columns, a rule under the first; the first `left` columns flush left."""
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    text = [
        "  ".join(
            cell.ljust(width) if at < left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return [text[0], "  ".join("-" * width for width in widths), *text[1:]]


def _table(title: str, rows: Sequence[Row], names: Sequence[str], native: int, show: Callable[[Row], str]) -> str:
    lengths = sorted({int(row["length"] or 0) for row in rows})
    ways = list(dict.fromkeys(tuple(row.get(name) for name in names) for row in rows))
    cells = {(tuple(row.get(name) for name in names), int(row["length"] or 0)): show(row) for row in rows}
    lines = [[*(_HEADS.get(name, name) for name in names), *(column(length, native) for length in lengths)]]
    lines += [
        [*("" if part is None else str(part) for part in way), *(cells.get((way, length), "") for length in lengths)]
        for way in ways
    ]
    return "\n".join([title, *aligned(lines, len(names))])


def column(length: int, native: int) -> str:
    """Return a length with its multiple of the native one: "8,192 (4x)"."""
    times = length / native if native else 0
    return f"{length:,} ({times:g}x)" if times and times == round(times, 2) else f"{length:,}"


def _varying(rows: Sequence[Row]) -> list[str]:
    """Return what tells the ways of reading apart; the position method in any case."""
    return [name for name in WAY if name == "position_method" or len({row.get(name) for row in rows}) > 1]


def _way(row: Row) -> tuple[Label, ...]:
    return tuple(row.get(name) for name in WAY)


def _accuracy(row: Row) -> str:
    score, low, high = (100 * float(row[name] or 0) for name in ("score", "low", "high"))
    return f"{score:.0f} ({low:.0f}-{high:.0f})"


def _cell(field: str, show: Callable[[float], str]) -> Callable[[Row], str]:
    return lambda row: "" if row.get(field) is None else show(float(row[field] or 0))


def _megabytes(value: float) -> str:
    return f"{value / 2**20:,.1f}"
