"""What each position method costs over plain dense attention, as ratios of one run.

    python -m benchmarks.position_cost [--length 16384] [--threads 2] [--json]

Weights are random in the bundled reader's shape: time does not depend on their values.
A document of `--length` tokens counts as read; timed are a reading step at its end, the
first answer token on the cached document (the question is read for it) and each later
one, evidence on, as in use. Methods take turns, round after round, and each figure is
the median of its rounds over that of `none`, so whatever else the machine does falls on
all alike. Seconds are the processor's: the clock also counts waiting for others.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from benchmarks.engine_speed import _NATIVE, _READER, build, model_info
from longdoc.backends.frames import frame_of
from longdoc.backends.transformer import TransformerBackend
from longdoc.cache.segment import Reading
from longdoc.positions import METHODS, factor_for
from longdoc.tokens import TextTokenizer
from longdoc.types import ReadingPlan

_QUESTION = 24  # tokens
_SHOWN = {"read": "a reading step", "first": "first token", "later": "later tokens"}


def main() -> None:
    """Print one row a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--length", type=int, default=16384, help="tokens of the document")
    parser.add_argument("--step", type=int, default=512, help="tokens of a reading step")
    parser.add_argument("--tokens", type=int, default=8, help="answer tokens timed a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--methods", default=",".join(METHODS), help="none comes first in any case")
    parser.add_argument(
        "--clock", action="store_true", help="seconds of the clock, on a machine that does nothing else"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = measure(options)
    if options.json:
        json.dump({"length": options.length, "threads": options.threads, "rows": rows}, sys.stdout)
        print()
        return
    print(f"{options.length:,} tokens, {options.threads} threads; milliseconds of none, ratios to it below")
    print(f"{'method':14}" + "".join(f"{shown:>18}" for shown in _SHOWN.values()))
    for row in rows:
        figures = [row[f"{kind}_ms"] if row["method"] == "none" else row[f"{kind}_ratio"] for kind in _SHOWN]
        print(f"{row['method']:14}" + "".join(f"{figure:18.2f}" for figure in figures))


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return a row for each method: milliseconds and their ratio to those of `none`."""
    model = build(torch.float32)
    info, tokenizer = model_info(model), TextTokenizer.from_folder(_READER)
    backend = TransformerBackend(model, info, tokenizer, frame_of(_READER, tokenizer), ["random"])
    ids = torch.randint(9, 8192, (options.length,), generator=torch.Generator().manual_seed(1)).tolist()
    methods = ["none", *(name for name in options.methods.split(",") if name != "none")]
    plans = {name: _plan(name, factor_for(name, info, options.length), options) for name in methods}
    reading = backend.new_cache(plans["none"], options.length)
    for layer in reading.layers:
        layer.write(0, *torch.randn(2, reading.shapes[0].num_kv_heads, options.length, reading.shapes[0].key_dim))
    now = time.perf_counter if options.clock else time.process_time
    took: dict[str, dict[str, list[float]]] = {name: {kind: [] for kind in _SHOWN} for name in methods}
    for turn in range(options.rounds + 1):
        for name in methods:
            found = _one(backend, reading, ids, plans[name], options, now)
            if turn:  # the first warms up
                for kind, seconds in found.items():
                    took[name][kind].append(seconds)
    rows = []
    for name in methods:
        row: dict[str, Any] = {"method": name, "factor": plans[name].factor}
        for kind in _SHOWN:
            # Of each round: what slows a stretch of time slows both.
            pairs = zip(took[name][kind], took["none"][kind], strict=True)
            row[f"{kind}_ms"] = 1000 * statistics.median(took[name][kind])
            row[f"{kind}_ratio"] = statistics.median(ours / plain for ours, plain in pairs)
        rows.append(row)
    return rows


def _one(
    backend: TransformerBackend,
    reading: Reading,
    ids: list[int],
    plan: ReadingPlan,
    options: argparse.Namespace,
    now: Callable[[], float],
) -> dict[str, float]:
    """Return seconds of one method's reading step, first token and later tokens."""

    def timed(work: Callable[[], Any]) -> float:
        began = now()
        work()
        return now() - began

    stop = threading.Event()
    reading.truncate(0)
    reading.commit(ids[: options.length - options.step])
    read = timed(lambda: list(backend.prefill(ids, reading, plan, stop)))
    tokens = backend.decode(
        ids[:_QUESTION], reading, plan, max_new_tokens=options.tokens + 1, stop_ids=frozenset(), stop=stop
    )
    first = timed(partial(next, tokens))
    later = timed(lambda: list(tokens)) / options.tokens
    return {"read": read, "first": first, "later": later}


def _plan(method: str, factor: float, options: argparse.Namespace) -> ReadingPlan:
    return ReadingPlan(
        "cost", options.length, _NATIVE, 1 << 20, method, factor, "dense", "ram", "bf16", options.step,
        0, None, "native", (),
    )  # fmt: skip


if __name__ == "__main__":
    main()
