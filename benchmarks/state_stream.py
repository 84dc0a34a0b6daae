"""A long stream through a state-space model: memory stays flat, and a restored state goes on exactly.

    python -m benchmarks.state_stream --tokens 1000000

A tiny Mamba-2 of random weights is saved as a model folder, loaded as any model, and
reads random tokens in steps. Anonymous memory is sampled after every step once the
first twentieth is read. Near the end the state is kept, saved in a cache folder and
restored into an empty reading, which then reads the rest again: both end in the same
state, compared bit by bit. What the figures say of answers: nothing, the weights are
random.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from longdoc.backends.state_space import StateSpaceBackend, load
from longdoc.cache.disk import DiskCache
from longdoc.cache.segment import Reading
from longdoc.cache.writer import open_writer, plan_entry
from longdoc.planning import make_plan
from longdoc.planning.memory import anonymous_bytes
from longdoc.settings import Settings
from longdoc.types import ReadingPlan

READER = Path(__file__).resolve().parents[1] / "models" / "reader"
REST_TOKENS = 20_000  # read again from the restored state
MOST_GROWTH = 0.05
Stop = threading.Event


def main() -> int:
    """Run the benchmark; 1 when memory grew or the restored state differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=32, help="width of the model")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        settings = Settings(home=home / "home", models=home / "models")
        _save_model(home / "models" / "stream", args.layers, args.hidden)
        backend = load("stream", settings)
        ids = torch.randint(3, 250, (args.tokens,), generator=torch.Generator().manual_seed(1)).tolist()
        plan = make_plan(backend.info, len(ids), settings=settings)
        mark = max(len(ids) - REST_TOKENS, len(ids) // 2)
        print(f"model     {backend.info.architecture}, {backend.info.n_parameters:,} parameters, random weights")
        print(f"plan      positions {plan.position_method}, attention {plan.attention}, zone {plan.zone}")
        reading, growth = _stream(backend, ids, plan, mark)
        same = _restored(backend, ids, plan, mark, reading, DiskCache(home / "cache", 1 << 30))
    return 0 if growth <= MOST_GROWTH and same else 1


def _save_model(folder: Path, layers: int, hidden: int) -> None:
    from transformers import Mamba2Config, Mamba2ForCausalLM

    torch.manual_seed(0)
    config = Mamba2Config(
        vocab_size=8192,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_heads=hidden // 8,
        head_dim=16,
        state_size=16,
        n_groups=1,
        tie_word_embeddings=True,
    )
    Mamba2ForCausalLM(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(READER / name, folder / name)


def _stream(backend: StateSpaceBackend, ids: list[int], plan: ReadingPlan, mark: int) -> tuple[Reading, float]:
    """Read all tokens; return the reading and how much memory grew after the first twentieth, as a share."""
    reading = backend.new_cache(plan, len(ids))
    assert reading.states is not None
    reading.states.marks = frozenset({mark})
    level = peak = 0
    began = told = time.perf_counter()
    for done in backend.prefill(ids, reading, plan, Stop()):
        now = anonymous_bytes()
        if not level and done >= len(ids) // 20:
            level = now
        peak = max(peak, now) if level else 0
        if time.perf_counter() - told > 10 or done == len(ids):
            told = time.perf_counter()
            print(f"read      {done:>9,} tokens, {told - began:6.0f} s, memory {now / 1e6:.1f} MB", flush=True)
    growth = peak / level - 1
    print(f"memory    {level / 1e6:.1f} MB after a twentieth, peak after that {peak / 1e6:.1f} MB: {growth:+.1%}")
    print(f"state     {reading.states.state_bytes:,} bytes, as after the first token")
    return reading, growth


def _restored(
    backend: StateSpaceBackend, ids: list[int], plan: ReadingPlan, mark: int, whole: Reading, cache: DiskCache
) -> bool:
    """Save, restore at `mark`, read the rest again; tell whether both readings end in the same state."""
    fingerprint = backend.fingerprint(plan)
    writer = open_writer(cache, plan_entry(cache, fingerprint, ids, whole), ids)
    assert writer is not None
    writer.save(whole, whole.checkpoint())
    writer.close()
    match = cache.find(fingerprint, [*ids[:mark], 1]).match  # other text after the mark
    assert match is not None
    assert match.n_tokens == mark
    again = backend.new_cache(plan, len(ids))
    cache.load(match, again)
    for _ in backend.prefill(ids, again, plan, Stop()):
        pass
    assert whole.states is not None
    assert again.states is not None
    assert whole.states.current is not None
    assert again.states.current is not None
    one, two = whole.states.current.tensors, again.states.current.tensors
    worst = max(float((one[name] - two[name]).abs().max()) for name in one)
    print(f"restored  at {mark:,} tokens, {len(ids) - mark:,} read again: largest difference {worst:g}")
    return worst == 0


if __name__ == "__main__":
    raise SystemExit(main())
