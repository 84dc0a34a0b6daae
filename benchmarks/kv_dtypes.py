"""What each form of keys and values costs in accuracy on a real text.

    python -m benchmarks.kv_dtypes [--tokens 2048] [--forms bf16,fp8,int8,int8/bf16] [--model reader] [--json]

Scores the beginning of the sample chronicle, every token from all before it, with keys and
values kept exactly (float32) and in each form. "Worse" is how much less likely, in nats a
token, the text becomes; "moved" the mean change of a token's log-probability either way.
Needle accuracy of a form: longdoc evaluate needle does not take one yet.
"""

from __future__ import annotations

import argparse
import json
import threading
from dataclasses import replace
from pathlib import Path

from longdoc.backends.transformer import TransformerBackend, load
from longdoc.cache.kv_dtypes import parse
from longdoc.planning import make_plan
from longdoc.planning.memory import kv_bytes
from longdoc.settings import load_settings
from longdoc.types import ReadingPlan

CHRONICLE = Path(__file__).parent.parent / "assets" / "samples" / "chronicle.txt"


def scores(backend: TransformerBackend, ids: list[int], plan: ReadingPlan) -> list[float]:
    """Return the natural log-probability of every token but the first."""
    return [value for step in backend.score(ids, plan, threading.Event()) for value in step]


def main() -> None:
    parser = argparse.ArgumentParser(description="Accuracy that each form of keys and values costs.")
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--forms", default="bf16,fp8,int8,int8/bf16,bf16/int8")
    parser.add_argument("--model", default="reader")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    settings = load_settings()
    backend = load(args.model, settings)
    ids = backend.tokenizer.ids(CHRONICLE.read_text()[: args.tokens * 8])[: args.tokens]
    plan = make_plan(backend.info, len(ids), settings=settings, attention="dense", tier="ram")
    exact = scores(backend, ids, replace(plan, kv_dtype="float32"))
    rows = []
    for form in map(parse, args.forms.split(",")):
        found = scores(backend, ids, replace(plan, kv_dtype=form.name))
        changes = [a - b for a, b in zip(exact, found, strict=True)]
        rows.append(
            {
                "form": form.name,
                "token_bytes": kv_bytes(backend.info, 1, form.name),
                "worse_nats": sum(changes) / len(changes),
                "moved_nats": sum(map(abs, changes)) / len(changes),
                "most_nats": max(map(abs, changes)),
            }
        )
    if args.json:
        print(json.dumps({"model": args.model, "tokens": len(ids), "rows": rows}))
        return
    print(f"{args.model}, {len(ids):,} tokens, {-sum(exact) / len(exact):.4f} nats a token when kept exactly")
    print(f"{'kept as':10} {'bytes a token':>13} {'worse':>9} {'moved':>8} {'most':>7}")
    for row in rows:
        print(
            f"{row['form']:10} {row['token_bytes']:>13,} {row['worse_nats']:>+9.5f} {row['moved_nats']:>8.5f} "
            f"{row['most_nats']:>7.3f}"
        )


if __name__ == "__main__":
    main()
