"""Fetching a model: size and licence first, progress, a stop that keeps what came, nothing unusable kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fake_hub
import pytest

from longdoc.backends import hub
from longdoc.errors import ModelError, Stopped, UserError
from longdoc.settings import Settings

READER = Path(__file__).resolve().parents[2] / "models" / "reader-native"


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """The bundled unextended reader as files of a hub, with some that are not wanted."""
    names = ("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "model.safetensors")
    found = {name: (READER / name).read_bytes() for name in names if (READER / name).is_file()}
    return {**found, "pytorch_model.bin": b"pickle", "run.py": b"import os", "onnx/model.safetensors": b"x"}


@pytest.fixture
def server(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    code = b'{"architectures": ["Qwen3ForCausalLM"], "auto_map": {"x": "y"}}'
    models = {
        "someone/small": files,
        "someone/foreign": {**files, "config.json": code},
        "someone/pickled": {"config.json": b"{}", "pytorch_model.bin": b"x"},
    }
    with fake_hub.running(models) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def test_size_and_licence_are_known_before_anything_is_fetched(server: Any, tmp_path: Path, files: Any) -> None:
    offer = hub.look_up("someone/small", Settings(home=tmp_path))
    wanted = {name: len(data) for name, data in files.items() if name not in ("pytorch_model.bin", "run.py")}
    del wanted["onnx/model.safetensors"]
    assert (dict(offer.files), offer.licence) == (wanted, "apache-2.0")
    assert server.asked == []
    assert list(tmp_path.iterdir()) == []


def test_a_model_comes_with_progress_and_can_be_used_by_name(server: Any, tmp_path: Path) -> None:
    from longdoc.backends.catalogue import available

    settings = Settings(home=tmp_path, models=tmp_path / "none")
    seen: list[tuple[int, int]] = []
    offer = hub.look_up("someone/small", settings)
    info = hub.fetch(offer, settings, lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (offer.size_bytes, offer.size_bytes)
    assert [entry.name for entry in available(settings)] == ["small"]
    assert info.folder == str(tmp_path / "models" / "small")
    assert {path.name for path in (tmp_path / "models" / "small").iterdir()} == {name for name, _ in offer.files}
    with pytest.raises(UserError, match="here already"):
        hub.look_up("someone/small", settings)


def test_a_stop_keeps_what_came_and_the_next_try_ends_it(server: Any, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    stop = threading.Event()
    offer = hub.look_up("someone/small", settings)
    first = next(size for name, size in offer.files if name != "model.safetensors")

    def on_progress(done: int, total: int) -> None:
        if done > first:
            stop.set()

    with pytest.raises(Stopped):
        hub.fetch(offer, settings, on_progress, stop)
    assert not (tmp_path / "models" / "small").exists()
    assert list((tmp_path / "downloads" / "someone--small").iterdir())
    assert hub.fetch(offer, settings).name


def test_what_cannot_be_used_is_not_kept(server: Any, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with pytest.raises(ModelError, match="cannot be used"):
        hub.fetch(hub.look_up("someone/foreign", settings), settings)
    assert not (tmp_path / "models" / "foreign").exists()
    assert not (tmp_path / "downloads" / "someone--foreign").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("someone/pickled", "safetensors"), ("someone/nothing", "no model"), ("small", "not a name"),
        ("../../etc/x", "not a name"), ("a/..", "not a name"), ("", "not a name"),
    ],
)  # fmt: skip
def test_what_is_not_there_or_not_wanted_is_refused_in_words(
    server: Any, tmp_path: Path, name: str, words: str
) -> None:
    with pytest.raises((ModelError, UserError), match=words):
        hub.look_up(name, Settings(home=tmp_path))
    assert not (tmp_path / "models").exists()


def test_a_hub_that_is_not_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError) as refused:
        hub.look_up("someone/small", Settings(home=tmp_path))
    assert refused.value.code == "offline"
