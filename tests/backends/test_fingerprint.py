"""What is part of a stored reading's identity, and what is not."""

from __future__ import annotations

import pytest
from toys import backend_of, info_of, plan_for, toy

from longdoc.backends.transformer import TransformerBackend
from longdoc.types import ReadingPlan


@pytest.fixture(scope="module")
def backend() -> TransformerBackend:
    return backend_of(toy("Qwen3ForCausalLM"))


FINGERPRINTED: dict[str, ReadingPlan] = {
    "method": plan_for(position_method="string"),
    "frequencies": plan_for(position_method="yarn", factor=4.0),
    "factor": plan_for(position_method="yarn", factor=8.0),
    "both": plan_for(position_method="string+yarn", factor=4.0),
    "dtype": plan_for(kv_dtype="bf16"),
    "attention": plan_for(attention="sparse"),
}


def test_everything_that_changes_keys_and_values_changes_the_fingerprint(backend: TransformerBackend) -> None:
    others = {name: backend.fingerprint(plan) for name, plan in FINGERPRINTED.items()}
    others["weights"] = _with_weights(["others"]).fingerprint(plan_for())
    others["model"] = backend_of(toy("LlamaForCausalLM")).fingerprint(plan_for())
    others["epsilon"] = backend_of(toy("Qwen3ForCausalLM", rms_norm_eps=1e-4)).fingerprint(plan_for())
    assert len({*others.values(), backend.fingerprint(plan_for())}) == len(others) + 1


def test_nothing_else_changes_the_fingerprint(backend: TransformerBackend) -> None:
    mine = backend.fingerprint(plan_for())
    for plan in (plan_for(90), plan_for(prefill_step=7), plan_for(predicted_s=3.0), plan_for(zone="over")):
        assert backend.fingerprint(plan) == mine
    moved = toy("Qwen3ForCausalLM")
    moved.config._name_or_path = "elsewhere"
    assert backend_of(moved).fingerprint(plan_for()) == mine


def test_dynamic_frequencies_change_the_fingerprint_only_when_the_length_doubles() -> None:
    rope = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}
    backend = backend_of(toy("LlamaForCausalLM", rope_parameters=rope))
    at = {n: backend.fingerprint(plan_for(n)) for n in (20, 64, 65, 128, 129)}
    assert at[20] == at[64]
    assert at[65] == at[128]
    assert len(set(at.values())) == 3


def _with_weights(hashes: list[str]) -> TransformerBackend:
    model = toy("Qwen3ForCausalLM")
    like = backend_of(toy("LlamaForCausalLM"))
    return TransformerBackend(model, info_of(model), like.tokenizer, like.frame, hashes)
