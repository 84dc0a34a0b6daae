"""The verb: heard once, stored step by step, stopped, killed, resumed, corrected, heard anew."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
from sounds import endless_flac, sparse_wav, tone, wav

from longdoc.errors import SourceError, Stopped, StoreError
from longdoc.ingest import add
from longdoc.settings import Settings
from longdoc.speech import SpeechOptions
from longdoc.speech.progress import Listening
from longdoc.store import Library
from longdoc.transcribe import document_of, transcribe

Script = Callable[[str], None]
_RUN = """
import sys
from pathlib import Path
from longdoc.settings import Settings
from longdoc.speech import ENGINES, EngineRow
from longdoc.store import Library
from longdoc.transcribe import transcribe
ENGINES["sphinx"] = EngineRow("sphinx", "Scripted", "scripted_speech:scripted_engine")
settings = Settings(home=Path(sys.argv[2]), models=Path(sys.argv[2]))
transcribe(Path(sys.argv[1]), Library(settings), settings, on_progress=lambda step: print(step.done_s, flush=True))
"""
SECONDS = [f"second x {n}" for n in range(8)]


def texts(library: Library, transcript_id: int | None) -> list[str]:
    assert transcript_id is not None
    return [said.text for said in library.transcript(transcript_id).utterances]


def test_a_recording_is_heard_whole_kept_and_not_heard_again(
    recording: Path, library: Library, settings: Settings, scripted: Script
) -> None:
    steps: list[Listening] = []
    found = transcribe(recording, library, settings, on_progress=steps.append)
    assert texts(library, found.transcript_id) == SECONDS
    assert found.transcript.complete
    assert found.transcript.duration_s == pytest.approx(8, abs=0.01)
    assert found.transcript.engine_note == "Scripted engine"
    assert found.transcript.language == "en"
    assert [step.stage for step in steps][:2] == ["loading", "finding"]
    done = [step.done_s for step in steps if step.stage == "hearing"]
    assert done == sorted(done)
    assert [u.text for step in steps for u in step.utterances] == SECONDS
    scripted("words never")
    assert not transcribe(recording, library, settings).is_new
    assert not library.check()


def test_its_document_has_an_utterance_with_times_for_each(
    recording: Path, library: Library, settings: Settings, scripted: Script
) -> None:
    found = transcribe(recording, library, settings)
    document = found.document
    assert [document.text[s.start : s.end] for s in document.segments] == SECONDS
    assert [(s.start_s, s.end_s, s.kind) for s in document.segments][3] == (3.0, 4.0, "utterance")
    assert document.segments[3].label == "00:00:03"
    assert "Heard by Scripted engine." in [w.message for w in document.warnings]
    assert "Speakers are not separated." in [w.message for w in document.warnings]
    assert library.document(document.id) == document


def test_stop_keeps_what_was_heard_and_resume_neither_loses_nor_doubles(
    recording: Path, library: Library, settings: Settings, scripted: Script
) -> None:
    scripted("slow 0.05")
    stop = threading.Event()

    def after_three(step: Listening) -> None:
        if step.done_s >= 3:
            stop.set()

    with pytest.raises(Stopped, match=r"Stopped at 0:0\d of 0:08\. What was heard is kept\."):
        transcribe(recording, library, settings, on_progress=after_three, stop=stop)
    kept = library.unfinished_transcript(library.transcript_items()[0].source.id)
    before = texts(library, kept)
    assert 3 <= len(before) < 8
    assert before == SECONDS[: len(before)]
    resumed: list[Listening] = []
    found = transcribe(recording, library, settings, on_progress=resumed.append)
    assert found.transcript_id == kept
    assert texts(library, kept) == SECONDS
    assert [u.text for step in resumed for u in step.utterances] == SECONDS[len(before) :]


def test_a_partial_transcript_can_be_asked_and_says_how_far_it_goes(
    recording: Path, library: Library, settings: Settings, scripted: Script
) -> None:
    scripted("crash 5")
    with pytest.raises(SourceError):
        transcribe(recording, library, settings)
    (item,) = library.transcript_items()
    document = document_of(library, item.id)
    assert "Transcribed until 00:00:05 of 00:00:08." in [w.message for w in document.warnings]


@pytest.mark.parametrize("fault", ["crash 4", "allocate 4", "hang 4"])
def test_an_engine_that_dies_costs_nothing_that_was_heard(
    recording: Path, library: Library, settings: Settings, scripted: Script, fault: str
) -> None:
    scripted(fault)
    brief = Settings(home=settings.home, models=settings.models, listening_silence_s=6.0)
    with pytest.raises(SourceError) as caught:
        transcribe(recording, library, brief)
    code = {"crash 4": "crashed", "allocate 4": "too_much_memory", "hang 4": "timeout"}[fault]
    assert caught.value.code == code
    assert texts(library, library.transcript_items()[0].id) == SECONDS[:4]
    scripted("")
    assert texts(library, transcribe(recording, library, settings).transcript_id) == SECONDS


def test_a_killed_process_loses_nothing(recording: Path, settings: Settings, scripted: Script, tmp_path: Path) -> None:
    scripted("slow 0.2")
    (tmp_path / "run.py").write_text(_RUN)
    root = str(Path(__file__).resolve().parents[2])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((root, os.environ["PYTHONPATH"]))}
    child = subprocess.Popen(
        [sys.executable, str(tmp_path / "run.py"), str(recording), str(settings.home)],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert child.stdout is not None
    for line in child.stdout:
        if float(line) >= 3:
            break
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    scripted("")
    with Library(settings) as library:
        (item,) = library.transcript_items()
        kept = texts(library, item.id)
        assert len(kept) >= 3
        assert kept == SECONDS[: len(kept)]
        assert texts(library, transcribe(recording, library, settings).transcript_id) == SECONDS
        assert not library.check()


def test_a_full_disk_ends_it_with_one_sentence_and_the_rest_is_heard_later(
    recording: Path, library: Library, settings: Settings, scripted: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Library.append_heard

    def full(self: Library, transcript_id: int, heard: object, *, after_s: float) -> None:
        if after_s >= 5:
            raise StoreError("longdoc.db could not be saved: the disk is full.", code="disk")
        append(self, transcript_id, heard, after_s=after_s)  # type: ignore[arg-type]

    monkeypatch.setattr(Library, "append_heard", full)
    with pytest.raises(StoreError, match="the disk is full"):
        transcribe(recording, library, settings)
    monkeypatch.undo()
    assert texts(library, library.transcript_items()[0].id) == SECONDS[:5]


def test_hearing_anew_keeps_corrections_and_names(
    recording: Path, library: Library, settings: Settings, scripted: Script
) -> None:
    first = transcribe(recording, library, settings).transcript_id
    assert first is not None
    library.edit_utterance(first, 2, "Tjorven Aakre 2")
    library.rename_speaker(first, "", "Hanne", number=4)
    scripted("words y")
    found = transcribe(recording, library, settings, again=True)
    said = found.transcript.utterances
    assert [u.text for u in said] == ["second y 0", "second y 1", "Tjorven Aakre 2"] + [
        f"second y {n}" for n in range(3, 8)
    ]
    assert [u.speaker for u in said] == ["", "", "", "", "Hanne", "", "", ""]
    assert [item.id for item in library.transcript_items()] == [found.transcript_id]
    assert len(library.documents()) == 1


def test_hearing_anew_that_is_stopped_leaves_the_former_transcript(
    recording: Path, library: Library, settings: Settings, scripted: Script
) -> None:
    first = transcribe(recording, library, settings)
    scripted("words y\ncrash 3")
    with pytest.raises(SourceError):
        transcribe(recording, library, settings, again=True)
    assert library.transcript_of(first.source.id) == first.transcript_id
    assert texts(library, first.transcript_id) == SECONDS


def test_other_terms_or_another_language_hear_it_anew(
    recording: Path, library: Library, settings: Settings, scripted: Script
) -> None:
    transcribe(recording, library, settings)
    assert transcribe(recording, library, settings, options=SpeechOptions(terms=("Aakre",))).is_new
    assert not transcribe(recording, library, settings, options=SpeechOptions(language="en")).is_new


def test_silence_is_told_and_no_success(tmp_path: Path, library: Library, settings: Settings, scripted: Script) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(wav(numpy.zeros(5 * 16_000, dtype=numpy.int16)))
    for _ in range(2):
        with pytest.raises(
            SourceError, match=r"No speech found in call\.wav \(0:05\)\. Is it the right file\?"
        ) as caught:
            transcribe(path, library, settings)
        assert caught.value.code == "no_speech"
    assert not library.documents()


def test_a_day_of_sound_is_refused_and_nothing_of_it_stays(
    tmp_path: Path, library: Library, settings: Settings, scripted: Script
) -> None:
    path = sparse_wav(tmp_path / "day.wav", 24 * 3600)
    with pytest.raises(SourceError, match=r"day\.wav lasts 24 hours, .* at most 12 hours") as caught:
        transcribe(path, library, settings)
    assert caught.value.code == "too_large"
    assert not library.transcript_items()
    assert not [file for file in settings.library.rglob("*") if file.is_file()]
    assert not library.check()


def test_what_turns_out_too_long_keeps_what_was_heard_and_a_higher_limit_hears_the_rest(
    tmp_path: Path, library: Library, settings: Settings, scripted: Script
) -> None:
    path = tmp_path / "endless.flac"
    path.write_bytes(endless_flac(tone(8)))
    with pytest.raises(SourceError, match=r"endless\.flac goes on after 5 s, .* at most 5 s") as caught:
        transcribe(path, library, replace(settings, max_recording_s=5.0))
    assert caught.value.code == "too_large"
    (item,) = library.transcript_items()
    kept = texts(library, item.id)
    assert kept
    assert kept == SECONDS[: len(kept)]
    assert len(kept) >= 4
    assert texts(library, transcribe(path, library, settings).transcript_id) == SECONDS


def test_a_recording_that_cannot_be_opened_is_not_kept(
    tmp_path: Path, library: Library, settings: Settings, scripted: Script
) -> None:
    path = tmp_path / "damaged.flac"
    path.write_bytes(b"fLaC" + b"no flac at all " * 50)
    with pytest.raises(SourceError, match=r"damaged\.flac"):
        transcribe(path, library, settings)
    assert not [file for file in settings.library.rglob("*") if file.is_file()]


def test_a_recording_is_added_like_any_source(
    recording: Path, library: Library, settings: Settings, scripted: Script
) -> None:
    told: list[str] = []
    added = add(recording, library, settings, on_progress=lambda done, total, what: told.append(what))
    assert added.is_new
    assert added.document.segments[1].start_s == 1.0
    assert any("of 0:08" in what for what in told)
    assert not add(recording, library, settings).is_new
    assert add(recording, None, settings).document.text == added.document.text


def test_a_correction_makes_a_new_document_in_place_of_the_old(
    recording: Path, library: Library, settings: Settings, scripted: Script
) -> None:
    found = transcribe(recording, library, settings)
    assert found.transcript_id is not None
    collection = library.add_collection("Calls", [found.document.id])
    library.edit_utterance(found.transcript_id, 0, "corrected")
    document = document_of(library, found.transcript_id)
    assert document.text.startswith("corrected second x 1")
    assert [item.document_id for item in library.documents()] == [document.id]
    assert library.collection(collection).document_ids == (document.id,)
    assert not library.check()


def test_stop_takes_no_longer_than_a_second_or_two(
    recording: Path, library: Library, settings: Settings, scripted: Script
) -> None:
    scripted("hang 2")
    stop = threading.Event()
    threads_before = threading.active_count()

    def soon(step: Listening) -> None:
        if step.done_s >= 2:
            threading.Timer(0.1, stop.set).start()

    with pytest.raises(Stopped):  # the engine itself never looks at the flag
        transcribe(recording, library, settings, on_progress=soon, stop=stop)
    deadline = time.monotonic() + 5
    while threading.active_count() > threads_before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= threads_before


def test_two_at_once_never_store_a_line_twice(
    recording: Path, library: Library, settings: Settings, scripted: Script
) -> None:
    errors: list[Exception] = []
    scripted("slow 0.05")

    def run() -> None:
        try:
            transcribe(recording, library, settings)
        except StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [texts(library, item.id) for item in library.transcript_items()][-1] == SECONDS


def test_tones_of_other_lengths_end_where_the_sound_ends(
    tmp_path: Path, library: Library, settings: Settings, scripted: Script
) -> None:
    path = tmp_path / "short.wav"
    path.write_bytes(wav(tone(2.25)))
    assert transcribe(path, library, settings).transcript.duration_s == pytest.approx(2.25, abs=0.01)
