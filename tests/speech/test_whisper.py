"""This ensures that the real faster-whisper runs: a tiny random model, the real child process, a real voice.

What it writes is noise; that it is loaded, run, timed, stored and resumed is not.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from sounds import RATE, meeting, wav
from toys_whisper import TOY_OF_MANY_LANGUAGES, toy_whisper

from longdoc.errors import LongDocError, ModelError, SourceError, Stopped, UserError
from longdoc.settings import Settings
from longdoc.speech import SpeechOptions
from longdoc.speech.export import export
from longdoc.speech.progress import Listening
from longdoc.speech.stretches import Stretch
from longdoc.speech.weights import SIZES, find, is_here, suited
from longdoc.speech.whisper import WhisperEngine, whisper_engine
from longdoc.store import Library
from longdoc.transcribe import transcribe

GB = 1_000_000_000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_whisper(tmp_path_factory.mktemp("whisper") / "tiny")


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seconds 130 to 175 of the meeting: speech, then silence."""
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    path.write_bytes(wav(meeting()[130 * RATE : 175 * RATE]))
    return path


def test_a_voice_becomes_utterances_with_words_and_times(
    model: Path, voice: Path, library: Library, settings: Settings
) -> None:
    steps: list[Listening] = []
    options = SpeechOptions(model=str(model), terms=("Tjorven Aakre",))
    found = transcribe(voice, library, settings, engine="whisper", options=options, on_progress=steps.append)
    assert found.transcript.engine == "whisper"
    assert found.transcript.engine_note == "Whisper tiny, int8, on the CPU"
    assert found.transcript.duration_s == pytest.approx(45, abs=0.1)
    assert found.transcript.utterances
    for said in found.transcript.utterances:
        assert 0 <= said.start_s <= said.end_s <= 45.1
        assert said.text
        assert said.confidence is not None
        assert 0 <= said.confidence <= 1
        assert all(said.start_s <= w.start_s <= w.end_s <= said.end_s for w in said.words)
    starts = [said.start_s for said in found.transcript.utterances]
    assert starts == sorted(starts)
    assert steps[0].stage == "loading"
    assert max(step.done_s for step in steps) == pytest.approx(45, abs=0.1)


def test_stopped_and_resumed_it_stores_each_stretch_once(
    model: Path, voice: Path, library: Library, settings: Settings
) -> None:
    stop = threading.Event()

    def after_one(step: Listening) -> None:
        if step.stage == "hearing" and step.utterances:
            stop.set()

    options = SpeechOptions(model=str(model), language="en")
    with pytest.raises(Stopped):
        transcribe(voice, library, settings, engine="whisper", options=options, on_progress=after_one, stop=stop)
    (item,) = library.transcript_items()
    before = library.transcript(item.id).utterances
    assert before
    assert all(said.end_s <= item.until_s + 1e-6 for said in before)
    found = transcribe(voice, library, settings, engine="whisper", options=options)
    assert found.transcript_id == item.id
    assert found.transcript.utterances[: len(before)] == before
    assert all(said.start_s >= item.until_s - 1e-6 for said in found.transcript.utterances[len(before) :])


@pytest.fixture(scope="module")
def dutch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of many languages that takes every voice for a Dutch one, at a probability of nearly one."""
    folder = tmp_path_factory.mktemp("whisper") / "tiny"
    return toy_whisper(folder, shape=TOY_OF_MANY_LANGUAGES, language="nl")


def test_the_language_is_found_kept_and_shown(dutch: Path, voice: Path, library: Library, settings: Settings) -> None:
    options = SpeechOptions(model=str(dutch))
    found = transcribe(voice, library, settings, engine="whisper", options=options)
    assert found.transcript.utterances
    assert found.transcript.language == "nl"
    assert library.transcript_items()[0].language == "nl"
    assert json.loads(export(found.transcript, "json", "voice.wav"))["language"] == "nl"
    # A language that was found counts as chosen: the recording is not heard again for it.
    assert not transcribe(voice, library, settings, options=SpeechOptions(language="nl")).is_new


def test_a_given_language_is_passed_on_and_none_is_looked_for(
    dutch: Path, voice: Path, library: Library, settings: Settings
) -> None:
    options = SpeechOptions(model=str(dutch), language="de")
    found = transcribe(voice, library, settings, engine="whisper", options=options)
    assert found.transcript.language == "de"


def test_the_language_of_the_first_speech_holds_for_the_rest(dutch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = whisper_engine(SpeechOptions(model=str(dutch)))
    given: list[str] = []
    run = WhisperEngine._run

    def spy(self: WhisperEngine, stretch: Stretch, language: str, terms: tuple[str, ...]) -> tuple[Any, Any]:
        given.append(language)
        segments, info = run(self, stretch, language, terms)
        assert (info.language, info.language_probability > 0.5) == ("nl", True)
        return segments, info

    monkeypatch.setattr(WhisperEngine, "_run", spy)
    sound = meeting()[: 45 * RATE]
    heard = list(engine.transcribe([sound], SpeechOptions(model=str(dutch)), threading.Event()))
    assert given == ["", *["nl"] * (len(given) - 1)]
    assert len(given) > 1
    assert {step.language for step in heard if step.utterances} == {"nl"}


def test_a_language_that_is_hardly_likelier_than_others_is_left_open(
    voice: Path, library: Library, settings: Settings, tmp_path: Path
) -> None:
    unsure = toy_whisper(tmp_path / "unsure", shape=TOY_OF_MANY_LANGUAGES)  # about 1 in 99 for each
    found = transcribe(voice, library, settings, engine="whisper", options=SpeechOptions(model=str(unsure)))
    assert found.transcript.utterances
    assert not found.transcript.language


def test_an_unknown_language_is_told(model: Path) -> None:
    with pytest.raises(UserError, match="does not know the language 'xx'"):
        whisper_engine(SpeechOptions(model=str(model), language="xx"))


def test_a_damaged_model_is_told_in_one_sentence(
    model: Path, voice: Path, library: Library, settings: Settings, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in model.iterdir():
        (broken / file.name).write_bytes(file.read_bytes()[: 2000 if file.name == "model.bin" else None])
    with pytest.raises(SourceError, match="The Whisper model in broken could not be loaded"):
        transcribe(voice, library, settings, engine="whisper", options=SpeechOptions(model=str(broken)))


def test_a_model_in_the_models_folder_is_found_and_chosen(model: Path, settings: Settings) -> None:
    assert not is_here("", settings)
    (settings.models / "whisper").mkdir(parents=True)
    (settings.models / "whisper" / "base").symlink_to(model)
    assert find("", settings) == find("base", settings) == settings.models / "whisper" / "base"
    assert is_here("", settings)
    assert not is_here("small", settings)


def test_a_missing_model_is_told_with_size_and_licence(settings: Settings) -> None:
    with pytest.raises(ModelError) as caught:
        find("small", settings)
    assert caught.value.code == "missing"
    assert "486 MB, MIT licence, from Systran/faster-whisper-small" in str(caught.value)


@pytest.mark.parametrize("name", ["enormous", "/no/such/folder"])
def test_an_unknown_size_is_told(name: str, settings: Settings) -> None:
    with pytest.raises(UserError, match="neither a size of Whisper nor a folder"):
        find(name, settings)


def test_an_incomplete_folder_is_told(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "model.bin").write_bytes(b"x")
    with pytest.raises(LongDocError, match=r"lacks config\.json, tokenizer\.json"):
        find(str(tmp_path / "part"), settings)


@pytest.mark.parametrize(
    ("n_cores", "memory_bytes", "gpu_bytes", "name"),
    [
        (2, GB // 2, 0, "tiny"),
        (2, 4 * GB, 0, "base"),
        (8, 16 * GB, 0, "small"),
        (8, 16 * GB, 6 * GB, "large-v3-turbo"),
        (8, 16 * GB, 24 * GB, "large-v3"),
    ],
)
def test_the_size_suits_the_machine(n_cores: int, memory_bytes: int, gpu_bytes: int, name: str) -> None:
    assert suited(n_cores, memory_bytes, gpu_bytes) == SIZES[name]
