"""Reading and answering speed of the engine against stock transformers, as ratios of one run.

    python benchmarks/engine_speed.py --lengths 2048,16384,32768 --json

Weights are random in the bundled reader's shape: time does not depend on their
values. Both sides read the same tokens in steps of the same size on the same
threads, one after the other at every length, so that whatever else the machine
does falls on both. Stock is `DynamicCache` with SDPA attention, in float32 and in
bfloat16.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import DynamicCache, Qwen3Config, Qwen3ForCausalLM

from longdoc.backends.frames import frame_of
from longdoc.backends.transformer import TransformerBackend
from longdoc.tokens import TextTokenizer
from longdoc.types import ModelInfo, ReadingPlan

_READER = Path(__file__).resolve().parent.parent / "models" / "reader"
_NATIVE = 2048


def main() -> None:
    """Print one row a length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", default="2048,16384,32768")
    parser.add_argument("--step", type=int, default=1024, help="tokens a prefill step")
    parser.add_argument("--decode", type=int, default=24, help="tokens to generate; the median of the later half counts")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--method", default="none", help="position method of the engine's side")
    parser.add_argument("--no-stock", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    rows = [measure(int(n), args) for n in args.lengths.split(",")]
    if args.json:
        print(json.dumps({"threads": torch.get_num_threads(), "rows": rows}))
    else:
        for row in rows:
            print("  ".join(f"{key} {value:,.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()))


def build(dtype: torch.dtype) -> Any:
    """Return a random model of the reader's shape."""
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=8192,
        hidden_size=320,
        num_hidden_layers=6,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=64,
        intermediate_size=896,
        tie_word_embeddings=True,
        max_position_embeddings=_NATIVE,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )
    return Qwen3ForCausalLM(config).to(dtype).eval()


def measure(n_tokens: int, args: argparse.Namespace) -> dict[str, Any]:
    """Return one row of the table."""
    ids = torch.randint(9, 8192, (n_tokens,), generator=torch.Generator().manual_seed(n_tokens)).tolist()
    question = ids[:24]
    row: dict[str, Any] = {"length": n_tokens}
    ours = engine_side(ids, question, args)
    row |= {f"ours_{key}": value for key, value in ours.items()}
    if not args.no_stock:
        for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
            stock = stock_side(build(dtype), ids, question, args)
            row |= {f"stock_{name}_{key}": value for key, value in stock.items()}
            row[f"read_ratio_{name}"] = stock["read_s"] / ours["read_s"]
            row[f"decode_ratio_{name}"] = stock["token_s"] / ours["token_s"]
    return row


def engine_side(ids: list[int], question: list[int], args: argparse.Namespace) -> dict[str, float]:
    """Read and answer with the engine; evidence on, as in use."""
    model = build(torch.float32)
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    tokenizer = TextTokenizer.from_folder(_READER)
    rope = dict(model.config.rope_parameters)
    info = ModelInfo(
        "speed", "transformer", None, "Qwen3ForCausalLM", _NATIVE, 64 * _NATIVE, 0, 64, 6, 6, 2, n_parameters, 0, 10000.0, rope
    )
    backend = TransformerBackend(model, info, tokenizer, frame_of(_READER, tokenizer), ["random"])
    factor = 1.0 if args.method in ("none", "string") else max(1.0, float(2 ** ((len(ids) - 1) // _NATIVE).bit_length()))
    plan = ReadingPlan(
        "speed", len(ids), _NATIVE, 64 * _NATIVE, args.method, factor, "dense", "ram", "bf16", args.step, 0, None, "native", ()
    )
    reading, stop = backend.new_cache(plan, len(ids)), threading.Event()
    read_s = timed(lambda: [None for _ in backend.prefill(ids, reading, plan, stop)])

    def answer() -> list[float]:
        return stamps(
            backend.decode(question, reading, plan, max_new_tokens=args.decode, stop_ids=frozenset(), stop=stop)
        )

    answer()
    times = answer()
    return {"read_s": read_s, "read_tokens_per_s": len(ids) / read_s, "first_word_s": times[0], "token_s": later(times)}


@torch.inference_mode()
def stock_side(model: Any, ids: list[int], question: list[int], args: argparse.Namespace) -> dict[str, float]:
    """Read in the same steps and answer greedily with the library's own cache and attention."""
    cache = DynamicCache(config=model.config)

    def read(tokens: list[int]) -> Any:
        for start in range(0, len(tokens), args.step):
            piece = torch.tensor([tokens[start : start + args.step]])
            out = model(input_ids=piece, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return out.logits[0, -1].argmax().item()

    read_s = timed(lambda: read(ids))
    began, times, token = time.perf_counter(), [], read(question)
    for _ in range(args.decode):
        times.append(time.perf_counter() - began)
        began, token = time.perf_counter(), read([token])
    return {"read_s": read_s, "read_tokens_per_s": len(ids) / read_s, "first_word_s": times[0], "token_s": later(times)}


def timed(work: Callable[[], Any]) -> float:
    """Return the seconds that `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def stamps(tokens: Any) -> list[float]:
    """Return the seconds before each item of an iterator."""
    times, began = [], time.perf_counter()
    for _ in tokens:
        now = time.perf_counter()
        times.append(now - began)
        began = now
    return times


def later(times: list[float]) -> float:
    """Return the median of the later half."""
    return statistics.median(times[len(times) // 2 :])


if __name__ == "__main__":
    sys.exit(main())
