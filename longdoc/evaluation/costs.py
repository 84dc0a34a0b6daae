"""What each way of reading took at each length: seconds to read a text and to answer, bytes of keys and values.

From finished items only, so that a run which found everything on disk still tells
what it took when it was measured. Seconds compare within one machine.
"""

from __future__ import annotations

from collections.abc import Sequence

from longdoc.evaluation.items import Label
from longdoc.evaluation.results import Record, Row

WAY = ("position_method", "attention", "kv_dtype", "mode")


def costs(records: Sequence[Record]) -> list[Row]:
    """Return a row for each length and way: means of seconds, the most of bytes.

    `read_s` is the mean over `n_readings` texts, None where no reading was timed; `answer_s` the mean over
    `n` questions; `kv_bytes` what keys, values and states took; `peak_bytes` the memory of the process.
    Records that were never asked (perplexity, surprisal) have no part in it.
    """
    points: dict[tuple[Label, ...], list[Record]] = {}
    for record in records:
        if record.seconds > 0:
            key = tuple(record.labels.get(name) for name in ("length", *WAY))
            points.setdefault(key, []).append(record)
    return [_cost(key, members) for key, members in points.items()]


def _cost(key: Sequence[Label], members: Sequence[Record]) -> Row:
    readings = [one.read_s for one in members if one.read_s > 0]
    labels = {name: value for name, value in zip(("length", *WAY), key, strict=True) if value is not None}
    return {
        **labels,
        "n": len(members),
        "n_readings": len(readings),
        "read_s": round(sum(readings) / len(readings), 3) if readings else None,
        "answer_s": round(sum(max(one.seconds - one.read_s, 0.0) for one in members) / len(members), 3),
        "kv_bytes": max(one.kv_bytes for one in members) or None,
        "peak_bytes": max(one.peak_bytes for one in members) or None,
    }
