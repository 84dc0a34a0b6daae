"""Reading with a state: stop, resume, going back, refusals, folders and plans."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import torch
from toys import answer, read, tokens
from toys_state import STATE_TOYS, state_after, state_backend, state_folder, state_info, state_plan, state_toy

from longdoc.backends import state_scan
from longdoc.backends.catalogue import describe
from longdoc.backends.state_models import UNLIMITED
from longdoc.backends.state_space import load
from longdoc.errors import ModelError, Stopped, UserError
from longdoc.planning import make_plan
from longdoc.planning.recurrent import RECURRENT
from longdoc.settings import Settings

PURE = ("FalconMambaForCausalLM", "Mamba2ForCausalLM", "MambaForCausalLM")


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("architecture", ["JambaForCausalLM", "Mamba2ForCausalLM"])
def test_stop_ends_within_a_step_and_reading_goes_on_where_it_stopped(architecture: str) -> None:
    backend, ids = state_backend(state_toy(architecture)), tokens(200)
    plan, stop = state_plan(backend), threading.Event()
    whole, stopped = read(backend, ids, plan), backend.new_cache(plan, 200)
    steps = backend.prefill(ids, stopped, plan, stop)
    done = next(steps)
    stop.set()
    with pytest.raises(Stopped):
        next(steps)
    assert stopped.n_tokens == done == 64
    for _ in backend.prefill(ids, stopped, plan, threading.Event()):
        pass
    assert same(state_after(stopped), state_after(whole))


def test_a_step_that_fails_leaves_the_reading_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    backend, ids = state_backend(state_toy("MambaForCausalLM")), tokens(200)
    plan = state_plan(backend)
    reading = backend.new_cache(plan, 200)
    steps = backend.prefill(ids, reading, plan, threading.Event())
    next(steps)
    assert reading.states
    before = reading.states.current
    failing = backend._mixers[-1].register_forward_hook(lambda *_: (_ for _ in ()).throw(ValueError("broken")))
    with pytest.raises(ValueError, match="broken"):
        next(steps)
    failing.remove()
    assert reading.n_tokens == 64
    assert reading.states.current is before
    expected = answer(backend, tokens(9, 5), read(backend, ids, plan), plan)
    for _ in backend.prefill(ids, reading, plan, threading.Event()):
        pass
    assert answer(backend, tokens(9, 5), reading, plan) == expected


@pytest.mark.parametrize("architecture", ["FalconH1ForCausalLM", "Mamba2ForCausalLM"])
def test_a_reading_goes_back_to_the_end_of_a_document_and_nowhere_else(architecture: str) -> None:
    backend, ids = state_backend(state_toy(architecture)), tokens(200)
    plan = state_plan(backend)
    reading = backend.new_cache(plan, 200)
    assert reading.states
    reading.states.marks = frozenset({90, 150})
    for _ in backend.prefill(ids, reading, plan, threading.Event()):
        pass
    assert [reading.reachable(n) for n in (200, 199, 150, 149, 90, 89)] == [200, 150, 150, 90, 90, 0]
    reading.truncate(149)
    assert reading.n_tokens == 90
    other = [*ids[:90], *tokens(50, 7)]
    larger = backend.new_cache(plan, 300)
    larger.copy_from(reading, 90)
    for target in (reading, larger):
        for _ in backend.prefill(other, target, plan, threading.Event()):
            pass
        found, expected = (answer(backend, tokens(9, 5), each, plan) for each in (target, read(backend, other, plan)))
        assert [token.token_id for token in found] == [token.token_id for token in expected]
        assert found[0].logprob == pytest.approx(expected[0].logprob, abs=1e-5)


def test_the_scan_of_a_step_holds_little_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, ids = state_toy("MambaForCausalLM"), tokens(200)
    backend = state_backend(model)
    plan = state_plan(backend, prefill_step=200)
    whole, seen = read(backend, ids, plan), []
    library = __import__(type(backend._mixers[0]).__module__, fromlist=["mamba_selective_scan"])
    original = library.mamba_selective_scan

    def watched(hidden_states: torch.Tensor, *args: object, **kwargs: object) -> object:
        seen.append(hidden_states.shape[-1])
        return original(hidden_states, *args, **kwargs)

    monkeypatch.setattr(library, "mamba_selective_scan", watched)
    monkeypatch.setattr(state_scan, "_SCAN_BYTES", 64 * 8 * 4 * 5 * 16)  # 16 tokens of 64 channels with 8 states
    again = read(backend, ids, plan)
    assert max(seen) == 16
    for name, tensor in state_after(whole).items():
        torch.testing.assert_close(state_after(again)[name], tensor, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("architecture", sorted(STATE_TOYS))
def test_a_folder_is_known_loaded_and_planned(architecture: str, tmp_path: Path) -> None:
    folder = state_folder(tmp_path / "models", architecture, "small")
    settings = Settings(home=tmp_path / "home", models=tmp_path / "models")
    info = describe(folder)
    assert info.kind == "state_space"
    assert info.n_parameters == sum(p.numel() for p in state_toy(architecture, vocab_size=8192).parameters())
    backend = load("small", settings)
    plan = make_plan(info, 120, settings=settings)
    ids = tokens(120)
    reading = read(backend, ids, plan)
    assert reading.states
    assert reading.states.state_bytes == info.state_bytes
    assert len(answer(backend, tokens(5), reading, plan, 3)) == 3
    assert plan.position_method == "none"
    assert plan.attention == (RECURRENT if architecture in PURE else "dense")
    (folder / "longdoc.json").write_text(json.dumps({"tested_context": 4096, "window": 9000}))
    assert (describe(folder).tested_context, describe(folder).window) == (4096, 9000)


def test_a_pure_model_reads_any_length_and_says_how_far_it_was_tested(tmp_path: Path) -> None:
    info, settings = state_info(state_toy("Mamba2ForCausalLM")), Settings(home=tmp_path)
    short, long = (make_plan(info, n, settings=settings, available_bytes=1 << 40) for n in (1000, 5_000_000))
    assert (short.window, short.zone, long.zone) == (UNLIMITED, "native", "extended_untested")
    assert short.predicted_bytes == long.predicted_bytes
    assert "whatever the length" in " ".join(long.reasons)
    assert "not tested at any length" in " ".join(long.reasons)


@pytest.mark.parametrize(
    ("architecture", "choice", "said"),
    [
        ("Mamba2ForCausalLM", {"position": "yarn"}, "has no positions"),
        ("JambaForCausalLM", {"position": "string"}, "has no positions"),
        ("Mamba2ForCausalLM", {"attention": "dense"}, "recurrent layers only"),
        ("BambaForCausalLM", {"attention": "sparse"}, "dense layers only"),
        ("MambaForCausalLM", {"tier": "disk"}, "needs no tier"),
    ],
)
def test_what_such_a_model_cannot_take_is_refused_before_it_is_loaded(
    architecture: str, choice: dict[str, str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=said):
        make_plan(state_info(state_toy(architecture)), 100, settings=Settings(home=tmp_path), **choice)  # type: ignore[arg-type]


def test_hybrids_with_positions_are_extended_like_any_rotary_model(tmp_path: Path) -> None:
    model, ids = state_toy("FalconH1ForCausalLM"), tokens(200)
    backend = state_backend(model)
    plan = make_plan(backend.info, 200, settings=Settings(home=tmp_path, answer_reserve_tokens=20))
    assert plan.position_method == "yarn"
    found = answer(backend, ids[180:], read(backend, ids[:180], plan), plan)
    none = state_plan(backend)
    assert found[0].logprob != answer(backend, ids[180:], read(backend, ids[:180], none), none)[0].logprob


def test_what_changes_the_state_changes_the_fingerprint() -> None:
    model = state_toy("Mamba2ForCausalLM")
    backend = state_backend(model)
    plan = state_plan(backend)
    before = backend.fingerprint(plan)
    assert backend.fingerprint(state_plan(backend, 500, prefill_step=16)) == before
    assert state_backend(state_toy("Mamba2ForCausalLM", chunk_size=8)).fingerprint(plan) != before
    assert state_backend(state_toy("MambaForCausalLM")).fingerprint(plan) != before
    with pytest.raises(UserError, match="does not read with dense"):
        backend.new_cache(state_plan(backend, attention="dense"), 10)
    backend.close()
    with pytest.raises(ModelError, match="closed"):
        backend.new_cache(plan, 10)
