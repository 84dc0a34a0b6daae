"""A library, recordings, and a scripted engine in place of the real ones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the toys shared by several folders

from sounds import tone, wav

from longdoc.settings import Settings
from longdoc.speech import ENGINES, EngineRow
from longdoc.store import Library

_HERE = Path(__file__).resolve().parent


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", models=tmp_path / "models")


@pytest.fixture
def library(settings: Settings) -> Iterator[Library]:
    with Library(settings) as opened:
        yield opened


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Put the scripted engine in place of PocketSphinx; call it with another script to change what it does."""
    script = tmp_path / "script"
    script.write_text("")
    monkeypatch.setenv("SCRIPTED_SPEECH", str(script))
    monkeypatch.setenv("PYTHONPATH", str(_HERE))
    row = EngineRow("sphinx", "Scripted", "scripted_speech:scripted_engine")
    monkeypatch.setitem(ENGINES, "sphinx", row)
    return lambda text: script.write_text(text) and None


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Eight seconds of tone."""
    path = tmp_path / "call.wav"
    path.write_bytes(wav(tone(8)))
    return path
