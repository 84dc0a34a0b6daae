"""Perplexity of held-out text by category: how well a model knows the language, apart from reading tasks.

Takes the beginning of each held-out document, packed as in a prompt, at one or
several lengths and position methods. Low perplexity does not mean that
something is found in a text; needle and question tasks are for that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from longdoc.evaluation.asking import LocalModel, Way
from longdoc.evaluation.haystack import Book, held_out_texts, open_books
from longdoc.evaluation.items import Label, make_document
from longdoc.evaluation.report import row
from longdoc.evaluation.results import Record, Row
from longdoc.evaluation.runner import Run
from longdoc.evaluation.statistics import Estimate, bootstrap
from longdoc.evaluation.surprisal import read_surprised
from longdoc.files import sha256_text
from longdoc.types import ReadingPlan

_LEAST_TOKENS = 64


@dataclass(frozen=True)
class PerplexityTask:
    """Which texts, and how many of each category."""

    data: Path | None
    limit: int = 20

    name = "perplexity"

    def texts(self) -> dict[str, list[Book]]:
        """Return held-out documents by category; without a data folder, the text that needles are hidden in."""
        if self.data is not None and (self.data / "pretrain").is_dir():
            found = held_out_texts(self.data)
        else:
            found = {"text": open_books(self.data)}
        return {name: books[-self.limit :] for name, books in found.items()}

    def run(self, run: Run, model: LocalModel, lengths: Sequence[int], ways: Sequence[Way]) -> list[Record]:
        """Read the beginning of every text and return one record each: mean nats a token, nats a byte."""
        records: list[Record] = []
        texts = self.texts()
        for length in lengths:
            for way in ways:
                plan = model.plan(way, length)
                fingerprint = model.fingerprint(plan)
                for category, books in texts.items():
                    run.say(f"perplexity {category}, {length:,} tokens, {plan.position_method}")
                    for book in books:
                        key = sha256_text(self.name, fingerprint, str(length), book.name, book.text)
                        record = run.results.get(key)
                        if record is None:
                            record = self._read(run, model, book, plan, length, key)
                        if record is None:
                            continue
                        labels: dict[str, Label] = {
                            "length": length,
                            "position_method": plan.position_method,
                            "attention": plan.attention,
                            "mode": "text",
                            **({} if way.kv_dtype is None else {"kv_dtype": plan.kv_dtype}),
                            "category": category,
                        }
                        records.append(Record(**{**vars(record), "labels": labels}))
        return records

    def _read(self, run: Run, model: LocalModel, book: Book, plan: ReadingPlan, length: int, key: str) -> Record | None:
        # Tokens have two characters at the very least; more text than that is never reached.
        document = make_document(book.name, book.text[: 12 * length])
        surprise = read_surprised(model.backend, document, plan, run.stop, length - 32)
        if len(surprise.nats) < _LEAST_TOKENS:
            return None
        n_bytes = len(document.text[: surprise.chars[-1][1]].encode())
        total = float(surprise.nats.sum())
        scores = {"nats": total, "tokens": float(len(surprise.nats)), "bytes": float(n_bytes)}
        record = Record(key, {}, scores, book.name, book.name, (), "")
        run.results.add(record)
        return record


def rows(records: Sequence[Record]) -> list[Row]:
    """Return perplexity (per token) and bits per byte for each length, method and category."""
    found: list[Row] = []
    groups: dict[tuple[Label, ...], list[Record]] = {}
    names = ("length", "position_method", "attention", "mode", "kv_dtype", "category")
    for record in records:
        groups.setdefault(tuple(record.labels.get(name) for name in names), []).append(record)
    for key, members in groups.items():
        labels = {**dict(zip(names, key, strict=True)), "unit": "ratio"}
        found.append(row(labels, "perplexity", _perplexity(members)))
        bits = [one.scores["nats"] / math.log(2) / one.scores["bytes"] for one in members]
        found.append(row(labels, "bits_per_byte", bootstrap(bits)))
    return found


def _perplexity(records: Sequence[Record]) -> Estimate:
    """Return exp(mean nats a token); texts count the same, since each gives about the same number of tokens."""
    mean = bootstrap([one.scores["nats"] / one.scores["tokens"] for one in records])
    return Estimate(mean.n, math.exp(mean.score), math.exp(mean.low), math.exp(mean.high))
