"""Summaries by the reader, by a scripted model that writes, and part by part."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from bench import Bench, Scripted, ScriptedChat
from hypothesis import given
from hypothesis import strategies as st

from longdoc.backends import Constraint, Decoded
from longdoc.cache.segment import Reading
from longdoc.errors import ModelError, Stopped, UserError
from longdoc.packing import Included
from longdoc.summarize import NONE_STATED, Section, Summary, summarize
from longdoc.summarize.chunked import parts
from longdoc.summarize.tasks import speaker_at, task_said, task_written
from longdoc.summarize.templates import MEETING
from longdoc.summarize.write import question_of
from longdoc.types import Document, ReadingPlan, Segment

DECIDED = "We have decided to raise the budget of the website to 4,000 euros."
TASK = "I will send the new plan to the whole team by Friday."
OPEN = "Who pays for the photographs? Nobody knows yet."
FILLER = "Some more talk about the website and its budget and the plan of the team went on here.\n"


def meeting_vtt(times: int = 1) -> str:
    said = [("Ann", "Welcome, today we talk about the budget of the website."), ("Bo", DECIDED), ("Ann", TASK)]
    said += [("Bo", FILLER.strip())] * times + [("Ann", OPEN)]
    cues = [
        f"00:{n // 60:02d}:{n % 60:02d}.000 --> 00:{n // 60:02d}:{n % 60:02d}.900\n<v {who}>{words}"
        for n, (who, words) in enumerate(said)
    ]
    return "WEBVTT\n\n" + "\n\n".join(cues) + "\n"


class PartChat(ScriptedChat):
    """Answers by what it was given to read: the lines of `says` whose words stand there, for their section."""

    def __init__(self, says: dict[str, list[tuple[str, str]]], breaks_on: str = "\0") -> None:
        super().__init__()
        self.says, self.breaks_on = says, breaks_on

    def decode(
        self,
        question_ids: Sequence[int],
        reading: Reading,
        plan: ReadingPlan,
        *,
        max_new_tokens: int,
        stop_ids: frozenset[int],
        stop: threading.Event,
        constraint: Constraint | None = None,
        evidence_tokens: int = 64,
    ) -> Iterator[Decoded]:
        text = self.tokenizer.decode(reading.token_ids)
        if self.breaks_on in text:
            raise ModelError("The model failed here.")
        question = self.tokenizer.decode(question_ids)
        title = next(form.title for form in MEETING if form.question in question)
        lines = [line for words, line in self.says.get(title, []) if words in text]
        self.script = {
            question.rpartition("Question: ")[2].strip().removesuffix("assistant:").strip(): "\n".join(lines)
            or NONE_STATED
        }
        yield from super().decode(
            question_ids, reading, plan, max_new_tokens=max_new_tokens, stop_ids=stop_ids, stop=stop,
            constraint=constraint, evidence_tokens=evidence_tokens,
        )  # fmt: skip


def by_title(summary: Summary) -> dict[str, Section]:
    return {section.title: section for section in summary.sections}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[list[Bench]]:
    made: list[Bench] = []
    yield made
    for one in made:
        one.close()


def opened(desk: list[Bench], tmp_path: Path, model: Scripted, **fields: object) -> Bench:
    desk.append(Bench(tmp_path / "home", model, **fields))
    return desk[-1]


def test_a_scripted_model_writes_tasks_with_owner_and_date_and_points_without_evidence_are_marked(
    desk: list[Bench], tmp_path: Path
) -> None:
    grows = f'- The budget grows to 4,000 euros. "{DECIDED}"'
    send, sing = f'- Ann | send the new plan | Friday "{TASK}"', '- None stated | sing | none stated "la la la"'
    says = {
        "Decisions": [("decided", grows), ("decided", "- Cake for everybody.")],
        "Action items": [("Friday", send), ("Friday", sing)],
    }
    bench = opened(desk, tmp_path, PartChat(says))
    item = bench.write(tmp_path / "meeting.vtt", meeting_vtt())
    made = summarize(bench.desk, item, "meeting", bench.how)
    assert made.method == "written"
    found = by_title(made)
    budget, cake = found["Decisions"].items
    assert budget.text == "The budget grows to 4,000 euros."
    assert budget.supported
    assert budget.start_s == 1.0
    assert not cake.supported
    first, second = found["Action items"].items
    assert (first.owner, first.text, first.due) == ("Ann", "send the new plan", "Friday")
    assert first.citations[0].status == "verified"
    assert (second.owner, second.due, second.supported) == ("", "", False)
    assert [one.text for one in found["Open questions"].items] == [NONE_STATED]


def test_part_by_part_a_scripted_model_merges_and_no_part_is_lost_silently(desk: list[Bench], tmp_path: Path) -> None:
    points = [(f"point {n} ", f'- Point {n} is agreed. "point {n} of many"') for n in range(8)]
    merged = [("[1] Point 0", "- Points zero and one. [1, 2]"), ("[1] Point 0", "- Point 5 is agreed.")]
    bench = opened(desk, tmp_path, PartChat({"Decisions": [*points, *merged]}, breaks_on="point 3 "))
    lines = "".join(f"{FILLER * 90}Here is point {n} of many.\n" for n in range(8))
    item = bench.write(tmp_path / "long.txt", lines)
    made = summarize(bench.desk, item, "meeting", bench.how, "chunked")
    assert made.way == "chunked"
    assert made.parts == len(parts(item)) >= 8
    first, second = by_title(made)["Decisions"].items[:2]
    assert first.text == "Points zero and one."
    assert [c.quote for c in first.citations] == ["Here is point 0 of many.", "Here is point 1 of many."]
    assert [c.quote for c in second.citations] == ["Here is point 5 of many."]
    told = {omitted.what: omitted.reason for omitted in made.omitted}
    (broken,) = [what for what, reason in told.items() if "could not be summarised" in reason]
    assert "long.txt" in broken
    lost = {re.search(r"Point (\d)", what)[1] for what, reason in told.items() if "not taken up" in reason}  # type: ignore[index]
    assert lost == {"2", "4", "6", "7"}


def test_if_no_part_can_be_read_the_reason_is_told(desk: list[Bench], tmp_path: Path) -> None:
    bench = opened(desk, tmp_path, PartChat({}, breaks_on="website"))
    item = bench.write(tmp_path / "meeting.vtt", meeting_vtt())
    with pytest.raises(ModelError, match="failed here"):
        summarize(bench.desk, item, "meeting", bench.how, "chunked")


def test_the_readers_quote_comes_first_only_where_the_section_agrees(desk: list[Bench], tmp_path: Path) -> None:
    model = Scripted()
    bench = opened(desk, tmp_path, model)
    item = bench.write(tmp_path / "meeting.vtt", meeting_vtt(3))
    questions = {form.title: form.question for form in MEETING}
    model.script = {
        questions["Decisions"]: f"[1]<|quote|> {DECIDED}<|then|> 4,000 euros",
        questions["Open questions"]: f"[1]<|quote|> {DECIDED}<|then|> the budget",
    }
    found = by_title(summarize(bench.desk, item, "meeting", bench.how))
    (decision,) = found["Decisions"].items
    assert decision.text.endswith(DECIDED)
    assert decision.chosen_by == ("reader", "rank")
    (question,) = found["Open questions"].items
    assert question.text.endswith(OPEN)
    assert question.chosen_by == ("rank",)
    (task,) = found["Action items"].items
    assert (task.owner, task.due) == ("Ann", "Friday")


def test_what_is_over_the_window_is_still_summarised_and_that_is_said(desk: list[Bench], tmp_path: Path) -> None:
    bench = opened(desk, tmp_path, Scripted(window=3000))
    item = bench.write(tmp_path / "meeting.vtt", meeting_vtt(60))
    made = summarize(bench.desk, item, "meeting", bench.how)
    assert any("The reader chose nothing" in warning for warning in made.warnings)
    assert by_title(made)["Decisions"].items[0].text.endswith(DECIDED)


def test_without_a_model_none_is_asked(desk: list[Bench], tmp_path: Path) -> None:
    model = Scripted()
    bench = opened(desk, tmp_path, model)
    item = bench.write(tmp_path / "meeting.vtt", meeting_vtt())
    made = summarize(bench.desk, item, "meeting", bench.how, "extractive")
    assert model.prompts == []
    assert by_title(made)["Action items"].items[0].owner == "Ann"
    with pytest.raises(UserError, match="single, chunked, extractive"):
        summarize(bench.desk, item, "meeting", bench.how, "both")  # type: ignore[arg-type]


def test_extractive_part_by_part_lists_every_part_that_it_shows_nothing_of(desk: list[Bench], tmp_path: Path) -> None:
    bench = opened(desk, tmp_path, Scripted())
    item = bench.write(tmp_path / "meeting.vtt", meeting_vtt(500))
    made = summarize(bench.desk, item, "meeting", bench.how, "chunked")
    pieces = parts(item)
    assert made.parts == len(pieces) > 3
    shown = [(c.start, c.end) for section in made.sections for one in section.items for c in one.citations]
    held = [any(a < end and start < b for start, end in shown for a, b in piece.ranges or ()) for piece in pieces]
    listed = {omitted.what for omitted in made.omitted}
    assert listed == {str(piece.title) for piece, there in zip(pieces, held, strict=True) if not there}


def test_stop_ends_a_summary_part_by_part(desk: list[Bench], tmp_path: Path) -> None:
    bench = opened(desk, tmp_path, PartChat({}))
    item = bench.write(tmp_path / "meeting.vtt", meeting_vtt())
    bench.desk.stop.set()
    with pytest.raises(Stopped):
        summarize(bench.desk, item, "meeting", bench.how, "chunked")


@given(st.lists(st.text("ab .\n", max_size=60), max_size=30).map("\n".join), st.integers(1, 200))
def test_parts_hold_the_whole_text_in_order(text: str, characters: int) -> None:
    item = Included(Document("d", "s", "a", text), "a", "m")
    joined = "".join(text[a:b] for piece in parts(item, characters) for a, b in piece.ranges or ())
    assert joined == text


@pytest.mark.parametrize(
    ("sentence", "speaker", "owner", "due"),
    [
        ("Ann: I will send it by Friday.", "Ann", "Ann", "Friday"),
        ("I order the cases by Thursday, the second of April.", "Hanne", "Hanne", "Thursday, the second of April"),
        ("Maria Lopez will call them before 12 May 2026.", "Ann", "Maria Lopez", "12 May 2026"),
        ("That will be done by the end of the week.", "Ann", "", "the end of the week"),
        ("I will do it.", "", "", ""),
        ("You must pay on 2026-03-01.", "Ann", "", "2026-03-01"),
    ],
)
def test_owner_and_date_are_only_what_is_said(sentence: str, speaker: str, owner: str, due: str) -> None:
    task = task_said(sentence, speaker)
    assert (task.owner, task.due) == (owner, due)


def test_a_written_task_may_lack_everything_but_its_words() -> None:
    assert task_written("Ann | call | Friday").owner == "Ann"
    assert task_written("call them") == task_written("None stated | call them | none")


def test_who_speaks_is_known_from_the_transcript_or_not_at_all() -> None:
    segments = (Segment(0, 6, "utterance", "0:00"), Segment(7, 15, "utterance", "0:02"))
    named = Document("d", "s", "a", "Hello.\nBo: yes.", segments, details={"speakers": ["Ann", ""]})
    assert (speaker_at(named, 2), speaker_at(named, 8)) == ("Ann", "Bo")
    assert speaker_at(Document("d", "s", "a", "Hello."), 2) == ""


def test_the_question_for_tasks_asks_for_owner_and_date() -> None:
    tasks = next(form for form in MEETING if form.tasks)
    assert "owner | task | due date" in question_of(tasks)
