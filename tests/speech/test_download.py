"""Whisper's weights from a hub on this computer: whole or not at all, stopped, gone on with, then heard with."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import fake_hub
import pytest
from sounds import RATE, meeting, wav
from toys_whisper import toy_whisper

from longdoc.errors import ModelError, Stopped
from longdoc.settings import Settings
from longdoc.speech.weights import SIZES, download, find, is_here
from longdoc.store import Library
from longdoc.transcribe import transcribe

TINY = SIZES["tiny"]
REST = {"README.md": b"# A model", "run.py": b"import os", "model.safetensors": b"x", "old/model.bin": b"y"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A tiny random Whisper as files of a hub."""
    folder = toy_whisper(tmp_path_factory.mktemp("whisper") / "tiny")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[fake_hub.Hub]:
    with fake_hub.running({TINY.repository: {**files, **REST}}) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def test_a_model_is_fetched_with_progress_then_found_and_heard_with(
    hub: fake_hub.Hub, files: dict[str, bytes], library: Library, settings: Settings, tmp_path: Path
) -> None:
    assert not is_here("", settings)
    seen: list[tuple[int, int]] = []
    folder = download(TINY, settings, lambda done, total: seen.append((done, total)))
    total = sum(len(data) for data in files.values())
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (total, total)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files  # and nothing that is not Whisper's
    assert not list((settings.home / "downloads").iterdir())
    assert find("", settings) == find("tiny", settings) == folder
    voice = tmp_path / "voice.wav"
    voice.write_bytes(wav(meeting()[: 12 * RATE]))
    found = transcribe(voice, library, settings)  # "auto" is Whisper from now on
    assert found.transcript.engine == "whisper"
    assert found.transcript.engine_note == "Whisper tiny, int8, on the CPU"
    assert found.transcript.utterances


def test_a_stop_amid_a_file_is_soon_keeps_whole_files_and_the_next_try_ends_it(
    hub: fake_hub.Hub, files: dict[str, bytes], settings: Settings
) -> None:
    small = {name: data for name, data in files.items() if name != "model.bin"}
    large = files["model.bin"] + bytes(range(256)) * (5 << 12)  # 5 MiB more
    hub.models = {TINY.repository: {**small, "model.bin": large}}
    stop = threading.Event()
    seen: list[int] = []

    def after_two(done: int, total: int) -> None:
        seen.append(done)
        if done > 2 << 20:
            stop.set()

    with pytest.raises(Stopped, match="Files that came whole are kept"):
        download(TINY, settings, after_two, stop)
    assert max(seen) < 4 << 20  # it did not wait for the end of the file
    assert not is_here("tiny", settings)
    loading = settings.home / "downloads" / TINY.repository.replace("/", "--")
    assert {path.name for path in loading.iterdir()} == {*small, ".cache"}
    assert sum(path.stat().st_size for path in (loading / ".cache").rglob("*") if path.is_file()) < 10_000
    assert (download(TINY, settings) / "model.bin").read_bytes() == large


def test_an_incomplete_copy_gives_way_to_the_whole_one(hub: fake_hub.Hub, settings: Settings) -> None:
    folder = settings.home / "models" / "whisper" / "tiny"
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"half of it")
    with pytest.raises(ModelError, match="lacks"):
        find("tiny", settings)
    assert download(TINY, settings) == find("tiny", settings) == folder


def test_a_repository_that_lacks_a_part_is_told_and_not_kept(
    hub: fake_hub.Hub, files: dict[str, bytes], settings: Settings
) -> None:
    hub.models = {TINY.repository: {name: data for name, data in files.items() if name != "tokenizer.json"}}
    with pytest.raises(ModelError, match=r"cannot be used.* lacks tokenizer\.json"):
        download(TINY, settings)
    assert not is_here("tiny", settings)
    assert not list((settings.home / "downloads").iterdir())


def test_what_the_hub_does_not_have_or_no_hub_is_one_sentence_with_a_next_step(
    hub: fake_hub.Hub, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="no model Systran/faster-whisper-base"):
        download(SIZES["base"], settings)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=r"cannot be reached .*copy the model's folder to .*whisper.base") as caught:
        download(SIZES["base"], settings)
    assert caught.value.code == "offline"


def test_a_disk_without_room_is_told_before_anything_is_fetched(
    hub: fake_hub.Hub, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10, 9, 1))
    with pytest.raises(ModelError, match="Free some space") as caught:
        download(TINY, settings)
    assert caught.value.code == "disk"
    assert hub.asked == []
