"""Subtitles become running text whose every utterance knows its time."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longdoc.settings import Settings
from longdoc.sources.loaded import Loaded
from longdoc.sources.subtitles import load_srt, load_vtt
from longdoc.sources.utterances import clock


def read(path: Path, text: str, loader=load_vtt) -> Loaded:
    path.write_text(text, encoding="utf-8", newline="")
    return loader(path, "a.vtt", Settings(), lambda *step: None, {})


def utterances(loaded: Loaded) -> list[tuple[str, float | None, float | None, str]]:
    return [(s.label, s.start_s, s.end_s, loaded.text[s.start : s.end]) for s in loaded.segments]


VTT = """WEBVTT - The meeting

NOTE
not spoken

STYLE
::cue { color: red }

first
00:01.000 --> 00:03.500 align:start position:10%
<v Mara Quist>We agreed on <i>ninety</i> days &amp; no more,

00:00:03.500 --> 00:05.000
<v Mara Quist>as the <00:00:04.000><c.loud>lease</c> says.

01:00:05.000 --> 01:00:07.000
<v.loud Jon>Fine\u200b.
"""


def test_cues_become_utterances_with_times_and_speakers(tmp_path: Path):
    loaded = read(tmp_path / "f", VTT)
    assert loaded.text == "Mara Quist: We agreed on ninety days & no more, as the lease says.\nJon: Fine.\n"
    assert utterances(loaded) == [
        ("00:00:01", 1.0, 3.5, "Mara Quist: We agreed on ninety days & no more,"),
        ("00:00:03", 3.5, 5.0, "as the lease says."),
        ("01:00:05", 3605.0, 3607.0, "Jon: Fine."),
    ]
    assert loaded.details["speakers"] == ["Mara Quist", "Mara Quist", "Jon"]
    assert [w.code for w in loaded.warnings] == ["invisible_text"]


SRT = (
    "1\r\n00:00:01,000 --> 00:00:02,000\r\n{\\an8}<b>Hello</b> there\r\n\r\n"
    "2\r\n00:00:02,100 --> 00:00:04,000 X1:10 X2:20\r\nmy\r\nfriend.\r\n"
    "3\r\n00:00:05,000 --> 00:00:06,000\r\nMARA: It is 1 < 2\r\n42\r\n\r\n"
    "4\r\nbad --> time\r\nlost\r\n\r\n"
    "5\r\n00:00:09.5 --> 00:00:08.0\r\nlate\r\n"
)


def test_small_breaches_of_the_standard_lose_nothing_but_what_has_no_time(tmp_path: Path):
    loaded = read(tmp_path / "f", SRT, load_srt)
    assert utterances(loaded) == [
        ("00:00:01", 1.0, 2.0, "Hello there"),
        ("00:00:02", 2.1, 4.0, "my friend."),
        ("00:00:05", 5.0, 6.0, "MARA: It is 1 < 2 42"),
        ("00:00:09", 9.5, 9.5, "late"),
    ]
    assert loaded.text == "Hello there my friend.\nMARA: It is 1 < 2 42\nlate\n"
    assert loaded.details["speakers"] == ["", "", "MARA", ""]
    assert [w.code for w in loaded.warnings] == ["skipped_cue"]


ROLLING = """WEBVTT

00:00:01.000 --> 00:00:03.000
hello everyone and

00:00:03.000 --> 00:00:03.010
hello everyone and

00:00:03.010 --> 00:00:05.000
hello everyone and
welcome to the show

00:00:05.000 --> 00:00:07.000
welcome to the show
tonight
"""


def test_captions_that_roll_up_are_said_once(tmp_path: Path):
    assert read(tmp_path / "f", ROLLING).text == "hello everyone and welcome to the show tonight\n"


def test_words_that_were_said_twice_stay_twice(tmp_path: Path):
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nNo.\n\n00:02.000 --> 00:03.000\nNo.\n"
    assert read(tmp_path / "f", text).text == "No.\nNo.\n"


def test_a_pause_begins_a_new_line(tmp_path: Path):
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nso then\n\n00:10.000 --> 00:11.000\nanyway\n"
    assert read(tmp_path / "f", text).text == "so then\nanyway\n"


@pytest.mark.parametrize("text", ["WEBVTT\n", "WEBVTT\n\nNOTE only a note\n"])
def test_no_cue_gives_no_text(text: str, tmp_path: Path):
    assert read(tmp_path / "f", text).text == ""


cue_words = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=15)


@given(st.lists(cue_words, min_size=1, max_size=12), st.booleans())
@settings(deadline=None)
def test_every_cue_is_found_at_its_own_range(words: list[str], webvtt: bool):
    lines = ["WEBVTT", ""] if webvtt else []
    for n, cue in enumerate(words):
        # Letters first, so that no cue is taken for a number; a gap, so that none is taken for rolling.
        times = f"{clock(10 * n)}.250 --> {clock(10 * n + 5)}.000"
        lines += [str(n), times if webvtt else times.replace(".", ","), "w" + cue, ""]
    with tempfile.TemporaryDirectory() as folder:
        loaded = read(Path(folder) / "f", "\n".join(lines), load_vtt if webvtt else load_srt)
    assert [loaded.text[s.start : s.end] for s in loaded.segments] == ["w" + cue for cue in words]
    assert [s.start_s for s in loaded.segments] == [10 * n + 0.25 for n in range(len(words))]
