"""Run a task: ask every question of every haystack, keep each finished item, add up the rows.

What was asked before of the same text, by the same model read in the same way,
is taken from disk; a haystack is read only when one of its questions is open.
Knows tasks and models as protocols only.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from longdoc.evaluation.asking import Model, Way
from longdoc.evaluation.haystack import Filler
from longdoc.evaluation.items import Haystack, Item, Label, Reply, Scores
from longdoc.evaluation.results import Record, Results
from longdoc.files import sha256_text
from longdoc.types import ReadingPlan

_PASSAGES_TOKENS = 1600  # about what a chunked prompt has


class GridTask(Protocol):
    """A task whose haystacks are made for a length."""

    @property
    def name(self) -> str: ...

    def haystacks(self, filler: Filler, length: int) -> Iterable[Haystack]: ...

    def score(self, item: Item, reply: Reply) -> Scores: ...


@dataclass
class Run:
    """Where a run's items go, and what it says on the way."""

    model: Model
    results: Results
    say: Callable[[str], None] = lambda text: None
    stop: threading.Event = field(default_factory=threading.Event)
    skipped: list[str] = field(default_factory=list)  # what could not be measured, and why
    seen: Callable[[Record], None] = lambda record: None  # told of every item, asked now or before

    def skip(self, why: str) -> None:
        if why not in self.skipped:
            self.skipped.append(why)
            self.say(why)


def run_grid(run: Run, task: GridTask, filler: Filler, lengths: Sequence[int], ways: Sequence[Way]) -> list[Record]:
    """Return the records of every length and way, those kept from before among them."""
    records: list[Record] = []
    for length in lengths:
        haystacks: list[Haystack] | None = None
        planned: set[tuple[object, ...]] = set()
        for way in ways:
            # Only a single pass reads all of it.
            plan = run.model.plan(way, length if way.mode == "single" else min(length, _PASSAGES_TOKENS))
            if plan.zone == "over" and way.mode == "single":
                run.skip(f"{length:,} tokens are over the window of {plan.window:,}: left out.")
                continue
            same = (plan.position_method, plan.factor, plan.attention, plan.cache_tier, plan.kv_dtype, way.key)
            if same in planned:
                run.skip(_once(length, way, plan))
                continue
            planned.add(same)
            if haystacks is None:
                run.say(f"{task.name}: making texts of {length:,} tokens")
                haystacks = list(task.haystacks(filler, length))
            found = list(_asked(run, task.name, haystacks, way, plan, task.score))
            records += found
    return records


def run_haystacks(
    run: Run,
    name: str,
    haystacks: Sequence[Haystack],
    ways: Sequence[Way],
    score: Callable[[Item, Reply], Scores],
    reserve: int,
) -> list[Record]:
    """Return the records of haystacks of any size; each is planned by its own length and `reserve` tokens."""
    records: list[Record] = []
    for way in ways:
        for at, haystack in enumerate(haystacks):
            n_tokens = run.model.prefix_tokens(haystack.documents) + reserve if way.mode == "single" else reserve
            plan = run.model.plan(way, n_tokens)
            if plan.zone == "over":
                titles = ", ".join(document.title for document in haystack.documents[:2])
                run.skip(f"{titles}: {n_tokens:,} tokens are over the window of {plan.window:,}: left out.")
                continue
            run.say(f"{name}: text {at + 1} of {len(haystacks)}, {n_tokens:,} tokens, {way.mode}")
            records += _asked(run, name, [haystack], way, plan, score)
    return records


def _asked(
    run: Run,
    name: str,
    haystacks: Sequence[Haystack],
    way: Way,
    plan: ReadingPlan,
    score: Callable[[Item, Reply], Scores],
) -> Iterator[Record]:
    fingerprint = run.model.fingerprint(plan)
    n_items = sum(len(haystack.items) for haystack in haystacks)
    finished: list[float] = []
    began = time.perf_counter()
    fresh = 0
    for haystack in haystacks:
        documents = sha256_text(*(part for document in haystack.documents for part in (document.title, document.text)))
        group = sha256_text(documents)[:16]
        session = None
        for item in haystack.items:
            key = sha256_text(
                name, fingerprint, way.key, documents, item.question, *item.references, str(item.max_new_tokens)
            )
            record = run.results.get(key)
            apart = item.group or group
            labels = _labels(haystack, item, way, plan)
            if record is None:
                if session is None:
                    run.say(f"{name} {haystack.length:,} {plan.position_method} {way.mode}: reading")
                    session = run.model.session(haystack.documents, way, plan, run.stop)
                reply = session.ask(item.question, item.max_new_tokens)
                scores = dict(score(item, reply))
                record = Record(
                    key, labels, scores, apart, item.question, item.references, reply.text, reply.quote,
                    round(reply.usage.total_s, 3), _read_s(reply), reply.usage.peak_bytes,
                    reply.kv_bytes,
                )  # fmt: skip
                run.results.add(record)
                fresh += 1
            # Labels may have changed since (another name for a group); the answer and its scores have not.
            record = Record(**{**vars(record), "labels": labels, "group": apart})
            finished.append(next(iter(record.scores.values()), 0.0))
            run.seen(record)
            yield record
        if n_items > len(haystack.items) and session is not None:
            left = (time.perf_counter() - began) / max(1, fresh) * (n_items - len(finished))
            mean = sum(finished) / max(1, len(finished))
            run.say(
                f"{name} {haystack.length:,} {plan.position_method} {way.mode}: {len(finished)} of {n_items}, "
                f"{100 * mean:.0f} % so far, about {left:.0f} s left"
            )


def _once(length: int, way: Way, plan: ReadingPlan) -> str:
    if way.attention not in (None, plan.attention):
        return f"{length:,} tokens: {way.attention} attention reads them as {plan.attention} does; measured once."
    return f"{length:,} tokens: two of these ways are the same; measured once."


def _read_s(reply: Reply) -> float:
    """Return what reading the text took, where this question was the one that had it read."""
    return 0.0 if reply.usage.cached_tokens else round(reply.usage.read_s, 3)


def _labels(haystack: Haystack, item: Item, way: Way, plan: ReadingPlan) -> dict[str, Label]:
    return {
        "length": haystack.length,
        "position_method": plan.position_method,
        "attention": plan.attention,
        "mode": way.mode,
        "requested": way.position or "auto",
        **({} if way.kv_dtype is None else {"kv_dtype": plan.kv_dtype}),
        **item.labels,
    }
