"""LongDoc beside stock transformers and llama.cpp: reading, first words, decoding and memory by document length.

    python -m benchmarks.compare_engines [--lengths 2048,8192,32768,131072] [--engines stock,llama.cpp,dense,sparse]

The bundled reader's weights and one text on every side, each point in a process of its own, engines one after
the other at every length. Every engine runs in several variants (dtypes, attention kernels, batch sizes) and its
best figure of each kind counts; variants far from the best at one length are not tried at the next. Points are
stored as they are done: run the same command again to go on. A point over the time limit is fitted from the steps
it took, marked as extrapolated and left out of every ratio. llama.cpp needs `pip install -r requirements-bench.txt`.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from benchmarks.compare_machine import describe
from benchmarks.compare_plot import save_plot
from benchmarks.compare_results import FIGURES, Point, Results, extrapolated, lines
from benchmarks.compare_side import ENGINES, NOT_INSTALLED, VARIANTS

_ROOT = Path(__file__).resolve().parent.parent
_RESULTS = _ROOT / "benchmarks" / "results" / "compare_engines.json"
_PLOT = _ROOT / "assets" / "first_word.png"
_REPEATED_BELOW = 16_384  # shorter points take seconds and are run several times
_BEST_OF = (*FIGURES, "read_processor_s")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", default="2048,8192,32768,131072", help="prompt and answer, tokens")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--limit", type=float, default=3600, help="seconds a point may take")
    parser.add_argument("--repeats", type=int, default=3, help=f"runs of a point below {_REPEATED_BELOW:,} tokens")
    parser.add_argument("--answer", type=int, default=24, help="tokens of an answer")
    parser.add_argument("--threads", type=int, default=0, help="of every engine; 0: as many as there are cores")
    parser.add_argument("--results", type=Path, default=_RESULTS)
    parser.add_argument("--plot", type=Path, default=_PLOT)
    parser.add_argument("--again", action="store_true", help="measure points again that are stored")
    parser.add_argument("--show", action="store_true", help="print and draw what is stored, measure nothing")
    given = parser.parse_args(arguments)
    engines = given.engines.split(",")
    unknown = sorted(set(engines) - set(ENGINES))
    if unknown:
        parser.error(f"no engine called {', '.join(unknown)}; there are {', '.join(ENGINES)}")
    threads = given.threads or describe(0)["cores"]
    try:
        results = Results(given.results, describe(threads), {"answer_tokens": given.answer})
    except ValueError as error:
        parser.error(f"{error}; name another file with --results or delete it")
    if not given.show:
        for length in sorted(int(n) for n in given.lengths.split(",")):
            for engine in engines:
                for variant in results.in_the_race(engine, VARIANTS[engine], length):
                    stored = results.get(engine, variant, length)
                    if stored is None or given.again or stored["status"] in ("refused", "failed"):
                        print(f"{length:,} tokens, {engine}, {variant} ...", file=sys.stderr, flush=True)
                        results.put(point := measure(engine, variant, length, threads, given))
                        if point.get("reason", "").endswith(NOT_INSTALLED):
                            break  # no variant of it will run
    for line in lines(results):
        print(line)
    save_plot(results, given.plot)
    return 0


def measure(engine: str, variant: str, length: int, threads: int, given: argparse.Namespace) -> Point:
    """Return one point, the best of its repeats."""
    found: Point = {}
    for _ in range(given.repeats if length < _REPEATED_BELOW else 1):
        point = run_once(engine, variant, length, threads, given)
        if not found:
            found = point
        elif point["status"] == "measured":
            for name in _BEST_OF:
                if point.get(name) is not None:
                    found[name] = min(found[name], point[name])
        if point["status"] != "measured":
            return point
    return found


def run_once(engine: str, variant: str, length: int, threads: int, given: argparse.Namespace) -> Point:
    """Run both parts of a point in child processes, with one folder that is deleted afterwards."""
    point: Point = {
        "engine": engine,
        "variant": variant,
        "length": length,
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "load_before": os.getloadavg()[0],
    }
    with tempfile.TemporaryDirectory(prefix="longdoc-compare-") as folder:
        command = [sys.executable, "-m", "benchmarks.compare_child", engine, variant]
        command += ["--length", str(length), "--home", folder, "--threads", str(threads), "--answer", str(given.answer)]
        ended = child([*command, "--part", "first"], given.limit)
        point.update(outcome(ended, length))
        if point["status"] == "measured" and point["save_s"] is not None:
            ended = child([*command, "--part", "restart"], given.limit)
            point.update({**outcome(ended, length), "steps": point["steps"]})
    return point


def child(command: list[str], limit_s: float) -> dict[str, Any]:
    """Return {"events": [...], "timed_out": bool, "error": last line of stderr} of a child process."""
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}  # threads of all engines wait alike
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=_ROOT, env=environment
    ) as process:
        timed_out = threading.Event()

        def end() -> None:
            timed_out.set()
            process.kill()

        timer = threading.Timer(limit_s, end)
        timer.start()
        try:
            out, err = process.communicate()
        finally:
            timer.cancel()
    events = [json.loads(line) for line in out.splitlines() if line.startswith('{"event"') and line.endswith("}")]
    said = err.strip().splitlines()
    return {"events": events, "timed_out": timed_out.is_set(), "error": said[-1] if said else ""}


def outcome(ended: dict[str, Any], length: int) -> Point:
    """Return a child's figures and status."""
    steps = [(event["done"], event["seconds"]) for event in ended["events"] if event["event"] == "step"]
    last = ended["events"][-1] if ended["events"] else {"event": ""}
    if last["event"] == "done":
        return {"status": "measured", "steps": len(steps), **{k: v for k, v in last.items() if k != "event"}}
    if last["event"] == "refused":
        return {"status": "refused", "reason": last["reason"]}
    if not ended["timed_out"]:
        return {"status": "failed", "reason": ended["error"][:300]}
    done = steps[-1][0] if steps else 0
    seconds = extrapolated(steps, length)
    reason = f"the time limit ended it after {done:,} tokens"
    if seconds is None:
        return {"status": "failed", "reason": reason}
    return {"status": "extrapolated", "reason": reason, "read_s": seconds, "first_word_s": seconds, "steps": len(steps)}


if __name__ == "__main__":
    sys.exit(main())
