"""A model on every tier and in every form of keys and values, against float64; stop and memory."""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from toys import answer, backend_of, plan_for, tokens, toy

from longdoc.cache import layout
from longdoc.cache.buffer import LONGEST_TOKENS
from longdoc.errors import Stopped
from longdoc.planning.memory import anonymous_bytes

IDS = tokens(400)
PREFIX, QUESTION = IDS[:380], IDS[380:]
# Largest difference of a log-probability from the float64 model, as measured with room to spare.
TOLERANCE = {"float32": 1e-4, "bf16": 0.05, "int8": 0.06, "int8/bf16": 0.06, "fp8": 0.2, "bf16/fp8": 0.2}


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of 64 tokens, and narrow forms turned back in short pieces."""
    monkeypatch.setattr(layout, "FILE_BYTES", 1 << 10)
    monkeypatch.setattr("longdoc.cache.buffer.LONGEST_TOKENS", 96)
    assert LONGEST_TOKENS > 96


@pytest.fixture(scope="module")
def reference() -> torch.Tensor:
    """Log-probabilities after the question, by transformers in float64."""
    model = toy("Qwen3ForCausalLM", max_position_embeddings=512).double()
    with torch.no_grad():
        return model(torch.tensor([IDS])).logits[0, -1].log_softmax(-1)


def backend_in(folder: Path) -> Any:
    backend = backend_of(toy("Qwen3ForCausalLM", max_position_embeddings=512))
    backend.working = folder
    return backend


@pytest.mark.parametrize("attention", ["dense", "sparse"])
@pytest.mark.parametrize("tier", ["ram", "disk", "device"])
@pytest.mark.parametrize("kv_dtype", list(TOLERANCE))
def test_every_tier_and_form_answers_as_float64_does(
    tmp_path: Path, reference: torch.Tensor, kv_dtype: str, tier: str, attention: str
) -> None:
    backend = backend_in(tmp_path)
    plan = plan_for(kv_dtype=kv_dtype, cache_tier=tier, attention=attention, prefill_step=48)
    if attention == "sparse":
        plan = plan_for(
            kv_dtype=kv_dtype, cache_tier=tier, attention=attention, prefill_step=48, attention_budget=4096
        )  # all keys: what is chosen is not the matter here
    reading = backend.new_cache(plan, len(PREFIX))
    for _ in backend.prefill(PREFIX, reading, plan, threading.Event()):
        pass
    found = answer(backend, QUESTION, reading, plan, 1)[0]
    assert found.logprob == pytest.approx(float(reference[found.token_id]), abs=TOLERANCE[kv_dtype])
    assert float(reference.max() - reference[found.token_id]) <= TOLERANCE[kv_dtype]


@pytest.mark.parametrize("tier", ["ram", "disk"])
def test_stop_ends_a_reading_within_a_step_and_memory_returns(tmp_path: Path, tier: str) -> None:
    backend, stop = backend_in(tmp_path), threading.Event()
    plan = plan_for(kv_dtype="bf16", cache_tier=tier, prefill_step=32)

    def interrupted() -> int:
        stop.clear()
        reading = backend.new_cache(plan, 500_000 if tier == "ram" else len(PREFIX))  # large enough to be seen
        steps = backend.prefill(PREFIX, reading, plan, stop)
        done = next(steps)
        if tier == "ram":
            for layer in reading.layers:
                layer.keys[:] = 1
        stop.set()
        with pytest.raises(Stopped):
            next(steps)
        return reading.n_tokens - done

    interrupted()  # what the first pass sets up stays
    gc.collect()
    before = anonymous_bytes()
    assert interrupted() == 0
    gc.collect()
    assert anonymous_bytes() <= before * 1.05
    assert list(tmp_path.iterdir()) == []
