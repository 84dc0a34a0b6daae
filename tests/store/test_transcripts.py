"""This ensures that what was heard is kept once, corrected in place, and goes with its recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from longdoc.errors import StoreError, UserError
from longdoc.files import sha256_file
from longdoc.settings import Settings
from longdoc.speech.transcript import Heard, Utterance, Word
from longdoc.store import Library
from longdoc.types import Source, Warned


@pytest.fixture
def shelf(tmp_path: Path):
    with Library(Settings(home=tmp_path / "home")) as library:
        yield library


@pytest.fixture
def source(tmp_path: Path, shelf: Library) -> Source:
    path = tmp_path / "call.wav"
    path.write_bytes(b"sound" * 100)
    found = Source(sha256_file(path), "call.wav", "audio/wav", 500, str(path))
    assert shelf.add_recording(found, path)
    assert not shelf.add_recording(found, path)
    return found


def said(start_s: float, text: str, speaker: str = "") -> Utterance:
    words = tuple(Word(start_s + k, start_s + k + 1, word, 0.5) for k, word in enumerate(text.split()))
    return Utterance(start_s, start_s + len(words), text, speaker, 0.5, words)


@pytest.fixture
def transcript(shelf: Library, source: Source) -> int:
    number = shelf.begin_transcript(source.id, "sphinx", "Rough", 20.0, {"language": ""})
    shelf.append_heard(number, Heard(5.0, (said(0, "one two", "A"), said(3, "three", "B")), "en"), after_s=0.0)
    shelf.append_heard(number, Heard(10.0, (said(6, "four", "A"),)), after_s=5.0)
    return number


def test_steps_come_back_as_they_were_stored(shelf: Library, transcript: int) -> None:
    found = shelf.transcript(transcript)
    assert found.utterances == (said(0, "one two", "A"), said(3, "three", "B"), said(6, "four", "A"))
    assert (found.engine, found.engine_note, found.language, found.until_s) == ("sphinx", "Rough", "en", 10.0)
    assert not found.complete
    assert found.speakers == ("A", "B")
    shelf.finish_transcript(transcript, 19.5, [Warned("truncated", "cut")])
    found = shelf.transcript(transcript)
    assert (found.complete, found.duration_s, found.warnings) == (True, 19.5, (Warned("truncated", "cut"),))


def test_a_step_is_stored_once_and_only_where_the_last_one_ended(shelf: Library, transcript: int) -> None:
    for after_s in (0.0, 5.0, 11.0):
        with pytest.raises(StoreError) as caught:
            shelf.append_heard(transcript, Heard(15.0, (said(12, "again"),)), after_s=after_s)
        assert caught.value.code == "conflict"
    assert len(shelf.transcript(transcript).utterances) == 3


def test_a_speaker_is_renamed_everywhere_or_once(shelf: Library, transcript: int) -> None:
    assert shelf.rename_speaker(transcript, "A", "Hanne: ") == 2
    assert shelf.rename_speaker(transcript, "Hanne", "Ruben", number=2) == 1
    assert shelf.rename_speaker(transcript, "nobody", "x") == 0
    assert [u.speaker for u in shelf.transcript(transcript).utterances] == ["Hanne", "B", "Ruben"]
    assert shelf.transcript_item(transcript).edited
    with pytest.raises(UserError):
        shelf.rename_speaker(transcript, "B", " : ")


def test_words_are_corrected_and_keep_their_times(shelf: Library, transcript: int) -> None:
    shelf.rename_speaker(transcript, "A", "Hanne")
    changed = shelf.edit_utterance(transcript, 0, "one  too\n")
    assert (changed.text, changed.edited, changed.named) == ("one too", True, True)
    assert shelf.transcript(transcript).utterances[0] == changed
    assert changed.words[0] == Word(0, 1, "one", 0.5)
    with pytest.raises(StoreError):
        shelf.edit_utterance(transcript, 9, "x")


def test_a_reopened_library_goes_on_where_it_was(shelf: Library, source: Source, transcript: int) -> None:
    shelf.close()
    with Library(shelf.settings) as again:
        assert again.unfinished_transcript(source.id) == again.transcript_of(source.id) == transcript
        assert Path(again.source(source.id).path).read_bytes() == b"sound" * 100  # the sweep left it alone
        assert not again.check()


def test_removing_a_recording_removes_all_of_it(shelf: Library, source: Source, transcript: int) -> None:
    file = Path(shelf.source(source.id).path)
    shelf.remove_recording(source.id)
    assert not file.exists()
    assert shelf.transcript_of(source.id) is None
    for call in (shelf.transcript, shelf.transcript_item, shelf.remove_transcript):
        with pytest.raises(StoreError) as caught:
            call(transcript)
        assert caught.value.code == "not_found"
    assert not shelf.check()


def test_an_unknown_recording_has_no_transcript(shelf: Library) -> None:
    with pytest.raises(StoreError):
        shelf.begin_transcript("0" * 64, "sphinx", "", 1.0, {})
