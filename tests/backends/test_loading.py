"""Whole checkpoint folders, as transformers writes them, loaded by name."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from toys import answer, plan_for, read, tokens, toy

from longdoc.backends import loading
from longdoc.backends.transformer import load
from longdoc.errors import ModelError
from longdoc.files import sha256_file
from longdoc.settings import Settings

READER = Path(__file__).resolve().parents[2] / "models" / "reader"


def saved(settings: Settings, name: str, architecture: str = "Qwen3ForCausalLM") -> Path:
    folder = settings.models / name
    toy(architecture, vocab_size=8192).save_pretrained(folder)
    for file in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(READER / file, folder / file)
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", models=tmp_path / "models")


@pytest.mark.parametrize(
    "architecture", ["LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM"]
)
def test_a_checkpoint_folder_answers_like_transformers(settings: Settings, architecture: str) -> None:
    saved(settings, "small", architecture)
    backend, ids, plan = load("small", settings), tokens(100), plan_for(100)
    found = [token.token_id for token in answer(backend, ids[80:], read(backend, ids[:80], plan), plan, 5)]
    model = toy(architecture, vocab_size=8192)
    expected = model.generate(
        torch.tensor([ids]), max_new_tokens=5, do_sample=False, eos_token_id=None, pad_token_id=0
    )[0, 100:].tolist()
    assert found == expected
    assert backend.frame.kind == "reader"


def test_the_same_folder_elsewhere_has_the_same_fingerprint(settings: Settings) -> None:
    first = saved(settings, "one")
    shutil.copytree(first, settings.models / "two")
    one, two = load("one", settings), load("two", settings)
    assert one.fingerprint(plan_for()) == two.fingerprint(plan_for())


def test_other_weights_have_another_fingerprint(settings: Settings) -> None:
    folder = saved(settings, "one")
    before = load("one", settings).fingerprint(plan_for())
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"][0] += 1
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert load("one", settings).fingerprint(plan_for()) != before


def test_weights_that_differ_from_their_declared_hash_are_not_loaded(settings: Settings) -> None:
    folder = saved(settings, "one")
    digest = sha256_file(folder / "model.safetensors")
    (folder / "longdoc.json").write_text(json.dumps({"sha256": {"model.safetensors": digest}}))
    assert load("one", settings).info.name == "one"
    (folder / "longdoc.json").write_text(json.dumps({"sha256": {"model.safetensors": "f" * 64}}))
    with pytest.raises(ModelError, match="SHA-256"):
        load("one", settings)


def test_missing_tensors_are_not_filled_with_random_numbers(settings: Settings) -> None:
    folder = saved(settings, "one")
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lack 1 tensors, first model\.layers\.1\.mlp\.up_proj\.weight"):
        load("one", settings)


def test_tensors_of_another_shape_are_one_clear_error(settings: Settings) -> None:
    folder = saved(settings, "one")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 64}))
    with pytest.raises(ModelError, match="cannot be loaded"):
        load("one", settings)


def test_a_model_larger_than_memory_is_refused_before_loading(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(settings, "one")
    memory = namedtuple("memory", "available")
    monkeypatch.setattr(loading.psutil, "virtual_memory", lambda: memory(1000))
    with pytest.raises(ModelError, match="GB of memory") as caught:
        load("one", settings)
    assert caught.value.code == "memory"


def test_a_folder_without_tokenizer_is_one_clear_error(settings: Settings) -> None:
    (saved(settings, "one") / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        load("one", settings)


def test_loading_prints_nothing(settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    saved(settings, "one")
    capfd.readouterr()
    load("one", settings)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
