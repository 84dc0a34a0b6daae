"""Dense against sparse attention of the engine, in one run: reading, the step of an answer, what sparse missed.

    python -m benchmarks.sparse_reading [--lengths 32768,131072] [--samples 4] [--whole] [--json]

The bundled reader reads the sample chronicle, repeated as often as the length asks.
Sparse attention reads all of it with `--whole`; otherwise, and for dense attention
always, steps are timed at `--samples` places over a cache that holds as many tokens
as there would be, and added up along the text (a dense step's time grows evenly with
its position). The two sides take turns at every place, so that whatever else the
machine does falls on both. Processor seconds are given beside the clock's: on a busy
machine they are the fairer ones, with `--threads 1`. The probe's figure is the share
of dense attention that the chosen blocks held, from a whole reading.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from longdoc.attention.probe import recall_of
from longdoc.attention.sparsity import BUDGET_TOKENS
from longdoc.backends.transformer import TransformerBackend, load
from longdoc.cache.segment import Reading
from longdoc.planning import make_plan
from longdoc.planning.measurements import machine
from longdoc.settings import Settings
from longdoc.types import ReadingPlan

_TEXT = Path(__file__).resolve().parent.parent / "assets" / "samples" / "chronicle.txt"
_STEP = 1024  # tokens
_SEED_TOKENS = 4096  # really read, then repeated as the keys of a longer text
_QUESTION = "Who wrote the chronicle, and in which year?"


@dataclass(frozen=True)
class Took:
    """Seconds of one piece of work."""

    clock: float
    processor: float

    @classmethod
    def by(cls, work: Callable[[], Any]) -> Took:
        clock, processor = time.perf_counter(), time.process_time()
        work()
        return cls(time.perf_counter() - clock, time.process_time() - processor)

    def __add__(self, other: Took) -> Took:
        return Took(self.clock + other.clock, self.processor + other.processor)


def main() -> None:
    """Print one row a length and attention, and how both grow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="reader")
    parser.add_argument("--lengths", default="32768,131072", help="tokens, separated by commas")
    parser.add_argument("--budget", type=int, default=BUDGET_TOKENS, help="keys a tile of queries may meet")
    parser.add_argument("--samples", type=int, default=4, help="places at which a step is timed")
    parser.add_argument("--decode", type=int, default=16, help="tokens of the answer; the later half counts")
    parser.add_argument("--whole", action="store_true", help="read everything with sparse attention, and probe")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), threads=args.threads)
        backend = load(args.model, settings)
        text = backend.tokenizer.encode(_TEXT.read_text("utf-8")).ids
        rows = [measure(backend, settings, text, int(n), args) for n in args.lengths.split(",")]
    report: dict[str, Any] = {
        "machine": machine(),
        "threads": torch.get_num_threads(),
        "rows": rows,
        "growth": growth(rows),
    }
    if args.json:
        print(json.dumps(report, indent=1))
        return
    for row in rows:
        print(
            "  ".join(
                f"{key} {value:,.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()
            )
        )
    for name, value in report["growth"].items():
        print(f"{name}: {value:.2f}")


def measure(
    backend: TransformerBackend, settings: Settings, text: Sequence[int], n_tokens: int, args: argparse.Namespace
) -> dict[str, Any]:
    """Return the figures of one length."""
    ids = (list(text) * (n_tokens // len(text) + 1))[:n_tokens]
    plan = make_plan(backend.info, n_tokens, settings=settings)
    dense = replace(plan, attention="dense", attention_budget=0, prefill_step=_STEP)
    sparse = replace(plan, attention="sparse", attention_budget=args.budget, prefill_step=_STEP)
    reading = backend.new_cache(dense, n_tokens)
    whole: Took | None = None
    if args.whole:
        whole = Took.by(partial(_read, backend, ids, reading, sparse))
    else:
        _fill(backend, ids, reading, sparse)
    recall = recall_of(reading)
    took: dict[str, list[Took]] = {"dense": [], "sparse": []}
    starts = [round((n_tokens - _STEP) * at / max(args.samples - 1, 1) / _STEP) * _STEP for at in range(args.samples)]
    _answer(backend, reading, sparse, 2)  # summaries of what was only filled in are made here, not in a timed step
    for start in reversed(starts):  # from the end: what is cut off needs no new summaries
        for one in (sparse, dense):  # dense last: its keys are those that stay
            reading.token_ids = ids[:start]
            took[one.attention].append(Took.by(partial(_read, backend, ids[: start + _STEP], reading, one)))
    reading.token_ids = list(ids)
    steps = {one.attention: _answer(backend, reading, one, args.decode) for one in (dense, sparse)}
    row: dict[str, Any] = {"length": n_tokens}
    for name, found in took.items():
        read = _along(found, n_tokens)
        if name == "sparse" and whole is not None:
            read = whole
        row |= {f"{name}_read_s": read.clock, f"{name}_read_processor_s": read.processor}
        row |= {f"{name}_question_s": steps[name][0].clock}
        later = steps[name][len(steps[name]) // 2 :]
        row |= {f"{name}_token_s": statistics.median(one.clock for one in later)}
        row |= {f"{name}_token_processor_s": statistics.median(one.processor for one in later)}
    for what in ("read_s", "read_processor_s", "token_s", "token_processor_s"):
        row[f"{what}_dense_over_sparse"] = row[f"dense_{what}"] / row[f"sparse_{what}"]
    return row | {"attention_held": recall}


def growth(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return how many times longer each side reads from one length to the next."""
    found = {}
    for before, after in itertools.pairwise(rows):
        for name in ("dense", "sparse"):
            what = f"{name} reading, {before['length']:,} to {after['length']:,} tokens"
            found[what] = after[f"{name}_read_processor_s"] / before[f"{name}_read_processor_s"]
    return found


def _read(backend: TransformerBackend, ids: Sequence[int], reading: Reading, plan: ReadingPlan) -> None:
    for _ in backend.prefill(ids, reading, plan, threading.Event()):
        pass


def _fill(backend: TransformerBackend, ids: list[int], reading: Reading, plan: ReadingPlan) -> None:
    """Read the beginning and let its keys and values stand for the rest."""
    seed = min(_SEED_TOKENS, len(ids))
    _read(backend, ids[:seed], reading, plan)
    for layer in reading.layers:
        for start in range(seed, len(ids), seed):
            layer.restore(start, layer.stored(0, min(seed, len(ids) - start)))
    reading.token_ids = list(ids)


def _answer(backend: TransformerBackend, reading: Reading, plan: ReadingPlan, n: int) -> list[Took]:
    """Return what each token of an answer took, the first with the question; the first answer warms up."""
    question = backend.tokenizer.encode(_QUESTION).ids
    found: list[Took] = []
    for _ in range(2):
        tokens = backend.decode(question, reading, plan, max_new_tokens=n, stop_ids=frozenset(), stop=threading.Event())
        found = [Took.by(partial(next, tokens)) for _ in range(n)]
    return found


def _along(found: Sequence[Took], n_tokens: int) -> Took:
    n_steps = n_tokens / _STEP
    total = sum(found[1:], start=found[0])
    return Took(total.clock / len(found) * n_steps, total.processor / len(found) * n_steps)


if __name__ == "__main__":
    main()
