"""Finished items on disk: one JSON line each, appended and flushed, and a summary per model.

`<home>/evaluation/<model>/<task>.jsonl` holds every item with its question,
answer and scores; `results.json` beside it holds the rows of the last run of
each task, for the planner and for people. An item is known by the hash of all
that decides its answer, so a run that was stopped goes on where it was and a
changed model, text or way of reading starts afresh.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from longdoc.errors import StoreError
from longdoc.evaluation.items import Label
from longdoc.files import atomic_write, disk_error
from longdoc.planning import KV_DTYPE
from longdoc.planning.results import results_folder
from longdoc.settings import Settings

Row = dict[str, Label]
MEASURED = {
    *("n", "score", "low", "high", "own_score", "of_score"),
    *("n_readings", "read_s", "answer_s", "kv_bytes", "peak_bytes"),
}  # what of a row is found; everything else says of what


@dataclass(frozen=True)
class Record:
    """One finished item."""

    key: str  # hash of everything that decides the answer
    labels: Mapping[str, Label]  # length, position_method, attention, mode and the task's own
    scores: Mapping[str, float]
    group: str  # items of one group were asked of one reading or are about one document
    question: str
    references: tuple[str, ...]
    answer: str
    quote: str = ""
    seconds: float = 0.0
    read_s: float = 0.0  # what reading its text took; 0: it was read for an earlier question
    peak_bytes: int = 0
    kv_bytes: int = 0  # what keys, values and states took; 0: not known


def model_folder(settings: Settings, model: str) -> Path:
    """Return where a model's results are kept."""
    return results_folder(settings.home, model)


class Results:
    """The finished items of one model and task."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records: dict[str, Record] = {}
        for line in self._lines():
            if (record := _record(line)) is not None:
                self._records[record.key] = record

    def get(self, key: str) -> Record | None:
        return self._records.get(key)

    @property
    def records(self) -> list[Record]:
        """All finished items, in the order in which they were finished."""
        return list(self._records.values())

    def add(self, record: Record) -> None:
        """Append a record and flush it to the disk. Raises StoreError when the disk refuses."""
        line = json.dumps(asdict(record), ensure_ascii=False).encode("utf-8", "surrogatepass")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                # A kill may have left half a line; it stays alone on its line and is skipped when read.
                file.write((b"\n" if self._torn() else b"") + line + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise disk_error(self.path, error) from error
        self._records[record.key] = record

    def _torn(self) -> bool:
        if not self.path.exists() or self.path.stat().st_size == 0:
            return False
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"

    def _lines(self) -> Iterable[bytes]:
        try:
            return self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(
                f"The results in {self.path.name} cannot be read: {error.strerror}.", next_step="Move the file away."
            ) from error


def _record(line: bytes) -> Record | None:
    """Return the record of a line; None for an empty, torn or foreign one."""
    try:
        value = json.loads(line)
        return Record(**{**value, "references": tuple(value["references"])})
    except (ValueError, TypeError, KeyError):
        return None


def keep_summary(folder: Path, report: Mapping[str, Any], identity: str) -> None:
    """Merge what a run found into the model's `results.json`, a list with one report for each task.

    A row replaces the one with the same labels unless that one was measured on more items. Rows of other
    weights (`identity`) are dropped. The same holds for what ways cost and for their shares of one another.
    """
    reports = [old for old in read_summary(folder) if old.get("identity") == identity]
    old: dict[str, Any] = next((one for one in reports if one["task"] == report["task"]), {})
    merged = {name: _merged(old.get(name), report.get(name, [])) for name in ("rows", "costs", "shares")}
    new = {**report, "identity": identity, **{name: found for name, found in merged.items() if found}}
    others = [one for one in reports if one["task"] != report["task"]]
    text = json.dumps([*others, new], indent=1, ensure_ascii=False)
    atomic_write(folder / "results.json", (text + "\n").encode())


def read_summary(folder: Path) -> list[dict[str, Any]]:
    """Return the reports in a model's `results.json`; an absent or damaged one holds none."""
    try:
        found = json.loads((folder / "results.json").read_bytes())
        return [one for one in found if isinstance(one["task"], str) and isinstance(one["rows"], list)]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _merged(old: Any, new: Iterable[Row]) -> list[Row]:
    """Return old rows with new ones in the places of those with the same labels, unless these are of more items."""
    merged: dict[tuple[tuple[str, str], ...], Row] = {}
    for row in [*(old if isinstance(old, list) else []), *new]:
        before = merged.get(_labels(row))
        if before is None or int(row["n"] or 0) >= int(before["n"] or 0):
            merged[_labels(row)] = row
    return list(merged.values())


def _labels(row: Row) -> tuple[tuple[str, str], ...]:
    # A way that did not name the form had the usual one.
    return tuple(
        sorted(
            (name, repr(value))
            for name, value in row.items()
            if name not in MEASURED and (name, value) != ("kv_dtype", KV_DTYPE)
        )
    )
