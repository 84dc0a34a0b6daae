from __future__ import annotations

import json
import re
import string
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longdoc.errors import UserError
from longdoc.speech.export import FORMS, MAX_LINE, cues, export
from longdoc.speech.transcript import NO_SPEECH, SPEAKERS_NOT_SEPARATED, Transcript, Utterance, Word

_TIMES = re.compile(r"(\d\d):(\d\d):(\d\d)[.,](\d{3}) --> (\d\d):(\d\d):(\d\d)[.,](\d{3})")


def said(start_s: float, end_s: float, text: str, speaker: str = "") -> Utterance:
    return Utterance(start_s, end_s, text, speaker, 0.9)


def transcript(*utterances: Utterance, **more: object) -> Transcript:
    return Transcript("scripted", "Scripted, rough", "en", 360.0, utterances, **more)  # type: ignore[arg-type]


MEETING = transcript(
    said(0.0, 4.5, "Shall we <begin> & see?", "Hanne"),
    said(4.5, 9.0, "The budget is 42,000 euros --> agreed.", "Ruben"),
    said(200.25, 203.0, "Thank you.", "Hanne"),
)


def times(text: str) -> list[tuple[float, float]]:
    found = []
    for match in _TIMES.finditer(text):
        h1, m1, s1, f1, h2, m2, s2, f2 = (int(group) for group in match.groups())
        found.append((h1 * 3600 + m1 * 60 + s1 + f1 / 1000, h2 * 3600 + m2 * 60 + s2 + f2 / 1000))
    return found


def test_srt_is_numbered_timed_and_names_who_speaks() -> None:
    text = export(MEETING, "srt")
    assert text.startswith("1\n00:00:00,000 --> 00:00:04,500\nHanne: Shall we <begin> & see?\n\n2\n")
    assert times(text) == [(0.0, 4.5), (4.5, 9.0), (200.25, 203.0)]
    assert text.count("-->") == 3  # an arrow in the words is not one of times


def test_vtt_has_voices_and_escapes_what_its_markup_means() -> None:
    text = export(MEETING, "vtt")
    assert text.startswith("WEBVTT\n\nNOTE Scripted, rough\n\n00:00:00.000 --> 00:00:04.500\n<v Hanne>Shall we")
    assert "&lt;begin&gt; &amp; see?" in text
    assert text.count("-->") == 3


def test_text_and_markdown_say_times_speakers_and_the_engine() -> None:
    assert export(MEETING, "txt").splitlines()[2] == "[00:03:20] Hanne: Thank you."
    text = export(MEETING, "md", "A *meeting*")
    assert text.startswith("# A \\*meeting\\*\n\nLength 00:06:00; heard by Scripted, rough; language en.")
    assert "**[00:00:04] Ruben:** The budget is 42,000 euros --\\> agreed." in text
    assert SPEAKERS_NOT_SEPARATED not in text


def test_json_holds_every_word_and_what_a_person_corrected() -> None:
    words = (Word(0.0, 0.4, "Tjorven", 1.0), Word(0.4, 1.0, "Aakre", 0.5))
    made = json.loads(export(transcript(Utterance(0.0, 1.0, "Tjorven Aakre", words=words, edited=True)), "json", "a"))
    assert made["engine"] == "scripted"
    assert made["duration_s"] == 360.0
    (segment,) = made["segments"]
    assert segment["edited"] is True
    assert segment["speaker"] is None
    assert [word["text"] for word in segment["words"]] == ["Tjorven", "Aakre"]


def test_an_unfinished_transcript_says_so_in_every_form_that_people_read() -> None:
    partial = transcript(said(0, 1, "So far."), complete=False, until_s=120.0)
    for form in ("md", "vtt"):
        assert "transcribed until 00:02:00 of 00:06:00" in export(partial, form)
    assert json.loads(export(partial, "json"))["complete"] is False
    assert SPEAKERS_NOT_SEPARATED in export(partial, "md")


def test_silence_is_said_and_not_invented() -> None:
    assert export(transcript(), "txt") == f"{NO_SPEECH}\n"
    assert NO_SPEECH in export(transcript(), "md")
    assert times(export(transcript(), "srt")) == []
    assert export(transcript(), "vtt").startswith("WEBVTT")


def test_an_unknown_form_names_those_there_are() -> None:
    with pytest.raises(UserError, match="srt, vtt, txt, md, json"):
        export(MEETING, "docx")


def test_a_long_utterance_becomes_cues_at_the_times_of_its_words() -> None:
    spoken = [f"word{number:02d}" for number in range(40)]
    words = tuple(Word(float(n), n + 0.5, word, 1.0) for n, word in enumerate(spoken))
    made = cues([Utterance(0.0, 39.5, " ".join(spoken), words=words)])
    assert len(made) > 1
    at = 0
    for cue in made:
        n = len(cue.text.split())
        assert cue.start_s == float(at)
        assert cue.end_s == at + n - 0.5
        at += n


_WORD = st.text(string.ascii_letters + "éß-'&<>", min_size=1, max_size=30)
_UTTERANCE = st.builds(
    lambda start, length, spoken, speaker: said(start, start + length, " ".join(spoken), speaker),
    st.floats(0, 40_000),
    st.floats(0, 90),
    st.lists(_WORD, max_size=60),
    st.sampled_from(("", "Ann", "Bo of the harbour")),
)


@given(st.lists(_UTTERANCE, max_size=12))
def test_subtitle_times_rise_and_never_overlap_and_no_word_is_lost(utterances: list[Utterance]) -> None:
    made = transcript(*sorted(utterances, key=lambda one: one.start_s))
    shown = cues(made.utterances)
    expected = sorted(word for one in made.utterances for word in one.text.split())
    assert sorted(word for cue in shown for word in cue.text.split()) == expected
    for form in ("srt", "vtt"):
        found = times(export(made, form))
        assert len(found) == len(shown)
        assert all(start < end for start, end in found)
        assert all(before[1] <= after[0] for before, after in pairwise(found))


@given(st.lists(_UTTERANCE, max_size=4))
def test_every_form_can_be_made_of_every_transcript(utterances: list[Utterance]) -> None:
    for form in FORMS:
        assert isinstance(export(transcript(*utterances), form, "<b>"), str)


def test_lines_are_short_enough_for_a_screen() -> None:
    text = export(transcript(said(0, 30, "some words of a long sentence " * 12)), "vtt")
    assert max(len(line) for line in text.splitlines()) <= MAX_LINE
