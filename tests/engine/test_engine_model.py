"""The engine with real model folders: what is restored is what was read, bit by bit, and so is the answer."""

import shutil
from pathlib import Path

import pytest
import torch
from standin import prompt_of, settings_in, stored_bytes
from toys import toy

from longdoc.engine import Engine
from longdoc.errors import ModelError

READER = Path(__file__).resolve().parents[2] / "models" / "reader"
LEASE = "The tenant of flat 4 is Mara Quist. The monthly rent is 1,240 euros, due on the third day. " * 12
ANNEX = "Bay 14 belongs to the flat. The notice period is thirty days. " * 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder as transformers writes it: random Qwen3 weights, the bundled reader's tokenizer, 512 native tokens."""
    folder = tmp_path_factory.mktemp("models") / "toy"
    model = toy("Qwen3ForCausalLM", vocab_size=8192, max_position_embeddings=512, hidden_size=64, head_dim=16)
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(READER / name, folder / name)
    return folder


def ask(home: Path, folder: Path, *texts: str, question: str = "Who is the tenant?", **overrides):
    """Ask as a new process would; return the generation, what was held in memory, and the plan."""
    with Engine(settings_in(home)) as engine:
        model = str(folder)
        prompt = prompt_of(*texts, question=question, tokenizer=engine.backend(model).tokenizer)
        plan = engine.plan(model, prompt, **overrides)
        found = engine.generate(model, prompt, plan, max_new_tokens=12)
        return found, engine.keeper._held[1], plan


@pytest.mark.parametrize("overrides", [{}, {"position": "string+yarn"}, {"position": "none"}])
def test_a_new_process_gets_bit_by_bit_what_was_read_and_gives_the_same_answer(tmp_path, folder, overrides):
    first, read, plan = ask(tmp_path, folder, LEASE, ANNEX, **overrides)
    assert plan.position_method == overrides.get("position", "yarn")
    again, restored, _ = ask(tmp_path, folder, LEASE, ANNEX, **overrides)
    assert first.usage.cached_tokens == 0
    assert again.usage.cached_tokens == read.n_tokens == restored.n_tokens
    assert stored_bytes(restored) == stored_bytes(read)
    assert again.output_ids == first.output_ids
    assert again.evidence == first.evidence


def test_a_prefix_that_was_kept_equals_a_cold_read_within_a_tolerance(tmp_path, folder):
    ask(tmp_path, folder, LEASE)
    grown, kept, _ = ask(tmp_path, folder, LEASE, ANNEX)
    _, cold, _ = ask(tmp_path / "cold", folder, LEASE, ANNEX)
    assert 0 < grown.usage.cached_tokens < kept.n_tokens
    for one, two in zip(kept.layers, cold.layers, strict=True):
        torch.testing.assert_close(one.keys.float(), two.keys.float(), atol=0.1, rtol=0.05)
        torch.testing.assert_close(one.values.float(), two.values.float(), atol=0.1, rtol=0.05)


def test_another_factor_of_the_same_method_is_read_again_and_said_to_be(tmp_path, folder):
    _, _, short = ask(tmp_path, folder, LEASE)
    found, _, long = ask(tmp_path, folder, LEASE, ANNEX * 8)
    assert (short.position_method, long.position_method) == ("yarn", "yarn")
    assert long.factor > short.factor
    assert found.usage.cached_tokens == 0


def test_other_weights_under_the_same_name_share_nothing(tmp_path, folder):
    ask(tmp_path, folder, LEASE)
    changed = tmp_path / "models" / "toy"
    shutil.copytree(folder, changed)
    data = bytearray((changed / "model.safetensors").read_bytes())
    data[-3] ^= 1
    (changed / "model.safetensors").write_bytes(data)
    assert ask(tmp_path, changed, LEASE)[0].usage.cached_tokens == 0
    assert ask(tmp_path, folder, LEASE)[0].usage.cached_tokens > 0


def test_memory_and_time_are_measured_and_the_plan_learns(tmp_path, folder):
    found, held, plan = ask(tmp_path, folder, LEASE * 8)
    assert plan.predicted_s is None
    assert found.usage.peak_bytes > held.nbytes
    assert ask(tmp_path, folder, LEASE * 8)[2].predicted_s is not None


def test_a_model_that_is_not_there_is_one_clear_sentence(tmp_path):
    with Engine(settings_in(tmp_path)) as engine, pytest.raises(ModelError, match="no model"):
        engine.plan("raeder", 100)


@pytest.mark.model
@pytest.mark.skipif(not (READER / "model.safetensors").is_file(), reason="the bundled reader has no weights yet")
def test_the_bundled_reader_answers_a_second_question_without_reading_again(tmp_path):
    first, _, plan = ask(tmp_path, READER, LEASE, ANNEX, question="How much is the monthly rent?")
    again, held, _ = ask(tmp_path, READER, LEASE, ANNEX, question="Which bay belongs to the flat?")
    assert plan.zone == "native" or plan.zone.startswith("extended")
    assert first.text.strip()
    assert again.text.strip()
    assert again.usage.cached_tokens == held.n_tokens
