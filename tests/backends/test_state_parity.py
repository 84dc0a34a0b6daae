"""Every state-space family against transformers' own code: whole, in steps, and token by token."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest
import torch
from toys import answer, read, tokens
from toys_state import LOSES_ITS_STATE, STATE_TOYS, known_families, state_backend, state_plan, state_toy
from transformers import DynamicCache

from longdoc.attention import interface
from longdoc.backends.state_layers import new_cache, state_of
from longdoc.backends.state_scan import continuing, mixers
from longdoc.cache.state import State

PREFIX, QUESTION, NEW = 130, 20, 10


def generated(model: Any, ids: list[int], n: int) -> list[int]:
    found = model.generate(torch.tensor([ids]), max_new_tokens=n, do_sample=False, eos_token_id=None, pad_token_id=0)
    return [int(token) for token in found[0, len(ids) :]]


def logprobs(model: Any, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([ids]), use_cache=False).logits[0, -1].float().log_softmax(-1)


def by_the_library(model: Any, pieces: list[list[int]]) -> torch.Tensor:
    """Return the logits after the last piece, each piece one call of the library with its own cache."""
    name = "cache_params" if hasattr(model, "backbone") else "past_key_values"
    cache, at = DynamicCache(config=model.config), 0
    with torch.no_grad():
        for piece in pieces:
            positions = torch.arange(at, at + len(piece)).unsqueeze(0)
            result = model(torch.tensor([piece]), position_ids=positions, use_cache=True, **{name: cache})
            at += len(piece)
    return result.logits[0, -1].float()


def test_every_served_family_has_a_toy() -> None:
    assert set(STATE_TOYS) == known_families()


@pytest.mark.parametrize("architecture", sorted(STATE_TOYS))
def test_answers_equal_those_of_transformers_in_any_steps(architecture: str) -> None:
    model, ids = state_toy(architecture), tokens(PREFIX + QUESTION)
    expected, likely = generated(model, ids, NEW), logprobs(model, ids)
    # Without the prefix, or with a state begun anew at the question, the numbers are others.
    assert abs(float(likely[expected[0]] - logprobs(model, ids[PREFIX:])[expected[0]])) > 1e-3
    backend = state_backend(model)
    for step in (64, 33):
        plan = state_plan(backend, prefill_step=step)
        reading = read(backend, ids[:PREFIX], plan)
        assert reading.states is not None
        assert reading.states.state_bytes == backend.info.state_bytes
        # The same reading twice: an answer leaves the document's state as it was.
        for _ in range(2):
            found = answer(backend, ids[PREFIX:], reading, plan, NEW)
            assert [token.token_id for token in found] == expected
            assert found[0].logprob == pytest.approx(float(likely[expected[0]]), abs=1e-5)
            assert all(bool(token.evidence) == bool(backend.info.num_kv_heads) for token in found)


@pytest.mark.parametrize("architecture", LOSES_ITS_STATE)
def test_the_library_alone_forgets_between_calls_of_several_tokens(architecture: str) -> None:
    """What is corrected here is still wrong there; once this fails, the correction would count the state twice."""
    model, ids = state_toy(architecture), tokens(60)
    whole = by_the_library(model, [ids])
    assert torch.allclose(by_the_library(model, [ids[:40], *([token] for token in ids[40:])]), whole, atol=1e-4)
    assert not torch.allclose(by_the_library(model, [ids[:40], ids[40:]]), whole, atol=1e-2)
    with continuing(mixers(model)):
        assert torch.allclose(by_the_library(model, [ids[:40], ids[40:]]), whole, atol=1e-4)


def final_state(model: Any, pieces: list[list[int]]) -> State:
    """Return the state after `pieces`, each one call on a cache of ours, within `continuing`."""
    state = None
    for piece in pieces:
        cache = new_cache(model.config, state)
        with torch.no_grad(), continuing(mixers(model)):
            model.base_model(torch.tensor([piece]), cache_params=cache, use_cache=True)
        state = state_of(cache)
    assert state is not None
    return state


@pytest.mark.parametrize("architecture", ["FalconMambaForCausalLM", "Mamba2ForCausalLM", "MambaForCausalLM"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_state_after_steps_is_that_of_single_tokens(architecture: str, dtype: torch.dtype) -> None:
    model, ids = state_toy(architecture).to(dtype), tokens(300)
    alone = final_state(model, [[token] for token in ids]).tensors
    steps = final_state(model, [ids[:7], ids[7:280], ids[280:281], ids[281:]]).tensors
    for name, tensor in alone.items():
        scale = float(tensor.abs().max())
        assert float((steps[name] - tensor).abs().max()) <= 1e-5 * scale, name


def test_scans_equal_the_recurrence_written_out() -> None:
    """The correction against a twin in float64: h = exp(Δ A) h + Δ B x, y = (C h + D x) silu(z)."""
    library = sys.modules[type(mixers(state_toy("MambaForCausalLM"))[0]).__module__]
    generator = torch.Generator().manual_seed(3)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    channels, states, n = 6, 4, 50
    x, dt, z = random(1, channels, n), random(1, channels, n), random(1, channels, n)
    b, c, start = random(1, states, n), random(1, states, n), random(1, channels, states)
    a, d, bias = -random(channels, states).exp(), random(channels), random(channels)
    h, expected = start.double(), []
    for t in range(n):
        step = torch.nn.functional.softplus(dt[..., t].double() + bias.double())[..., None]
        h = torch.exp(step * a.double()) * h + step * b[:, None, :, t].double() * x[..., t, None].double()
        y = (h * c[:, None, :, t].double()).sum(-1) + d.double() * x[..., t].double()
        expected.append(y * torch.nn.functional.silu(z[..., t].double()))

    class Mixer(torch.nn.Module):
        """As the library's: takes its state from a cache and scans."""

        layer_idx, conv1d = 0, None

        def forward(self, cache_params: Any) -> tuple[torch.Tensor, torch.Tensor]:
            options = {"D": d, "z": z, "delta_bias": bias, "delta_softplus": True, "return_last_state": True}
            return library.mamba_selective_scan(x, dt, a, b, c, **options)

    class Cache:
        def get_recurrent_state(self, layer_idx: int) -> torch.Tensor:
            return start

    Mixer.__module__ = library.__name__
    mixer = Mixer()
    with continuing([mixer]):
        output, last = mixer(cache_params=Cache())
    torch.testing.assert_close(output.double(), torch.stack(expected, -1), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(last.double(), h, atol=1e-5, rtol=1e-5)


def test_single_tokens_keep_to_the_limits_of_the_step_as_the_scan_does() -> None:
    model, ids = state_toy("Mamba2ForCausalLM", time_step_limit=(0.1, 0.3)), tokens(40)
    alone, whole = final_state(model, [[token] for token in ids]), final_state(model, [ids])
    for name, tensor in whole.tensors.items():
        torch.testing.assert_close(alone.tensors[name], tensor, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("architecture", ["JambaForCausalLM", "Mamba2ForCausalLM", "Qwen3NextForCausalLM"])
def test_a_closed_backend_leaves_model_and_library_as_they_were(architecture: str) -> None:
    model, ids = state_toy(architecture), tokens(80)
    library = sys.modules[type(mixers(model)[0]).__module__]
    functions, implementation = dict(vars(library)), model.config._attn_implementation
    before, weights = generated(model, ids, 5), {key: value.clone() for key, value in model.state_dict().items()}
    backend = state_backend(model)
    plan = state_plan(backend)
    answer(backend, ids[60:], read(backend, ids[:60], plan), plan, 3)
    assert dict(vars(library)) == functions
    backend.close()
    assert not any(module._forward_pre_hooks for module in model.modules())
    assert model.config._attn_implementation == implementation != interface.NAME
    assert all(torch.equal(value, weights[key]) for key, value in model.state_dict().items())
    assert generated(model, ids, 5) == before


def test_calls_from_other_threads_are_not_changed() -> None:
    model, ids = state_toy("MambaForCausalLM"), tokens(60)
    plain, found = by_the_library(model, [ids[:40], ids[40:]]), []
    other = state_toy("MambaForCausalLM")  # another model of the same library file
    with continuing(mixers(model)):
        thread = threading.Thread(target=lambda: found.append(by_the_library(other, [ids[:40], ids[40:]])))
        thread.start()
        thread.join()
    torch.testing.assert_close(found[0], plain, atol=1e-5, rtol=1e-5)
