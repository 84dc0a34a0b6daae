"""A model of Whisper is fetched from the Recordings page: size and licence first, progress, a stop, one sentence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import fake_hub
import pytest

from longdoc.errors import UserError
from longdoc.speech.weights import SIZES, is_here
from longdoc.ui.recordings import RecordingCalls
from longdoc.ui.recordings_models import SpeechModelCalls

BASE = SIZES["base"]
FILES = {"config.json": b"{}", "tokenizer.json": b"{}", "vocabulary.txt": b"a\n", "model.bin": bytes(3 << 20)}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[fake_hub.Hub]:
    with fake_hub.running({BASE.repository: FILES}, licence="mit") as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


@pytest.fixture
def page(hub: fake_hub.Hub, make_context: Callable[..., Any]) -> SpeechModelCalls:
    return SpeechModelCalls(make_context())


def whisper(page: SpeechModelCalls) -> dict[str, Any]:
    return next(row for row in RecordingCalls(page.context).recordings()["engines"] if row["name"] == "whisper")


def test_size_and_licence_are_shown_before_the_hub_is_asked(page: SpeechModelCalls, hub: fake_hub.Hub) -> None:
    assert "Get Whisper" in whisper(page)["why"]
    hub.models = {}  # whatever the hub knows
    shown = page.speech_models()
    (row,) = [row for row in shown["rows"] if row["name"] == "base"]
    assert (row["size"], row["licence"], row["from"], row["here"]) == ("148 MB", "MIT", BASE.repository, False)
    assert sum(row["suited"] for row in shown["rows"]) == 1
    assert shown["free"]
    assert shown["downloads"] == []
    assert page.context.library.jobs() == []


def test_a_fetched_model_can_be_used_at_once(page: SpeechModelCalls) -> None:
    assert not whisper(page)["usable"]
    job = page.download_speech_model("base")
    assert page.context.worker.wait(job, 60).state == "done"
    assert (whisper(page)["usable"], whisper(page)["why"]) == (True, "")
    assert page.speech_models()["downloads"] == []
    assert [row["name"] for row in page.speech_models()["rows"] if row["here"]] == ["base"]
    with pytest.raises(UserError, match="Whisper base is here already"):
        page.download_speech_model("base")


def test_a_download_shows_its_bytes_is_stopped_and_gone_on_with(page: SpeechModelCalls, hub: fake_hub.Hub) -> None:
    hub.pause_s = 0.05
    job = page.download_speech_model("base")
    assert page.download_speech_model("base") == job  # not begun twice
    for _ in range(400):
        (row,) = page.speech_models()["downloads"]
        if row["share"]:
            break
        time.sleep(0.02)
    assert row["name"] == "Whisper base"
    assert 0 < row["share"] < 1
    assert row["words"].endswith(" of 3 MB")
    page.context.worker.cancel(job)
    assert page.context.worker.wait(job, 60).state == "stopped"
    assert not is_here("base", page.context.settings)
    (row,) = page.speech_models()["downloads"]
    assert (row["size"], row["words"]) == ("base", "Stopped")
    assert "kept" in row["message"]
    hub.pause_s = 0.0
    again = page.download_speech_model(row["size"])
    assert page.context.worker.wait(again, 60).state == "done"
    assert page.speech_models()["downloads"] == []


def test_a_hub_out_of_reach_is_one_sentence_until_dismissed(
    page: SpeechModelCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    job = page.download_speech_model("base")
    assert page.context.worker.wait(job, 120).state == "failed"
    (row,) = page.speech_models()["downloads"]
    assert "cannot be reached" in row["message"]
    assert "copy the model's folder to" in row["next_step"]
    assert page.dismiss_speech_download(job)
    assert page.speech_models()["downloads"] == []


def test_only_sizes_of_whisper_are_fetched_and_only_ended_downloads_dismissed(page: SpeechModelCalls) -> None:
    with pytest.raises(UserError, match="no such size"):
        page.download_speech_model("someone/else")
    other = page.context.library.add_job("ask", {})
    with pytest.raises(UserError, match="not a download"):
        page.dismiss_speech_download(other)
