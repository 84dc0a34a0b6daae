from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from toys import toy

from longdoc.backends import catalogue
from longdoc.backends.weights import digests, inspect
from longdoc.errors import ModelError
from longdoc.files import sha256_file
from longdoc.positions import make
from longdoc.settings import Settings

TOKENIZER = Path(__file__).resolve().parents[2] / "models" / "reader" / "tokenizer.json"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real checkpoint folder as transformers writes it."""
    folder = tmp_path_factory.mktemp("saved") / "little-llama"
    toy("LlamaForCausalLM").save_pretrained(folder)
    shutil.copy(TOKENIZER, folder / "tokenizer.json")
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(saved, tmp_path / "models" / "little-llama"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", models=tmp_path / "models")


def edit(folder: Path, change: Callable[[dict[str, Any]], Any], name: str = "config.json") -> None:
    path = folder / name
    content = json.loads(path.read_text()) if path.exists() else {}
    change(content)
    path.write_text(json.dumps(content))


def config(folder: Path, **fields: Any) -> None:
    edit(folder, lambda content: content.update(fields))


def test_a_checkpoint_is_described_from_its_folder(folder: Path) -> None:
    info = catalogue.describe(folder)
    assert (info.name, info.architecture, info.kind) == ("little-llama", "LlamaForCausalLM", "transformer")
    assert (info.num_layers, info.num_heads, info.num_kv_heads, info.head_dim) == (3, 4, 2, 8)
    assert (info.native_context, info.window, info.tested_context) == (64, 1024, 0)
    assert info.n_parameters == sum(parameter.numel() for parameter in toy("LlamaForCausalLM").parameters())
    assert info.weight_bytes == 4 * info.n_parameters
    assert info.rope_theta == 10000.0


def test_longdoc_json_adds_what_a_checkpoint_does_not_say(folder: Path) -> None:
    card = {"tested_context": 512, "window": 900, "licence": "MIT", "note": "finds and quotes"}
    (folder / "longdoc.json").write_text(json.dumps(card))
    info = catalogue.describe(folder)
    assert (info.tested_context, info.window, info.licence, info.note) == (512, 900, "MIT", "finds and quotes")


@pytest.mark.parametrize("margin", [0.5, "2", float("nan"), None])
def test_a_position_margin_below_one_or_of_no_number_is_refused(folder: Path, margin: object) -> None:
    (folder / "longdoc.json").write_text(json.dumps({"position_margin": 2}))
    assert catalogue.describe(folder).position_margin == 2
    (folder / "longdoc.json").write_text(json.dumps({"position_margin": margin}))
    with pytest.raises(ModelError, match="position_margin"):
        catalogue.describe(folder)


ROPES: dict[str, tuple[dict[str, Any], tuple[int, int]]] = {
    "plain": ({"rope_theta": 10000.0, "rope_type": "default"}, (64, 1024)),
    "yarn": ({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}, (64, 256)),
    "yarn within a longer declaration": ({"rope_type": "yarn", "factor": 2.0}, (64, 128)),
    "llama3": (
        {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 16,
        },
        (64, 64),
    ),
    "longrope": (
        {
            "rope_type": "longrope",
            "short_factor": [1.0] * 4,
            "long_factor": [2.0] * 4,
            "original_max_position_embeddings": 16,
        },
        (16, 64),
    ),
    "dynamic": ({"rope_type": "dynamic", "factor": 2.0}, (64, 128)),
    "old spelling": ({"type": "yarn", "factor": 4.0}, (64, 256)),
}


@pytest.mark.parametrize("field", ["rope_parameters", "rope_scaling"])
@pytest.mark.parametrize("name", ROPES)
def test_native_context_and_window_follow_what_is_declared(folder: Path, name: str, field: str) -> None:
    rope, expected = ROPES[name]
    edit(folder, lambda content: content.pop("rope_parameters", None))
    config(folder, **{field: rope}, rope_theta=10000.0)
    info = catalogue.describe(folder)
    assert (info.native_context, info.window) == expected
    assert info.rope_parameters["rope_type"] == rope.get("rope_type", rope.get("type"))


def _yarn() -> dict[str, Any]:
    return {"rope_type": "yarn", "factor": 4.0, "rope_theta": 10000.0}


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], Any], str, str]] = {
    "auto_map": (lambda c: c.update(auto_map={"AutoModel": "evil.py"}), "remote_code", "program code of its own"),
    "nested auto_map": (lambda c: c.update(text_config={"auto_map": {}}), "remote_code", "text_config.auto_map"),
    "attention": (lambda c: c.update(_attn_implementation="owner/kernel"), "remote_code", "could run foreign code"),
    "attention, public": (lambda c: c.update(attn_implementation="sdpa"), "remote_code", "attn_implementation"),
    "attention, internal": (lambda c: c.update(_attn_implementation_internal="a/b"), "remote_code", "internal"),
    "experts": (lambda c: c.update(_experts_implementation="owner/kernel"), "remote_code", "_experts"),
    "other weights": (lambda c: c.update(transformers_weights="adapter_model.bin"), "remote_code", "weight files"),
    "quantised": (lambda c: c.update(quantization_config={"bits": 4}), "unsupported", "quantised"),
    "unknown architecture": (lambda c: c.update(architectures=["RwkvForCausalLM"]), "unsupported", "RwkvForCausalLM"),
    "near architecture": (lambda c: c.update(architectures=["LLamaForCausalLM"]), "unsupported", "a LlamaForCausalLM"),
    "no architecture": (lambda c: c.pop("architectures"), "unsupported", "names no architecture"),
    "no heads": (lambda c: c.pop("num_attention_heads"), "damaged", "does not describe"),
    "no length": (lambda c: c.update(max_position_embeddings=0), "damaged", "does not describe"),
    "small factor": (lambda c: c.update(rope_parameters={"rope_type": "yarn", "factor": 0.5}), "damaged", "below 1"),
    "conflicting rope": (
        lambda c: c.update(rope_parameters={"factor": 2.0, "rope_type": "yarn"}, rope_scaling={"factor": 4.0}),
        "damaged",
        "contradict each other on factor",
    ),
    "two kinds of rope": (
        lambda c: c.update(rope_parameters=_yarn(), rope_scaling={"rope_type": "dynamic", "factor": 2.0}),
        "damaged",
        "contradict each other on rope_type",
    ),
    "two names for one kind": (
        lambda c: c.update(rope_parameters={**_yarn(), "type": "linear"}),
        "damaged",
        "type and rope_type contradict",
    ),
    "two bases": (lambda c: c.update(rope_theta=5e5, rope_parameters=_yarn()), "damaged", "on rope_theta"),
    "two native lengths": (
        lambda c: c.update(
            original_max_position_embeddings=32,
            rope_parameters={**_yarn(), "original_max_position_embeddings": 16},
        ),
        "damaged",
        "on original_max_position_embeddings",
    ),
    "unknown rope": (lambda c: c.update(rope_parameters={"rope_type": "yran"}), "damaged", "'yran' is unknown"),
    "no factor": (lambda c: c.update(rope_parameters={"rope_type": "yarn"}), "damaged", "needs a factor"),
    "factor of text": (lambda c: c.update(rope_parameters={**_yarn(), "factor": "4"}), "damaged", "not a number"),
    "infinite factor": (
        lambda c: c.update(rope_parameters={**_yarn(), "factor": float("inf")}),
        "damaged",
        "not a number",
    ),
    "ramp the wrong way": (
        lambda c: c.update(rope_parameters={**_yarn(), "beta_fast": 1, "beta_slow": 32}),
        "damaged",
        "beta_fast is below",
    ),
    "llama3 without bounds": (
        lambda c: c.update(rope_parameters={"rope_type": "llama3", "factor": 8.0}),
        "damaged",
        "needs a low_freq_factor",
    ),
    "llama3 the wrong way": (
        lambda c: c.update(
            rope_parameters={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 4.0, "high_freq_factor": 1.0}
        ),
        "damaged",
        "high_freq_factor is not above",
    ),
    "longrope without lists": (
        lambda c: c.update(rope_parameters={"rope_type": "longrope", "factor": 4.0}),
        "damaged",
        "short_factor is not a list",
    ),
    "longrope of another head": (
        lambda c: c.update(
            rope_parameters={"rope_type": "longrope", "short_factor": [1.0] * 4, "long_factor": [1.0] * 3}
        ),
        "damaged",
        "3 numbers for 4 pairs",
    ),
    "chunks of nothing": (
        lambda c: c.update(dual_chunk_attention_config={"chunk_size": 8, "local_size": 8}),
        "damaged",
        "chunk of 8 tokens, 8 of them local",
    ),
    "chunks of text": (lambda c: c.update(dual_chunk_attention_config="yes"), "damaged", "is not an object"),
    "rope of text": (lambda c: c.update(rope_parameters="yarn"), "damaged", "cannot be used"),
}


def test_dual_chunk_attention_is_read_from_the_checkpoint(folder: Path) -> None:
    chunks = {"chunk_size": 24, "local_size": 4, "original_max_position_embeddings": 24}
    config(folder, dual_chunk_attention_config=chunks, max_position_embeddings=400)
    info = catalogue.describe(folder)
    assert (info.native_context, info.window) == (24, 400)
    assert make("none", info).numbers == {"chunk_size": 24, "local_size": 4}
    assert make("none", info) == make("dca", info)


def test_an_old_name_of_longrope_is_understood(folder: Path) -> None:
    edit(folder, lambda content: content.pop("rope_parameters", None))
    config(folder, rope_scaling={"type": "su", "short_factor": [1.0] * 4, "long_factor": [2.0] * 4})
    assert catalogue.describe(folder).rope_parameters["rope_type"] == "longrope"


@pytest.mark.parametrize("name", REFUSED)
def test_a_config_that_must_not_be_loaded_is_refused_with_a_sentence(folder: Path, name: str) -> None:
    change, code, words = REFUSED[name]
    edit(folder, change)
    with pytest.raises(ModelError, match=words) as caught:
        catalogue.describe(folder)
    assert caught.value.code == code


def test_fields_that_name_no_implementation_are_harmless(folder: Path) -> None:
    config(folder, _attn_implementation_autoset=True, _attn_implementation=None)
    assert catalogue.describe(folder).num_layers == 3


def test_an_adapter_is_not_taken_for_a_model(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match="adapter"):
        catalogue.describe(folder)


def test_the_weights_checked_are_the_ones_that_will_be_loaded(folder: Path) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "other.safetensors"}}))
    shutil.copy(folder / "model.safetensors", folder / "other.safetensors")
    assert [path.name for path in inspect(folder).files] == ["model.safetensors"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_config_is_one_clear_error(folder: Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"config\.json of little-llama cannot be read"):
        catalogue.describe(folder)


def test_a_folder_without_config_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a model folder"):
        catalogue.describe(tmp_path)


def test_missing_weights_are_told_from_pickled_ones(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"no model\.safetensors") as missing:
        catalogue.describe(folder)
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelError, match="pickled") as pickled:
        catalogue.describe(folder)
    assert (missing.value.code, pickled.value.code) == ("incomplete", "pickle")


@pytest.mark.parametrize("keep", [0, 5, 8, 100, 5000, -1])
def test_truncated_weights_are_refused_before_loading(folder: Path, keep: int) -> None:
    path = folder / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:keep] if keep >= 0 else data[:-1])
    with pytest.raises(ModelError, match="cut short or damaged"):
        catalogue.describe(folder)


def test_weights_with_something_behind_them_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ModelError, match="cut short or damaged"):
        catalogue.describe(folder)


@pytest.mark.parametrize(
    "header",
    [
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}},
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, -4]}},
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}},
        {"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}},
        {"a": 5},
        [],
    ],
)
def test_hostile_headers_are_refused(folder: Path, header: Any) -> None:
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + b"\0" * 4)
    with pytest.raises(ModelError, match="cut short or damaged"):
        catalogue.describe(folder)


def test_a_header_that_claims_to_be_huge_is_not_read(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes((1 << 60).to_bytes(8, "little") + b"{}")
    with pytest.raises(ModelError, match="cut short or damaged"):
        catalogue.describe(folder)


def test_weights_in_several_files_are_counted_together(folder: Path) -> None:
    whole = catalogue.describe(folder)
    (folder / "model.safetensors").unlink()
    toy("LlamaForCausalLM").save_pretrained(folder, max_shard_size="20KB")
    assert len(inspect(folder).files) > 1
    again = catalogue.describe(folder)
    assert (again.n_parameters, again.weight_bytes) == (whole.n_parameters, whole.weight_bytes)
    inspect(folder).files[1].unlink()
    with pytest.raises(ModelError, match="lacks 1 of"):
        catalogue.describe(folder)


@pytest.mark.parametrize("name", ["../x.safetensors", "/etc/passwd", "a/b.safetensors", "model.bin", ""])
def test_an_index_names_files_of_its_own_folder_only(folder: Path, name: str) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(ModelError, match="not a safetensors file of this folder"):
        catalogue.describe(folder)


def test_a_declared_hash_is_held_against_the_file(folder: Path, settings: Settings) -> None:
    weights = inspect(folder)
    right = sha256_file(folder / "model.safetensors")
    assert digests(weights, {"model.safetensors": right}, settings) == {"model.safetensors": right}
    with pytest.raises(ModelError, match="SHA-256 differs"):
        digests(weights, {"model.safetensors": "0" * 64}, settings)


def test_every_file_with_a_declared_hash_is_checked(folder: Path, settings: Settings) -> None:
    declared = {"tokenizer.json": sha256_file(folder / "tokenizer.json")}
    assert list(digests(inspect(folder), declared, settings)) == ["model.safetensors"]
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"tokenizer\.json of little-llama is not the one"):
        digests(inspect(folder), declared, settings)


@pytest.mark.parametrize("name", ["gone.json", "../config.json", ""])
def test_a_declared_file_must_be_in_the_folder(folder: Path, settings: Settings, name: str) -> None:
    with pytest.raises(ModelError, match="lacks"):
        digests(inspect(folder), {name: "0" * 64}, settings)


@pytest.mark.parametrize("hashes", [[], "abc", {"model.safetensors": 5}])
def test_hashes_in_another_form_are_not_taken_for_none(folder: Path, hashes: Any) -> None:
    edit(folder, lambda card: card.update(sha256=hashes), "longdoc.json")
    with pytest.raises(ModelError, match="hashes"):
        catalogue.declared_hashes(folder)


def test_a_changed_file_is_hashed_again(folder: Path, settings: Settings) -> None:
    before = digests(inspect(folder), {}, settings)
    toy("LlamaForCausalLM", rms_norm_eps=1e-3).save_pretrained(folder)
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    after = digests(inspect(folder), {}, settings)
    assert after != before
    assert after == {"model.safetensors": sha256_file(path)}


def test_a_damaged_memory_of_hashes_is_forgotten(folder: Path, settings: Settings) -> None:
    expected = digests(inspect(folder), {}, settings)
    for content in ("{", "[]", json.dumps({str((folder / "model.safetensors").resolve()): [1]})):
        (settings.home / "weight-hashes.json").write_text(content)
        assert digests(inspect(folder), {}, settings) == expected


def test_models_are_found_by_name_path_and_hub_name(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert catalogue.resolve("little-llama", settings) == folder
    assert catalogue.resolve(str(folder), settings) == folder
    added = Path(shutil.copytree(folder, settings.home / "models" / "added"))
    assert catalogue.resolve("added", settings) == added
    hub = tmp_path / "hub" / "models--owner--name"
    snapshot = Path(shutil.copytree(folder, hub / "snapshots" / "abc"))
    (hub / "refs").mkdir()
    (hub / "refs" / "main").write_text("abc")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    assert catalogue.resolve("owner/name", settings) == snapshot


@pytest.mark.parametrize("name", ["little-lama", "", "../..", "owner/none", "a\0b", "x" * 10_000, "a/b/c"])
def test_an_unknown_model_is_one_clear_error(folder: Path, settings: Settings, name: str, tmp_path: Path) -> None:
    if name == "../..":
        name = str(tmp_path / "nowhere" / "..." / "x")
    with pytest.raises(ModelError, match="There is no model") as caught:
        catalogue.resolve(name, settings)
    if name == "little-lama":
        assert "Did you mean little-llama?" in str(caught.value)


def test_the_list_of_models_says_what_is_wrong_with_a_bad_one(folder: Path, settings: Settings) -> None:
    bad = Path(shutil.copytree(folder, settings.models / "bad"))
    config(bad, auto_map={})
    entries = {entry.name: entry for entry in catalogue.available(settings)}
    assert set(entries) == {"bad", "little-llama"}
    assert entries["bad"].info is None
    assert "program code" in entries["bad"].problem
    assert entries["little-llama"].info is not None


def test_describing_a_model_loads_no_heavy_library(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from longdoc.backends.catalogue import describe;"
        f"describe(Path({str(folder)!r})); print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
