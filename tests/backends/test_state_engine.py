"""The engine with state-space folders: ask, ask again in a new process, add a document, damage the state."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from standin import prompt_of, settings_in
from toys_state import state_after, state_folder

from longdoc.engine import Engine

LEASE = "The tenant of flat 4 is Mara Quist. The monthly rent is 1,240 euros, due on the third day. " * 6
ANNEX = "Bay 14 belongs to the flat. The notice period is thirty days. " * 8
OTHER = "Nothing here belongs to the flat. " * 9
FAMILIES = ("JambaForCausalLM", "Mamba2ForCausalLM")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    parent = tmp_path_factory.mktemp("models")
    return {architecture: state_folder(parent, architecture) for architecture in FAMILIES}


def ask(home: Path, folder: Path, *asked: tuple[str, ...], question: str = "Who is the tenant?"):
    """Ask one process about several choices of texts; return its generations and the last reading in memory."""
    with Engine(settings_in(home)) as engine:
        found, model = [], str(folder)
        for texts in asked:
            prompt = prompt_of(*texts, question=question, tokenizer=engine.backend(model).tokenizer)
            plan = engine.plan(model, prompt)
            found.append(engine.generate(model, prompt, plan, max_new_tokens=6))
        return found, engine.keeper._held[1]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_new_process_answers_the_same_from_the_saved_state(
    tmp_path: Path, folders: dict[str, Path], family: str
) -> None:
    (first,), read = ask(tmp_path, folders[family], (LEASE, ANNEX))
    (again,), restored = ask(tmp_path, folders[family], (LEASE, ANNEX))
    (other,), _ = ask(tmp_path, folders[family], (LEASE, ANNEX), question="What is the notice period?")
    assert first.usage.cached_tokens == 0
    assert again.usage.cached_tokens == other.usage.cached_tokens == read.n_tokens
    assert again.output_ids == first.output_ids
    assert all(torch.equal(state_after(restored)[name], tensor) for name, tensor in state_after(read).items())
    assert bool(first.evidence[0]) == (family == "JambaForCausalLM")


@pytest.mark.parametrize("family", FAMILIES)
def test_adding_and_changing_the_last_document_reads_only_that_one(
    tmp_path: Path, folders: dict[str, Path], family: str
) -> None:
    (lease, both), read = ask(tmp_path, folders[family], (LEASE,), (LEASE, ANNEX))
    lease_tokens = lease.usage.prompt_tokens - (both.usage.prompt_tokens - read.n_tokens)
    assert both.usage.cached_tokens == lease_tokens  # in memory
    (changed,), kept = ask(tmp_path, folders[family], (LEASE, OTHER))
    assert changed.usage.cached_tokens == lease_tokens  # from the disk
    (cold,), whole = ask(tmp_path / "cold", folders[family], (LEASE, OTHER))
    assert cold.usage.cached_tokens == 0
    assert changed.output_ids == cold.output_ids
    for name, tensor in state_after(whole).items():
        # Keys of the hybrid's attention are kept in bfloat16, so its later layers differ a little.
        torch.testing.assert_close(state_after(kept)[name], tensor, atol=0.05, rtol=0.05)


def test_a_damaged_state_costs_a_cold_read_and_says_so(tmp_path: Path, folders: dict[str, Path]) -> None:
    folder = folders["Mamba2ForCausalLM"]
    (first,), _ = ask(tmp_path, folder, (LEASE,))
    (file,) = tmp_path.rglob("*.state")
    data = bytearray(file.read_bytes())
    data[-5] ^= 64
    file.write_bytes(data)
    (again,), _ = ask(tmp_path, folder, (LEASE,))
    assert again.usage.cached_tokens == 0
    assert again.output_ids == first.output_ids
    assert any("its state" in warning and "is damaged" in warning for warning in again.warnings)
    (healed,), _ = ask(tmp_path, folder, (LEASE,))
    assert healed.usage.cached_tokens > 0
