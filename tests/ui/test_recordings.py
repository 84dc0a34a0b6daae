from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from recorded import meeting_lines, put_recording, sound, spoken

from longdoc.errors import LongDocError, SourceError, StoreError, UserError
from longdoc.ui.library import LibraryCalls
from longdoc.ui.reader import Reader
from longdoc.ui.recordings import RecordingCalls


@pytest.fixture
def recorded(make_context: Any, tmp_path: Path) -> tuple[Any, RecordingCalls, int]:
    """A server with the sample meeting transcribed."""
    context = make_context()
    transcript = put_recording(context, sound(tmp_path / "meeting.wav", 20), meeting_lines())
    return context, RecordingCalls(context), transcript


def test_a_recording_is_listed_with_its_engine_and_that_it_is_rough(recorded: Any) -> None:
    _, calls, transcript = recorded
    (row,) = calls.recordings()["rows"]
    assert row["transcript"] == transcript
    assert row["name"] == "meeting.wav"
    assert row["engine_note"] == "PocketSphinx, rough"
    assert row["rough"] is True
    assert row["complete"] is True
    assert row["resume"] is None


def test_lines_come_from_where_the_page_is_on_and_none_twice(recorded: Any) -> None:
    _, calls, transcript = recorded
    first, rest = calls.transcript(transcript), calls.transcript(transcript, after=40)
    assert [line["n"] for line in first["lines"]] == list(range(46))
    assert rest["lines"] == first["lines"][40:]
    assert first["speakers"] == ["Hanne", "Ruben"]
    assert calls.transcript(transcript, after=46)["lines"] == []


def test_a_stopped_transcription_is_partial_and_can_be_resumed(make_context: Any, tmp_path: Path) -> None:
    context = make_context(started=False)
    calls = RecordingCalls(context)
    transcript = put_recording(context, sound(tmp_path / "half.wav", 90), meeting_lines(), until_s=40.0)
    (row,) = calls.recordings()["rows"]
    assert row["partial"] == "Transcribed until 0:40 of 1:30."
    assert row["resume"] == transcript
    job = context.library.job(calls.resume(transcript))
    assert job.request["source"] == row["source"]
    assert job.request["engine"] == "sphinx"
    (row,) = calls.recordings()["rows"]
    assert (row["job"], row["resume"]) == (job.id, None)
    with pytest.raises(UserError, match="is being transcribed"):
        calls.resume(transcript)
    with pytest.raises(UserError, match="is being transcribed"):
        calls.delete_recording(transcript)


def test_corrections_and_names_are_in_every_export_and_in_the_document(recorded: Any) -> None:
    context, calls, transcript = recorded
    before = calls.recording_document(transcript)
    line = calls.edit_line(transcript, 0, "Good morning,  Tjorven.")
    assert (line["text"], line["edited"]) == ("Good morning, Tjorven.", True)
    assert calls.rename_speaker(transcript, "Hanne", "Johanna") == 23
    assert calls.rename_speaker(transcript, "Ruben", "Robin", number=1) == 1
    made = json.loads(calls.export_transcript(transcript, "json")["text"])
    assert made["segments"][0]["text"] == "Good morning, Tjorven."
    assert [row["speaker"] for row in made["segments"][:4]] == ["Johanna", "Robin", "Johanna", "Ruben"]
    assert calls.export_transcript(transcript, "srt")["name"] == "meeting.srt"
    after = calls.recording_document(transcript)
    assert after != before
    assert context.library.document(after).text.startswith("Johanna: Good morning, Tjorven.\nRobin: ")
    with pytest.raises(StoreError):
        context.library.document(before)


def test_the_document_follows_corrections_by_itself(recorded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longdoc.ui.recordings._RENEW_AFTER_S", 0.05)
    context, calls, transcript = recorded
    calls.recording_document(transcript)
    calls.edit_line(transcript, 0, "Another beginning.")
    for _ in range(200):
        document = context.library.transcript_item(transcript).document_id
        try:
            if "Another beginning." in context.library.document(document).text:
                return
        except LongDocError:  # between the old one and the new
            pass
        time.sleep(0.05)
    raise AssertionError("the document was not made anew")


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("edit_line", {"number": 999, "text": "x"}),
        ("edit_line", {"number": 0, "text": "x" * 5000}),
        ("rename_speaker", {"old": "Hanne", "new": "  "}),
        ("export_transcript", {"form": "exe"}),
        ("summarize", {"template": "poem"}),
        ("transcribe_again", {"engine": "other"}),
        ("transcribe_again", {"engine": "sphinx", "language": "../x"}),
        ("resume", {}),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(recorded: Any, call: str, arguments: dict[str, Any]) -> None:
    _, calls, transcript = recorded
    with pytest.raises(LongDocError) as refused:
        getattr(calls, call)(transcript, **arguments)
    assert refused.value.message


def test_a_summary_is_a_job_and_stays_with_the_recording(recorded: Any) -> None:
    context, calls, transcript = recorded
    assert calls.summary(transcript) == {"running": None, "summary": None, "message": ""}
    job = calls.summarize(transcript)
    assert context.worker.wait(job).state == "done"
    made = calls.summary(transcript)["summary"]
    assert "cannot write a summary in its own words" in made["how"]
    sections = {section["title"]: section["items"] for section in made["sections"]}
    assert list(sections) == ["Overview", "Decisions", "Action items", "Open questions"]
    assert len(sections["Decisions"]) == 3
    dated = [item for item in sections["Action items"] if item["dated"]]
    assert [(item["owner"], item["due"]) for item in dated] == [
        ("Hanne", "Thursday, the second of April"),
        ("Ruben", "Friday, the twenty-seventh of March"),
    ]
    assert all(item["start"] is not None for items in sections.values() for item in items if item["stated"])


def test_nothing_said_cannot_be_summarised(make_context: Any, tmp_path: Path) -> None:
    context = make_context(started=False)
    calls = RecordingCalls(context)
    transcript = put_recording(context, sound(tmp_path / "silent.wav", 3, silent=True), [])
    (row,) = calls.recordings()["rows"]
    assert row["silent"] == "No speech found."
    with pytest.raises(SourceError, match="No speech found"):
        calls.summarize(transcript)


def test_a_deleted_recording_leaves_nothing_behind(recorded: Any) -> None:
    context, calls, transcript = recorded
    calls.recording_document(transcript)
    source = context.library.transcript_item(transcript).source
    calls.delete_recording(transcript)
    assert calls.recordings()["rows"] == []
    assert context.library.documents() == []
    assert not context.library.blobs.path(source.id).exists()


def test_a_refused_recording_has_a_card_of_its_own_until_dismissed(make_context: Any) -> None:
    context = make_context()
    calls = RecordingCalls(context)
    given = context.received / "a.mp3"
    given.write_text("These are notes and no sound. " * 50)
    job = calls.add_recording(str(given), "notes.mp3")
    assert context.worker.wait(job).state == "failed"
    (card,) = calls.recordings()["waiting"]
    assert card["name"] == "notes.mp3"
    assert "is not a recording that can be read" in card["message"]
    calls.dismiss_recording(job)
    assert calls.recordings()["waiting"] == []
    assert list(context.kept.iterdir()) == []


def test_an_answer_of_before_a_correction_still_tells_its_time(recorded: Any) -> None:
    from longdoc.ui.conversation import ConversationCalls

    context, calls, transcript = recorded
    budget = "The budget is forty-two thousand euros"
    context.engine.backend("reader").script = {"budget": (budget, "forty-two thousand euros")}
    talk = ConversationCalls(context)
    document = calls.recording_document(transcript)
    asked = talk.ask([{"id": document}], "What is the budget?")
    assert context.worker.wait(asked["job"]).state == "done"
    calls.edit_line(transcript, 0, "Corrected since.")
    calls.recording_document(transcript)
    found = calls.questions(transcript)
    assert found["thread"] == asked["thread"]
    (cite,) = found["turns"][0]["citations"]
    assert cite["deleted"] == "from an earlier version"
    assert cite["start_s"] == next(one.start_s for one in meeting_lines() if budget in one.text)


def test_the_reader_shows_a_transcript_by_line_with_its_times(make_context: Any, tmp_path: Path) -> None:
    context = make_context(started=False)
    lines = [spoken(float(n), n + 0.9, f"Sentence number {n} is said here.", "Ann") for n in range(2000)]
    transcript = put_recording(context, sound(tmp_path / "long.wav", 2), lines)
    document = RecordingCalls(context).recording_document(transcript)
    reader = Reader(context.library)
    about = reader.about(document)
    assert about["kind"] == "transcript"
    assert about["sound"] == context.library.transcript_item(transcript).source.id
    assert len(about["labels"]) > 1
    text = context.library.document(document).text
    start = text.index("Sentence number 1500")
    part = reader.part(document, reader.find_part(document, start), start, start + 20)
    marked = [line for line in part["said"] if line["pieces"][1]]
    assert [(line["start"], line["pieces"][1]) for line in marked] == [(1500.0, "Sentence number 1500")]
    held = [line for n in range(len(about["labels"])) for line in reader.part(document, n)["said"]]
    assert [line["start"] for line in held] == [float(n) for n in range(2000)]


def test_a_recording_added_among_the_documents_has_a_card_there_and_is_heard_as_one(
    make_context: Any, tmp_path: Path
) -> None:
    context = make_context(started=False)
    library, calls = LibraryCalls(context), RecordingCalls(context)
    job = library.add_upload(str(sound(context.received / "one", 2)), "standup.wav")
    local = library.add_path(str(sound(tmp_path / "two.wav", 2, silent=True)))
    assert [context.library.job(one).kind for one in (job, local)] == ["transcribe", "transcribe"]
    assert [(row["kind"], row["name"]) for row in library.adding()] == [
        ("transcribe", "standup.wav"),
        ("transcribe", "two.wav"),
    ]
    assert [row["name"] for row in calls.recordings()["waiting"]] == ["standup.wav", "two.wav"]
    library.dismiss(job)
    assert [row["id"] for row in library.adding()] == [local]
    context.worker.start()
    ended = context.worker.wait(local, 120)
    assert "No speech found" in ended.message
    assert library.adding()[0]["state"] == "failed"
    context.received.mkdir(exist_ok=True)
    other = calls.add_recording(str(sound(context.received / "three", 2, silent=True)), "three.wav")
    with pytest.raises(UserError):  # what was begun on the other page is not a card here
        library.dismiss(other)
