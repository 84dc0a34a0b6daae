"""This ensures that transcripts in plain text are told from other text, and their turns named."""

from __future__ import annotations

import pytest

from longdoc.sources.loaded import TextBuilder
from longdoc.sources.turns import add_turns

TALK = "\n".join(f"{name}: what {k} is" for k, name in enumerate(["Hanne", "Ruben Aas", "Hanne"] * 3))
TIMED = "\n".join(f"[00:0{k}:05] {name}: what {k} is" for k, name in enumerate(["Hanne", "Ruben"] * 4))


def read(text: str):
    builder = TextBuilder()
    builder.add(text)
    speakers = add_turns(text, builder)
    return speakers, builder.build("x").segments


def test_turns_are_utterances_with_speakers() -> None:
    speakers, segments = read(TALK)
    assert speakers == ["Hanne", "Ruben Aas", "Hanne"] * 3
    assert [TALK[s.start : s.end] for s in segments] == TALK.split("\n")
    assert segments[1].label == "turn 2"
    assert segments[1].start_s is None


def test_times_are_read_where_every_turn_has_one() -> None:
    _, segments = read(TIMED)
    assert (segments[2].start_s, segments[2].end_s, segments[2].label) == (125.0, 185.0, "00:02:05")


def test_a_turn_of_several_paragraphs_is_one_utterance() -> None:
    text = "\n\n".join(f"{name}: first\nsecond line" for name in ["Ann", "Bob"] * 4)
    _, segments = read(text)
    assert [text[s.start : s.end] for s in segments] == text.split("\n\n")


@pytest.mark.parametrize(
    "text",
    [
        "Name: Ann\nAddress: Quay 3\nPhone: 12\nMail: a\nBorn: 1961\nDied: no\nNote: none\n",
        "He said: well.\n" * 3 + "Prose goes on here without anybody speaking.\n" * 40,
        "Ann: hello\nBob: hello\n",
        "",
        "12:30: lunch\n12:40: tea\n" * 5,
    ],
)
def test_other_text_is_no_transcript(text: str) -> None:
    assert read(text) == ([], ())
