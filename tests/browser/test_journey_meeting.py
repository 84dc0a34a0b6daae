"""Journey 2: a meeting, from recording to owners and dates. What is heard and answered comes from scripts.

The offline engine cannot hear names right, so a scripted engine stands in for it, in the real
child process, store and jobs. Numbers in comments are the steps of the journey.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from recorded import ROOT, meeting_lines, sound
from scripted import Scripted
from sounds import RATE, meeting, wav

from longdoc.speech import ENGINES, EngineRow

BUDGET = (
    "So we decide the following. The budget is forty-two thousand euros, "
    "and six thousand five hundred of it are held back as a reserve."
)
SCRIPT = {"budget": (BUDGET, "The budget is forty-two thousand euros, six thousand five hundred of it a reserve.")}
NAME = "Tjorven Aakre"
_TIMES = re.compile(r"(\d\d):(\d\d):(\d\d)[.,](\d{3}) --> (\d\d):(\d\d):(\d\d)[.,](\d{3})")


@pytest.fixture
def scripted_speech(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[float], Any]:
    """Offer the scripted engine; return what lets it hear up to a second of the recording."""
    gate = tmp_path / "until"
    row = EngineRow("scripted", "Scripted", "scripted_speech:engine", rough=True)
    monkeypatch.setitem(ENGINES, "scripted", row)
    path = os.pathsep.join([str(Path(__file__).parent), str(ROOT / "assets"), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path.rstrip(os.pathsep))
    monkeypatch.setenv("SCRIPTED_SPEECH_UNTIL", str(gate))
    return lambda until_s: gate.with_suffix(".new").write_text(str(until_s)) and gate.with_suffix(".new").replace(gate)


def clocks(page: Any) -> list[str]:
    return page.locator(".ld-line-said .ld-time").all_text_contents()


def seconds(clock: str) -> int:
    minutes, rest = clock.split(":")
    return 60 * int(minutes) + int(rest)


def at(page: Any) -> float:
    return float(page.evaluate("document.querySelector('audio').currentTime"))


def plays_from(page: Any, start_s: float) -> None:
    """The player runs from a time; what has passed since the click is allowed for."""
    page.wait_for_function("!document.querySelector('audio').paused && document.querySelector('audio').readyState > 1")
    assert start_s - 0.1 <= at(page) < start_s + 6
    assert page.locator(".ld-line-said.ld-now").count() == 1
    page.evaluate("document.querySelector('audio').pause()")


def add(page: Any, path: Path, terms: str = "", engine: str = "scripted") -> None:
    page.set_input_files(".ld-add-recording input[type=file]", path)
    page.get_by_role("textbox", name="Names and terms").fill(terms)
    page.get_by_text("Language, engine, quality").click()
    page.get_by_role("combobox", name="Engine").select_option(engine)
    page.get_by_text("Language, engine, quality").click()
    page.get_by_role("button", name="Transcribe", exact=True).click()


def downloaded(page: Any, label: str) -> str:
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as saved:
        page.get_by_role("dialog").get_by_role("button", name=label, exact=True).click()
    return Path(saved.value.path()).read_text(encoding="utf-8")


def test_meeting_journey_with_a_scripted_speech_engine_and_scripted_answers(
    serve_with: Callable[..., Any],
    open_page: Callable[..., Any],
    axe: Callable[[Any], list[str]],
    scripted_speech: Callable[[float], Any],
    tmp_path: Path,
) -> None:
    expected = meeting_lines()
    decided_s = next(one.start_s for one in expected if one.text == BUDGET)
    decided = f"{int(decided_s) // 60}:{int(decided_s) % 60:02d}"
    server = serve_with(Scripted(SCRIPT))
    page = open_page(server, "recordings")
    assert axe(page) == []

    # 1 upload, a name, Transcribe; what it does is said from the first; lines arrive in order with the time left
    add(page, sound(tmp_path / "meeting.wav", 360), NAME)
    card = page.get_by_role("listitem", name="meeting.wav")
    card.get_by_text("Loading model", exact=True).wait_for()
    scripted_speech(0)
    live = page.locator(".ld-live-row .ld-words")
    live.get_by_text("Finding speech", exact=True).wait_for()
    assert not clocks(page)
    scripted_speech(40)
    live.get_by_text(re.compile(r"\d:\d\d of 6:00, \d+ (s|min) left")).wait_for()
    page.locator(".ld-line-said").nth(4).wait_for()
    assert live.count() == 1
    context = server.context
    heard = [job for job in context.library.jobs() if job.kind == "transcribe"]
    stages = {context.worker.progress(job).get("stage") for job in heard}  # what is stored may be a second old
    assert stages == {"hearing"}
    assert page.locator(".ld-heard").inner_text().startswith("Heard by a scripted engine rough")

    # 2 it goes on while other pages are open, and without any
    page.get_by_role("link", name="Documents").click()
    page.wait_for_selector("#longdoc[data-started=done]")
    scripted_speech(60)
    page.get_by_role("link", name="Recordings").click()
    page.locator(".ld-line-said").nth(6).wait_for()
    page.close()
    scripted_speech(80)
    page = open_page(server, "recordings")
    page.locator(".ld-line-said").nth(8).wait_for()
    assert clocks(page) == sorted(clocks(page), key=seconds)

    # 3 Stop keeps what is done, marked partial; Resume adds what is missing, nothing twice
    scripted_speech(120)
    page.locator(".ld-line-said").nth(14).wait_for()
    page.locator(".ld-live-row").get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Resume").wait_for()
    page.get_by_text(re.compile(r"Partial\. Transcribed until \d:\d\d of 6:00\.")).wait_for()
    kept = clocks(page)
    assert 15 <= len(kept) < len(expected)
    assert axe(page) == []
    scripted_speech(1e9)
    page.get_by_role("button", name="Resume").click()
    page.locator(".ld-ready").wait_for()
    page.wait_for_function("n => document.querySelectorAll('.ld-line-said').length === n", arg=len(expected))
    assert clocks(page)[: len(kept)] == kept
    assert page.locator(".ld-words-said").all_text_contents() == [one.text for one in expected]

    # 4 the length, no words in the silence, the name as it was entered
    assert "6:00" in page.get_by_role("listitem", name="meeting.wav").inner_text()
    assert not [clock for clock in clocks(page) if 160 <= seconds(clock) < 200]
    assert page.get_by_text(NAME).count() == sum(NAME in one.text for one in expected)

    # 5 a time plays from there and the lit line follows
    fourth = next(n for n, one in enumerate(expected) if one.start_s >= 200)
    page.locator(".ld-line-said .ld-time").nth(fourth).click()
    page.wait_for_function("!document.querySelector('audio').paused")
    page.wait_for_function("s => document.querySelector('audio').currentTime >= s - 0.05", arg=expected[fourth].start_s)
    lit = page.locator(".ld-line-said.ld-now")
    assert lit.get_attribute("data-n") == str(fourth)
    page.evaluate("s => { document.querySelector('audio').currentTime = s; }", expected[fourth + 1].start_s + 0.1)
    page.wait_for_function("n => document.querySelector('.ld-now').dataset.n === n", arg=str(fourth + 1))
    page.evaluate("document.querySelector('audio').pause()")

    # 6 a speaker everywhere, another in one line
    page.get_by_role("button", name="Rename Speaker 1, at 0:00").click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Hanne")
    page.get_by_role("button", name=re.compile("^Everywhere")).click()
    page.get_by_role("button", name="Rename Hanne, at 0:00").wait_for()
    second = page.locator(".ld-speaker", has_text="Speaker 2").first
    second.click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Ruben")
    page.get_by_role("button", name="Only this line").click()
    page.locator(".ld-speaker", has_text="Ruben").wait_for()
    speakers = page.locator(".ld-speaker").all_text_contents()
    first_ruben = next(n for n, one in enumerate(expected) if one.speaker == "Ruben")
    wanted = ["Hanne" if one.speaker == "Hanne" else "Speaker 2" for one in expected]
    wanted[first_ruben] = "Ruben"
    assert speakers == wanted

    # 7 a corrected word stays
    line = page.locator(".ld-words-said").first
    line.click()
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.type(" Corrected.")
    page.locator(".ld-edited").wait_for()
    page.reload()
    page.locator(".ld-line-said").nth(len(expected) - 1).wait_for()
    assert page.locator(".ld-words-said").first.text_content().endswith("harbour museum. Corrected.")

    # 8 the summary: three decisions, two dated tasks with owners, open questions; times play
    page.get_by_role("button", name="Summarise").click()
    part = page.get_by_role("region", name="Decisions")
    part.wait_for()
    assert "cannot write a summary in its own words" in page.locator(".ld-how-made").inner_text()
    assert part.get_by_role("listitem").count() == 3
    rows = page.get_by_role("region", name="Action items table").locator("tbody tr")
    assert rows.count() == 2
    assert "Hanne" in rows.nth(0).inner_text()
    assert "Thursday, the second of April" in rows.nth(0).inner_text()
    assert "Friday, the twenty-seventh of March" in rows.nth(1).inner_text()
    assert page.get_by_role("region", name="Overview").get_by_role("listitem").count() >= 1
    assert "coaches" in page.get_by_role("region", name="Open questions").inner_text()
    for row, words in ((rows.nth(0), "display cases"), (rows.nth(1), "revised floor plan")):
        row.get_by_role("button", name=re.compile("^Play from")).click()
        plays_from(page, next(one.start_s for one in expected if words in one.text and "by " in one.text))
    part.get_by_role("button", name=re.compile(f"^Play from {decided},")).click()
    plays_from(page, decided_s)
    assert axe(page) == []

    # 9 a question: the answer cites a time and plays from there
    page.get_by_role("tab", name="Questions").click()
    question = page.get_by_role("textbox", name="Question")
    question.fill("What did we decide about the budget?")
    question.press("Enter")
    answer = page.get_by_role("article", name="What did we decide about the budget?")
    link = answer.get_by_role("link", name=re.compile(f"Citation 1, meeting.wav, 00:0{decided}, verified"))
    link.click()
    plays_from(page, decided_s)
    assert axe(page) == []

    # 10 exports: times rise and do not overlap, names and words are the corrected ones
    for label in ("SRT", "VTT"):
        text = downloaded(page, label)
        found = [[int(part) for part in match.groups()] for match in _TIMES.finditer(text)]
        times = [tuple((h * 60 + m) * 60 + c + ms / 1000 for h, m, c, ms in (row[:4], row[4:])) for row in found]
        assert len(times) >= len(expected)
        assert all(start < end for start, end in times)
        assert all(before[1] <= after[0] for before, after in pairwise(times))
        assert "Hanne" in text
        assert "Speaker 1" not in text
    assert "**[00:00:00] Hanne:**" in downloaded(page, "Markdown")
    made = json.loads(downloaded(page, "JSON"))
    assert "Corrected." in made["segments"][0]["text"]
    assert made["segments"][0]["edited"] is True

    # 11 silence and a lie, each on its own card; the transcript is untouched
    add(page, sound(tmp_path / "silence.wav", 5, silent=True))
    page.get_by_role("listitem", name="silence.wav").get_by_text("No speech found").first.wait_for()
    lie = tmp_path / "notes.mp3"
    lie.write_text("These are notes, not sound.\n" * 20)
    add(page, lie)
    page.get_by_role("listitem", name="notes.mp3").get_by_text("is not a recording that can be read").wait_for()
    page.get_by_role("button", name="meeting.wav", exact=True).click()
    page.wait_for_function("n => document.querySelectorAll('.ld-line-said').length === n", arg=len(expected))
    assert page.locator(".ld-words-said").first.text_content().endswith("Corrected.")
    assert axe(page) == []

    # 12 the same silence among the documents: a card there, which leads here
    page.get_by_role("link", name="Documents").click()
    page.wait_for_selector("#longdoc[data-started=done]")
    page.set_input_files("input[type=file]", tmp_path / "silence.wav")
    card = page.get_by_role("listitem", name="silence.wav")
    card.get_by_text("No speech found").first.wait_for()
    assert axe(page) == []
    card.get_by_role("link", name="Open silence.wav in Recordings").click()
    page.get_by_role("listitem", name="silence.wav").first.wait_for()


def test_the_engine_that_comes_along_is_called_rough_and_no_speaker_is_guessed(
    serve_with: Callable[..., Any], open_page: Callable[..., Any], axe: Callable[[Any], list[str]], tmp_path: Path
) -> None:
    """Step 6 without a speaker model, heard by the real offline engine: the first sentences of the sample meeting."""
    voice = tmp_path / "beginning.wav"
    voice.write_bytes(wav(meeting()[: 20 * RATE]))
    page = open_page(serve_with(Scripted(SCRIPT)), "recordings")
    add(page, voice, engine="sphinx")
    page.locator(".ld-ready").wait_for(timeout=120_000)
    heard = page.locator(".ld-heard")
    assert "Heard by PocketSphinx, an offline engine that is rough and knows English only" in heard.inner_text()
    assert heard.locator(".ld-rough").inner_text() == "rough"
    assert page.locator(".ld-line-said").count() >= 2
    assert "meeting" in " ".join(page.locator(".ld-words-said").all_text_contents())
    page.get_by_text("Speakers are not separated.", exact=True).wait_for()
    assert page.locator(".ld-speaker").count() == 0
    assert page.get_by_role("button", name=re.compile("^Rename")).count() == 0
    assert axe(page) == []
