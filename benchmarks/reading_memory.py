"""How much memory reading takes on each tier, beside the weights.

    python -m benchmarks.reading_memory [--tokens 32768,131072] [--tiers ram,disk] [--kv-dtype bf16]
                                        [--attention dense] [--model reader] [--step N] [--json]

Reads made-up tokens through the engine, saving included, each tier in a process and a
library of its own. "Above weights" is the peak of anonymous memory while reading, less
what the process held with the model loaded; "left" is the same after the reading was
dropped. Pages of mapped files are not anonymous: the system takes them back when it
needs them ("mapped" is their peak). Goal: at most 1 GB above weights for 128K tokens on
the disk tier, whatever the length.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from longdoc.engine import Engine
from longdoc.planning.memory import anonymous_bytes, kv_bytes
from longdoc.settings import load_settings
from longdoc.types import Progress, Prompt, Region

_ORDINARY_IDS = range(300, 4000)  # of the bundled reader: words, no special tokens


def measure(args: argparse.Namespace, n_tokens: int, tier: str) -> dict[str, Any]:
    """Read in this process and return its row."""
    settings = load_settings()
    mapped = 0

    def watch(progress: Progress) -> None:
        nonlocal mapped
        mapped = max(mapped, file_bytes())

    with Engine(settings) as engine:
        info = engine.backend(args.model).info
        prompt = made_up(n_tokens)
        plan = engine.plan(args.model, prompt, tier=tier, kv_dtype=args.kv_dtype, attention=args.attention)
        plan = replace(plan, prefill_step=args.step or plan.prefill_step)
        engine.read(args.model, made_up(64), replace(plan, n_tokens=64))  # the first pass sets up what all need
        engine.release()
        gc.collect()
        before, before_mapped = anonymous_bytes(), file_bytes()
        usage = engine.read(args.model, prompt, plan, threading.Event(), watch)
        engine.release()
        gc.collect()
        return {
            "tokens": n_tokens,
            "tier": tier,
            "kv_dtype": plan.kv_dtype,
            "attention": plan.attention,
            "kv_bytes": kv_bytes(info, n_tokens, plan.kv_dtype),
            "with_weights_bytes": before,
            "above_weights_bytes": usage.peak_bytes - before,
            "left_bytes": anonymous_bytes() - before,
            "mapped_bytes": mapped - before_mapped,
            "read_s": usage.read_s,
        }


def made_up(n_tokens: int) -> Prompt:
    """Return a prompt of so many document tokens and a short question."""
    ids = tuple(_ORDINARY_IDS[i * 7919 % len(_ORDINARY_IDS)] for i in range(n_tokens + 8))
    regions = (Region("document", (0, n_tokens), "made-up", 0), Region("question", (n_tokens, n_tokens + 8)))
    return Prompt(ids, regions, (), n_tokens)


def file_bytes() -> int:
    """Return the resident pages of this process that files back; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssFile:"))
    except (OSError, StopIteration, ValueError):
        return 0


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory that reading takes on each tier.")
    parser.add_argument("--tokens", default="32768", help="lengths, separated by commas")
    parser.add_argument("--tiers", default="ram,disk")
    parser.add_argument("--kv-dtype", default="bf16")
    parser.add_argument("--attention", default="dense")
    parser.add_argument("--model", default="reader")
    parser.add_argument("--step", type=int, default=0, help="most tokens of a step; 0: as planned")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", nargs=2, metavar=("TOKENS", "TIER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args, int(args.one[0]), args.one[1])))
        return
    rows = []
    if not args.json:
        print(f"{'tokens':>8} {'tier':6} {'kept as':10} {'keys and values':>15} {'above weights':>14}", end="")
        print(f" {'left':>8} {'mapped':>9} {'reading':>9}")
    for n_tokens in map(int, args.tokens.split(",")):
        for tier in args.tiers.split(","):
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-m", "benchmarks.reading_memory", *sys.argv[1:], "--one"]
                environment = {**os.environ, "LONGDOC_HOME": folder}
                done = subprocess.run(
                    [*command, str(n_tokens), tier], env=environment, check=True, stdout=subprocess.PIPE
                )
            row = json.loads(done.stdout.splitlines()[-1])
            rows.append(row)
            if not args.json:
                print(
                    f"{row['tokens']:>8,} {row['tier']:6} {row['kv_dtype']:10} {_mb(row['kv_bytes']):>15} "
                    f"{_mb(row['above_weights_bytes']):>14} {_mb(row['left_bytes']):>8} {_mb(row['mapped_bytes']):>9} "
                    f"{row['read_s']:>7.1f} s",
                    flush=True,
                )
    if args.json:
        print(json.dumps({"rows": rows}))


def _mb(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.0f} MB"


if __name__ == "__main__":
    main()
