"""The engine on a GPU with keys and values in host memory: checks, reading, answering, beside what else there is.

    python -m benchmarks.gpu_engine --shape qwen2.5-7b --tokens 1000000 [--out FILE] [--pieces check,read,...]

Models have the shapes of Qwen2.5-7B or Llama-3.1-8B and random weights: time does not
depend on the values, and blocks are chosen by real scores all the same. Every piece is
kept in the output file as soon as it is done, so that a run that was cut short goes on
with what is missing. `--shape tiny --device cpu` exercises all of it without a GPU.

    check      packed attention, bounds and the block cache against float64
    read       reading everything with sparse attention
    decode     tokens of an answer, keys and values in pinned host memory
    offloaded  the same with transformers' DynamicCache(offloading=True)
    resident   128K tokens at most: dense attention with everything on the device, and sparse beside it
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers

from longdoc.attention.block_cache import BlockCache
from longdoc.attention.packed import attend_packed
from longdoc.attention.sparsity import BUDGET_TOKENS
from longdoc.attention.summaries import Summaries, bounds
from longdoc.backends.transformer import TransformerBackend
from longdoc.cache.segment import Buffer, LayerShape, Reading
from longdoc.files import atomic_write
from longdoc.packing import PromptFrame
from longdoc.types import ModelInfo, ReadingPlan

_STEP = 8192  # tokens
_QUESTION = 24
_RESIDENT_TOKENS = 131_072
_FILL_TOKENS = 8192  # written at once


@dataclass(frozen=True)
class Shape:
    """A model's sizes, as its configuration has them."""

    kind: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    vocabulary: int
    rope_theta: float


SHAPES = {
    "qwen2.5-7b": Shape("Qwen2", 3584, 28, 28, 4, 18944, 152_064, 1e6),
    "llama-3.1-8b": Shape("Llama", 4096, 32, 32, 8, 14336, 128_256, 5e5),
    "tiny": Shape("Qwen2", 64, 3, 4, 2, 96, 128, 1e4),
}


class Ids:
    """As much of a tokenizer as a backend needs that is only given ids."""

    fingerprint = "ids"
    vocab_size = 0


@dataclass(frozen=True)
class Bench:
    """One run's choices, and the model built for them."""

    shape: Shape
    device: torch.device
    n_tokens: int
    n_answer: int
    backend: TransformerBackend
    model: Any

    @property
    def plan(self) -> ReadingPlan:
        """Sparse attention, keys and values in host memory."""
        return ReadingPlan(
            "bench", self.n_tokens, 1 << 30, 1 << 30, "none", 1.0, "sparse", "ram", "bf16", _STEP, 0, None,
            "native", (), BUDGET_TOKENS,
        )  # fmt: skip

    def ids(self, n: int) -> list[int]:
        drawn = torch.randint(0, self.shape.vocabulary, (n,), generator=torch.Generator().manual_seed(n))
        return list(map(int, drawn))


def main(arguments: list[str] | None = None) -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="qwen2.5-7b")
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--answer", type=int, default=48, help="tokens to generate; the later half counts")
    parser.add_argument("--pieces", default=",".join(PIECES), help="separated by commas")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, default=Path("gpu_engine.json"))
    args = parser.parse_args(arguments)
    device = torch.device(args.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        sys.exit("There is no CUDA device here. Try --shape tiny --device cpu --tokens 4096 to see that it runs.")
    key = f"{args.shape} {args.tokens}"
    known = json.loads(args.out.read_text()) if args.out.exists() else {}
    results = known.setdefault(key, {})
    bench: Bench | None = None
    for piece in args.pieces.split(","):
        if piece not in results:
            bench = bench or build(SHAPES[args.shape], device, args.tokens, args.answer)
            results[piece] = PIECES[piece](bench)
            known["device"] = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
            atomic_write(args.out, json.dumps(known, indent=1).encode())
            _free()
        print(piece, json.dumps(results[piece]), flush=True)
    if "decode" in results and "token_s" in results.get("offloaded", {}):
        print(f"offloaded / ours: {results['offloaded']['token_s'] / results['decode']['token_s']:.1f}x")


def build(shape: Shape, device: torch.device, n_tokens: int, n_answer: int) -> Bench:
    """Make a random model on the device, in bfloat16 (float32 on a CPU)."""
    config_class = getattr(transformers, f"{shape.kind}Config")
    config = config_class(
        vocab_size=shape.vocabulary, hidden_size=shape.hidden, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads, intermediate_size=shape.intermediate,
        max_position_embeddings=1 << 21, tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
    )  # fmt: skip
    before = torch.get_default_dtype()
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float32 if device.type == "cpu" else torch.bfloat16)
    try:
        with device:
            model = getattr(transformers, f"{shape.kind}ForCausalLM")(config).eval()
    finally:
        torch.set_default_dtype(before)
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    info = ModelInfo(
        "bench", "transformer", None, f"{shape.kind}ForCausalLM", 1 << 21, 1 << 21, 0, shape.hidden // shape.heads,
        shape.layers, shape.heads, shape.kv_heads, n_parameters, 0, shape.rope_theta, dict(config.rope_parameters),
    )  # fmt: skip
    backend = TransformerBackend(model, info, Ids(), PromptFrame("chat", (), ()), ["random"])  # type: ignore[arg-type]  # it reads ids
    return Bench(shape, device, n_tokens, n_answer, backend, model)


def check(bench: Bench) -> dict[str, float]:
    """Return the largest differences from float64, of what the GPU path is made of."""
    shape, device, n = bench.shape, bench.device, 4096
    head_dim, group = shape.hidden // shape.heads, shape.heads // shape.kv_heads
    torch.manual_seed(1)
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    layer = Buffer(LayerShape(shape.kv_heads, head_dim, head_dim), n, dtype, device, home=torch.device("cpu"))
    layer.write(0, *torch.randn(2, shape.kv_heads, n, head_dim).to(dtype))
    query = torch.randn(shape.kv_heads, 2, group * 32, head_dim, device=device).to(dtype)
    blocks = torch.stack([torch.randperm(n // 64)[:16].sort().values for _ in range(shape.kv_heads)])
    cached = BlockCache(layer, 32, 64).gather(blocks.to(device))
    straight = layer.gather(blocks, 64)
    differ = max(float((a.float() - b.to(device).float()).abs().max()) for a, b in zip(cached, straight, strict=True))
    keys, values = (run.unsqueeze(1).expand(-1, 2, -1, -1).contiguous() for run in cached)
    found = attend_packed(query, keys, values, scale=head_dim**-0.5)
    scores = query.double() @ keys.double().transpose(2, 3) * head_dim**-0.5
    exact = torch.softmax(scores, -1) @ values.double()
    reading = Reading([layer.shape], n, dtype, device)
    reading.layers[0] = layer
    extremes = Summaries(reading, 64).of(reading, 0, n)
    limit = bounds(query[:, 0], extremes)
    every = query[:, 0].double() @ layer.run(0, n)[0].to(device).double().transpose(1, 2)
    over = every.view(*every.shape[:2], -1, 64).amax((1, 3)) - limit
    return {
        "attention_error": float((found.output.double() - exact).abs().max()),
        "lse_error": float((found.lse.double() - torch.logsumexp(scores, -1)).abs().max()),
        "block_cache_error": differ,
        "scores_above_bound": float((over / limit.abs().clamp(min=1)).max()),  # rounding of the bound at most
    }


def read(bench: Bench) -> dict[str, float]:
    """Time reading all tokens with sparse attention, on the device where they fit."""
    n, ids, kv_bytes = bench.n_tokens, bench.ids(bench.n_tokens), _kv_bytes(bench.shape, bench.n_tokens)
    room = torch.cuda.mem_get_info(bench.device)[0] if bench.device.type == "cuda" else 1 << 62
    plan = replace(bench.plan, cache_tier="device" if kv_bytes + (8 << 30) < room else "ram")
    reading = bench.backend.new_cache(plan, n)
    began = time.perf_counter()
    for _ in bench.backend.prefill(ids, reading, plan, threading.Event()):
        print(f"\r{reading.n_tokens:,} tokens", end="", file=sys.stderr, flush=True)
    _wait(bench)
    print(file=sys.stderr)
    seconds = time.perf_counter() - began
    return {"read_s": seconds, "tokens_per_s": n / seconds, "on_device": plan.cache_tier == "device"}


def decode(bench: Bench) -> dict[str, float]:
    """Time an answer on top of random keys and values in host memory."""
    reading = bench.backend.new_cache(bench.plan, bench.n_tokens)
    _fill(bench, reading, bench.n_tokens)
    return _answer(bench, reading, bench.plan)


def offloaded(bench: Bench) -> dict[str, Any]:
    """Time the same with transformers' offloaded cache."""
    if bench.device.type != "cuda":
        return {"skipped": "transformers offloads to the host from CUDA only"}
    cache = transformers.DynamicCache(config=bench.model.config, offloading=True)
    head_dim = bench.shape.hidden // bench.shape.heads
    for layer in range(bench.shape.layers):
        keys = torch.randn(1, bench.shape.kv_heads, bench.n_tokens, head_dim, device=bench.device, dtype=torch.bfloat16)
        cache.update(keys, keys.clone(), layer)
        del keys
    bench.model.set_attn_implementation("sdpa")
    try:
        with torch.inference_mode():
            ids = torch.tensor([[1]], device=bench.device)
            run = partial(bench.model, input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
            took = [_timed(bench, run) for _ in range(4)]
    finally:
        bench.model.set_attn_implementation("longdoc")
    return {"token_s": statistics.median(took[1:]), "tokens_per_s": 1 / statistics.median(took[1:])}


def resident(bench: Bench) -> dict[str, float]:
    """Time dense and sparse answers with everything on the device."""
    n = min(bench.n_tokens, _RESIDENT_TOKENS)
    sparse = replace(bench.plan, cache_tier="device", n_tokens=n)
    reading = bench.backend.new_cache(sparse, n)
    _fill(bench, reading, n)
    dense = _answer(bench, reading, replace(sparse, attention="dense", attention_budget=0))
    ours = _answer(bench, reading, sparse)
    ratio = dense["token_s"] / ours["token_s"]
    return {
        "tokens": n,
        "dense_token_s": dense["token_s"],
        "sparse_token_s": ours["token_s"],
        "dense_over_sparse": ratio,
    }


PIECES: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "check": check, "read": read, "decode": decode, "offloaded": offloaded, "resident": resident,
}  # fmt: skip


def _answer(bench: Bench, reading: Reading, plan: ReadingPlan) -> dict[str, float]:
    """Return the figures of a second answer; the first warms up."""
    found: list[float] = []
    for _ in range(2):
        question, stop = bench.ids(_QUESTION), threading.Event()
        tokens = bench.backend.decode(
            question, reading, plan, max_new_tokens=bench.n_answer, stop_ids=frozenset(), stop=stop
        )
        found = [_timed(bench, partial(next, tokens)) for _ in range(bench.n_answer)]
    token_s = statistics.median(found[len(found) // 2 :])
    return {"first_word_s": found[0], "token_s": token_s, "tokens_per_s": 1 / token_s}


def _fill(bench: Bench, reading: Reading, n_tokens: int) -> None:
    """Write random keys and values, made on the device, wherever the reading keeps them."""
    for layer in reading.layers:
        for start in range(0, n_tokens, _FILL_TOKENS):
            n = min(_FILL_TOKENS, n_tokens - start)
            made = torch.randn(2, layer.shape.num_kv_heads, n, layer.shape.key_dim, device=bench.device)
            layer.write(start, *made.to(reading.dtype))
    reading.commit(bench.ids(n_tokens))


def _kv_bytes(shape: Shape, n_tokens: int) -> int:
    return 2 * 2 * shape.layers * shape.kv_heads * (shape.hidden // shape.heads) * n_tokens


def _timed(bench: Bench, work: Callable[[], Any]) -> float:
    _wait(bench)
    began = time.perf_counter()
    work()
    _wait(bench)
    return time.perf_counter() - began


def _wait(bench: Bench) -> None:
    if bench.device.type == "cuda":
        torch.cuda.synchronize(bench.device)


def _free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
