"""This ensures that the offline engine hears the committed sample without network or download."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sounds import RATE, meeting, wav

from longdoc.cli import run
from longdoc.errors import UserError
from longdoc.settings import Settings
from longdoc.speech import ENGINES, SpeechOptions
from longdoc.speech.sphinx import sphinx_engine


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return four seconds of the meeting: The trustees offered us forty-two thousand euros."""
    monkeypatch.setenv("LONGDOC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LONGDOC_MODELS", str(tmp_path / "models"))
    path = tmp_path / "clip.wav"
    path.write_bytes(wav(meeting()[round(24.5 * RATE) : round(28.5 * RATE)]))
    return path


def test_the_command_hears_words_with_times(clip: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["transcribe", str(clip), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["engine"] == "sphinx"
    assert "rough" in found["engine_note"]
    assert found["language"] == "en"
    assert found["duration_s"] == pytest.approx(4, abs=0.1)
    text = " ".join(segment["text"] for segment in found["segments"])
    assert "thousand" in text
    words = [word for segment in found["segments"] for word in segment["words"]]
    assert all(0 <= w["start_s"] < w["end_s"] <= 4.1 for w in words)
    assert {"start_s", "end_s", "text", "speaker", "confidence"} <= set(found["segments"][0])
    # It is in the library now: other forms are written without hearing it again.
    assert run(["transcribe", str(clip), "--format", "vtt", "-o", str(tmp_path / "clip.vtt")]) == 0
    assert (tmp_path / "clip.vtt").read_text().startswith("WEBVTT\n")


def test_bad_requests_are_told(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["transcribe", "http://example.org/a.mp3"]) == 2
    assert "is an address" in capsys.readouterr().err
    assert run(["transcribe", str(clip), "--engine", "whisper"]) == 2
    assert "MIT licence" in capsys.readouterr().err
    assert run(["transcribe", str(clip), "--language", "de"]) == 2
    assert "understands English only" in capsys.readouterr().err


def test_other_languages_are_refused() -> None:
    with pytest.raises(UserError):
        sphinx_engine(SpeechOptions(language="de"))


def test_it_is_the_rough_one_and_the_default_without_a_model(tmp_path: Path) -> None:
    from longdoc.sources.audio import chosen_engine

    assert ENGINES["sphinx"].rough
    assert chosen_engine(Settings(home=tmp_path, models=tmp_path))[0] == "sphinx"
