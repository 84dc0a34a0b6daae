"""The published endpoint /transcribe, called as programs call it: words with times, errors in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from recorded import sound
from running import start_server, stop_server
from scripted import Scripted

from longdoc.speech import ENGINES, EngineRow

SPEECH = Path(__file__).resolve().parents[1] / "speech"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server whose offline engine says "second x N" for each second of sound, in the real child process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(SPEECH))
        patch.delenv("SCRIPTED_SPEECH", raising=False)
        row = EngineRow("sphinx", "Scripted", "scripted_speech:scripted_engine")
        patch.setitem(ENGINES, "sphinx", row)
        home = tmp_path_factory.mktemp("live")
        started = start_server(home, Scripted({"second x 2": ("second x 2", "second x 2")}))
        yield started
        stop_server(started)


def test_a_program_transcribes_a_recording_and_asks_about_it(server: Any, tmp_path: Path) -> None:
    client = Client(server.url, verbose=False, analytics_enabled=False)
    call = sound(tmp_path / "call.wav", 4)
    made = client.predict(handle_file(str(call)), "sphinx", "en", api_name="/transcribe")
    assert (made["engine"], made["engine_note"], made["language"]) == ("sphinx", "Scripted engine", "en")
    assert made["duration_s"] == pytest.approx(4, abs=0.01)
    said = [(line["start_s"], line["end_s"], line["text"], line["speaker"]) for line in made["segments"]]
    assert said == [(float(n), n + 1.0, f"second x {n}", None) for n in range(4)]
    assert all(line["confidence"] == 0.9 for line in made["segments"])
    answered = client.predict([made["document"]], "What is second x 2?", api_name="/ask")
    (cite,) = answered["answers"][0]["citations"]
    assert (cite["start_s"], cite["status"]) == (2.0, "verified")
    again = client.predict(handle_file(str(call)), api_name="/transcribe")  # known: not heard a second time
    assert again["document"] == made["document"]
    assert [item.source.name for item in server.context.library.transcript_items()] == ["call.wav"]


@pytest.mark.parametrize("given", [{"path": "/etc/passwd"}, {"path": 7}, "/etc/passwd", None])
def test_only_uploaded_files_are_transcribed(server: Any, given: Any) -> None:
    before = server.context.library.jobs()
    client = Client(server.url, verbose=False, analytics_enabled=False)
    with pytest.raises(Exception, match=r"was not uploaded here|takes an uploaded file"):
        client.predict(given, api_name="/transcribe")
    assert server.context.library.jobs() == before


@pytest.mark.parametrize(
    ("engine", "language", "words"),
    [
        ("sphinx", "", "No speech found in silence.wav"),
        ("nonsense", "", "no such way to transcribe"),
        ("auto", "../x", "A language is given by its code"),
        ("whisper", "", "No Whisper model is on this computer"),
    ],
)
def test_what_cannot_be_transcribed_is_one_sentence(
    server: Any, tmp_path: Path, engine: str, language: str, words: str
) -> None:
    client = Client(server.url, verbose=False, analytics_enabled=False)
    silence = sound(tmp_path / "silence.wav", 3, silent=True)
    with pytest.raises(Exception, match=words) as caught:
        client.predict(handle_file(str(silence)), engine, language, api_name="/transcribe")
    assert "Traceback" not in str(caught.value)
