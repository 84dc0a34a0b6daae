"""This ensures that speakers are told apart where prints differ, and never guessed. Prints are made by a stand-in."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
from sounds import RATE, tone, wav

from longdoc.errors import ModelError
from longdoc.settings import Settings
from longdoc.speech.speakers import available, separate, voice_print
from longdoc.speech.transcript import Utterance
from longdoc.store import Library
from longdoc.transcribe import transcribe


def pitch(samples: numpy.ndarray) -> numpy.ndarray:
    """A stand-in for a voice print: whether the sound is low or high."""
    spectrum = numpy.abs(numpy.fft.rfft(samples.astype(float)))
    low, high = spectrum[: len(spectrum) // 27].sum(), spectrum[len(spectrum) // 27 :].sum()
    return numpy.array([low, high])


def test_two_voices_are_two_speakers_in_the_order_of_speaking() -> None:
    sound = numpy.concatenate(
        [tone(2, hertz=900), tone(2, hertz=100), tone(2, hertz=905), tone(0.5), tone(2, hertz=102)]
    )
    said = [
        Utterance(0, 2, "a"),
        Utterance(2, 4, "b"),
        Utterance(4, 6, "c"),
        Utterance(6, 6.5, "mm"),
        Utterance(6.5, 8.5, "d"),
    ]
    pieces = [sound[k : k + 8000] for k in range(0, len(sound), 8000)]
    speakers = [u.speaker for u in separate(pieces, said, pitch)]
    assert speakers == ["Speaker 1", "Speaker 2", "Speaker 1", "Speaker 1", "Speaker 2"]


def test_a_name_given_by_hand_stays_and_a_short_word_alone_stays_unknown() -> None:
    sound = numpy.concatenate([tone(2, hertz=900), numpy.zeros(3 * RATE, numpy.int16), tone(0.5)])
    said = [Utterance(0, 2, "a", speaker="Hanne", named=True), Utterance(5, 5.5, "mm")]
    assert [u.speaker for u in separate([sound], said, pitch)] == ["Hanne", ""]


def test_utterances_past_the_end_of_the_sound_stay_unknown() -> None:
    assert [u.speaker for u in separate([tone(1)], [Utterance(5, 7, "a")], pitch)] == [""]


def test_without_a_model_nothing_is_separated(tmp_path: Path) -> None:
    assert not available(Path(""))
    assert not available(tmp_path)
    with pytest.raises(ModelError, match="Speakers cannot be separated here"):
        voice_print(tmp_path)


@pytest.mark.parametrize("model", [b"model", b"broken"])
def test_with_a_model_a_recording_has_speakers_and_without_a_good_one_says_why(
    model: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripted: Callable[[str], None]
) -> None:
    fakes = str(Path(__file__).resolve().parent / "fakes")
    monkeypatch.syspath_prepend(fakes)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((os.environ["PYTHONPATH"], fakes)))
    (tmp_path / "speakers").mkdir()
    (tmp_path / "speakers" / "print.onnx").write_bytes(model)
    path = tmp_path / "call.wav"
    path.write_bytes(wav(numpy.concatenate([tone(2, hertz=900), tone(2, hertz=100), tone(1, hertz=900)])))
    settings = Settings(home=tmp_path / "home", models=tmp_path, speaker_model=tmp_path / "speakers")
    with Library(settings) as library:
        found = transcribe(path, library, settings)
    speakers = [said.speaker for said in found.transcript.utterances]
    codes = {warned.code for warned in found.document.warnings}
    if model == b"model":
        assert speakers == ["Speaker 1", "Speaker 1", "Speaker 2", "Speaker 2", "Speaker 1"]
        assert found.document.text.startswith("Speaker 1: second")
        assert "no_speakers" not in codes
    else:
        assert speakers == [""] * 5
        assert {"no_speakers", "speakers_failed"} <= codes
