"""One side at one length, in a process of its own: what `compare_engines` starts for every point.

    python -m benchmarks.compare_child ENGINE VARIANT --length N --home FOLDER --part first|restart

Prints one JSON object a line: {"event": "step", ...} while a document is read, then "done" with all figures,
or "refused" with the reason. `first` reads and asks three times; `restart` asks once on what `first` kept.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.compare_side import ENGINES, NOT_INSTALLED, Asked, Side, make
from benchmarks.compare_text import Task, task
from longdoc.engine.progress import PeakMemory
from longdoc.errors import LongDocError
from longdoc.planning.memory import anonymous_bytes

_WARM_UP_TOKENS = 300


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("variant")
    parser.add_argument("--length", type=int, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--part", choices=("first", "restart"), default="first")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--answer", type=int, default=24, help="tokens of an answer")
    given = parser.parse_args()
    given.home.mkdir(parents=True, exist_ok=True)
    try:
        side = make(given.engine, given.variant, given.home, given.threads, given.length)
        wanted = task(given.length, given.answer)
        side.load()
        # The first products of a process choose kernels and take memory; nobody is to pay for that in a figure.
        side.ask(wanted.document[:_WARM_UP_TOKENS], wanted.questions[0], wanted.answer[:3], _silent, keep=False)
        told = first(side, wanted) if given.part == "first" else restart(side, wanted)
        side.close()
    except LongDocError as error:
        tell("refused", reason=str(error))
    except ImportError as error:
        tell("refused", reason=f"{error.name or error} {NOT_INSTALLED}")
    else:
        tell("done", **told)
    return 0


def first(side: Side, wanted: Task) -> dict[str, Any]:
    """Read and ask, ask twice more, and keep."""
    loaded = anonymous_bytes()
    with PeakMemory() as peak:
        began = time.process_time()
        read_processor_s = 0.0

        def step(done: int) -> None:
            nonlocal read_processor_s
            read_processor_s = time.process_time() - began
            tell("step", done=done, seconds=time.perf_counter() - clock)

        clock = time.perf_counter()
        one = side.ask(wanted.document, wanted.questions[0], wanted.answer, step)
        again = [side.ask(wanted.document, question, wanted.answer, _silent) for question in wanted.questions[1:]]
        _check(again, wanted)
    return {
        "read_s": one.read_s,
        "read_processor_s": read_processor_s,
        "first_word_s": one.first_word_s,
        "follow_up_s": min(asked.first_word_s for asked in again),
        "token_s": token_s([one, *again]),
        "first_tokens": [one.first_token, *(asked.first_token for asked in again)],
        "loaded_bytes": loaded,
        "peak_bytes": peak.peak_bytes,
        "save_s": side.kept(wanted.document),
        "about": one.about,
    }


def restart(side: Side, wanted: Task) -> dict[str, Any]:
    """Ask on what another process kept."""
    restored = side.restored(wanted.document)
    asked = side.ask(wanted.document, wanted.questions[-1], wanted.answer, _silent)
    _check([asked], wanted)
    return {"restart_s": restored + asked.first_word_s, "restart_first_token": asked.first_token}


def token_s(answers: Sequence[Asked]) -> float:
    """Return the median step of the later half of each answer, the best answer counted."""
    return min(statistics.median(asked.token_s[len(asked.token_s) // 2 :]) for asked in answers)


def _check(answers: Sequence[Asked], wanted: Task) -> None:
    """Raise LongDocError when a follow-up read the document again: its time would be another figure's."""
    for asked in answers:
        if asked.cached_tokens != len(wanted.document):
            raise LongDocError(f"Only {asked.cached_tokens:,} of {len(wanted.document):,} tokens were still held.")


def tell(event: str, **figures: Any) -> None:
    print(json.dumps({"event": event, **figures}), flush=True)


def _silent(done: int) -> None:
    pass


if __name__ == "__main__":
    sys.exit(main())
