"""Reading and answering speed of the engine against stock transformers, as ratios of one run.

    python benchmarks/engine_speed.py --lengths 2048,16384,32768 --json

Weights are random in the bundled reader's shape: time does not depend on their
values. Both sides take steps of the same size on the same threads, one after the
other at every length, so that whatever else the machine does falls on both.
Stock is `DynamicCache` with SDPA attention, in float32 and in bfloat16. Steps are
timed at `--samples` places over a cache that holds as many tokens as there would
be, and added up along the text: a step's time grows evenly with its position.
Seconds are given by the clock and by the processor; on a busy machine the second
is the fairer one, with `--threads 1`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from transformers import DynamicCache, Qwen3Config, Qwen3ForCausalLM

from longdoc.backends.frames import frame_of
from longdoc.backends.transformer import TransformerBackend
from longdoc.cache.segment import Reading
from longdoc.positions import factor_for
from longdoc.tokens import TextTokenizer
from longdoc.types import ModelInfo, ReadingPlan

_READER = Path(__file__).resolve().parent.parent / "models" / "reader"
_NATIVE = 2048
_QUESTION = 24  # tokens
_LAYERS, _HEADS, _KV_HEADS, _HEAD_DIM = 6, 6, 2, 64


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


def main() -> None:
    """Print one row a length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", default="2048,16384,32768")
    parser.add_argument("--samples", type=int, default=3, help="steps timed along the text; 0 times every one")
    parser.add_argument("--step", type=int, default=1024, help="tokens a prefill step")
    parser.add_argument(
        "--decode", type=int, default=24, help="tokens to generate; the median of the later half counts"
    )
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--methods", default="none", help="position methods of the engine's side")
    parser.add_argument("--stock", default="float32,bfloat16", help="dtypes of the other side; empty for none")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    rows = [row for n in args.lengths.split(",") for row in measure(int(n), args)]
    if args.json:
        print(json.dumps({"threads": torch.get_num_threads(), "step": args.step, "rows": rows}))
        return
    for row in rows:
        print(
            "  ".join(f"{key} {value:,.4g}" if isinstance(value, float) else str(value) for key, value in row.items())
        )


def measure(n_tokens: int, args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the rows of one length: the engine's methods, then stock with its ratios to the first of them."""
    ids = torch.randint(9, 8192, (n_tokens,), generator=torch.Generator().manual_seed(n_tokens)).tolist()
    first: dict[str, Any] | None = None
    for method in args.methods.split(","):
        row = {"side": f"longdoc {method}", "length": n_tokens, **engine_side(ids, method, args)}
        if first is not None:
            row["read_over_first"] = row["read_processor_s"] / first["read_processor_s"]
        first = first or row
        yield row
    assert first is not None
    for dtype in filter(None, args.stock.split(",")):
        row = {"side": f"transformers {dtype}", "length": n_tokens, **stock_side(getattr(torch, dtype), ids, args)}
        for key in ("read_s", "read_processor_s", "first_word_s", "token_s", "token_processor_s"):
            row[f"{key[:-2]}_ratio"] = row[key] / first[key]
        yield row


def build(dtype: torch.dtype) -> Any:
    """Return a random model of the reader's shape."""
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=8192,
        hidden_size=320,
        num_hidden_layers=_LAYERS,
        num_attention_heads=_HEADS,
        num_key_value_heads=_KV_HEADS,
        head_dim=_HEAD_DIM,
        intermediate_size=896,
        tie_word_embeddings=True,
        max_position_embeddings=_NATIVE,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )
    return Qwen3ForCausalLM(config).to(dtype).eval()


def model_info(model: Any) -> ModelInfo:
    """Return what a catalogue would say of such a model."""
    return ModelInfo(
        name="speed",
        kind="transformer",
        folder=None,
        architecture="Qwen3ForCausalLM",
        native_context=_NATIVE,
        window=64 * _NATIVE,
        tested_context=0,
        head_dim=_HEAD_DIM,
        num_layers=_LAYERS,
        num_heads=_HEADS,
        num_kv_heads=_KV_HEADS,
        n_parameters=sum(parameter.numel() for parameter in model.parameters()),
        weight_bytes=0,
        rope_theta=10000.0,
        rope_parameters=dict(model.config.rope_parameters),
    )


def engine_side(ids: list[int], method: str, args: argparse.Namespace) -> dict[str, float]:
    """Read and answer with the engine; evidence on, as in use."""
    model = build(torch.float32)
    tokenizer = TextTokenizer.from_folder(_READER)
    info = model_info(model)
    backend = TransformerBackend(model, info, tokenizer, frame_of(_READER, tokenizer), ["random"])
    n, factor = len(ids), factor_for(method, info, len(ids))
    plan = ReadingPlan(
        "speed", n, _NATIVE, info.window, method, factor, "dense", "ram", "bf16", args.step, 0, None, "native", ()
    )
    stop, reading = threading.Event(), backend.new_cache(plan, n)
    for layer in reading.layers:
        layer.keys.normal_()
        layer.values.normal_()

    def prepare(start: int) -> Callable[[], Any]:
        _pretend(reading, ids[:start])
        return lambda: list(backend.prefill(ids[: start + args.step], reading, plan, stop))

    took = along(n, args, prepare)
    _pretend(reading, ids)
    found: list[Took] = []
    for _ in range(2):  # the first answer warms up
        tokens = backend.decode(
            ids[:_QUESTION], reading, plan, max_new_tokens=args.decode, stop_ids=frozenset(), stop=stop
        )
        found = [Took.by(partial(next, tokens)) for _ in range(args.decode)]
    backend.close()
    return figures(n, took, found)


def _pretend(reading: Reading, ids: Sequence[int]) -> None:
    """Declare the random keys and values of the first tokens read."""
    reading.token_ids = list(ids)


@torch.inference_mode()
def stock_side(dtype: torch.dtype, ids: list[int], args: argparse.Namespace) -> dict[str, float]:
    """Read in the same steps and answer greedily with the library's own cache and attention."""
    model = build(dtype)

    def holding(n_tokens: int) -> Any:
        cache = DynamicCache(config=model.config)
        for layer in range(_LAYERS if n_tokens else 0):
            keys, values = torch.randn(2, 1, _KV_HEADS, n_tokens, _HEAD_DIM).to(dtype)
            cache.update(keys, values, layer)
        return cache

    def run(tokens: list[int], cache: Any) -> int:
        out = model(input_ids=torch.tensor([tokens]), past_key_values=cache, use_cache=True, logits_to_keep=1)
        return int(out.logits[0, -1].argmax())

    def prepare(start: int) -> Callable[[], Any]:
        cache = holding(start)
        return lambda: run(ids[start : start + args.step], cache)

    took = along(len(ids), args, prepare)
    found: list[Took] = []
    for _ in range(2):
        cache, piece, found = holding(len(ids)), ids[:_QUESTION], []
        for _ in range(args.decode):
            found.append(Took.by(partial(run, piece, cache)))
            piece = ids[:1]
    return figures(len(ids), took, found)


def places(n_tokens: int, args: argparse.Namespace) -> list[int]:
    """Return where steps begin that are timed."""
    last = max(n_tokens - args.step, 0)
    if not args.samples:
        return list(range(0, n_tokens, args.step))
    count = max(min(args.samples, last // args.step + 1), 1)
    return [round(last * at / max(count - 1, 1) / args.step) * args.step for at in range(count)]


def along(n_tokens: int, args: argparse.Namespace, prepare: Callable[[int], Callable[[], Any]]) -> Took:
    """Return what all steps of a text take, from those at `places`."""
    starts = places(n_tokens, args)
    prepare(starts[0])()  # warm up
    found = [Took.by(prepare(start)) for start in starts]
    n_steps = -(-n_tokens // args.step)
    return Took(
        n_steps * statistics.fmean(took.clock for took in found),
        n_steps * statistics.fmean(took.processor for took in found),
    )


def figures(n_tokens: int, read: Took, tokens: Sequence[Took]) -> dict[str, float]:
    """Return one side's figures; the first token includes reading the question."""
    later = tokens[len(tokens) // 2 :]
    return {
        "read_s": read.clock,
        "read_processor_s": read.processor,
        "read_tokens_per_s": n_tokens / read.clock,
        "first_word_s": tokens[0].clock,
        "token_s": statistics.median(took.clock for took in later),
        "token_processor_s": statistics.median(took.processor for took in later),
    }


if __name__ == "__main__":
    main()
