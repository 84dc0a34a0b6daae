"""This ensures that corrections keep the times of what they leave and outlive a new transcription."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longdoc.speech.edits import keep_edits, keep_speakers, with_text
from longdoc.speech.transcript import Utterance, Word


def said(text: str, start_s: float = 0.0, step_s: float = 1.0, **more: object) -> Utterance:
    spoken = text.split()
    words = tuple(Word(start_s + k * step_s, start_s + (k + 1) * step_s, w, 0.5) for k, w in enumerate(spoken))
    return Utterance(start_s, start_s + len(spoken) * step_s, text, words=words, **more)  # type: ignore[arg-type]


def test_a_changed_word_takes_the_time_of_the_one_it_replaces() -> None:
    changed = with_text(said("we meet Jordan Okra today"), "we meet Tjorven Aakre today")
    assert [w.text for w in changed.words] == ["we", "meet", "Tjorven", "Aakre", "today"]
    assert changed.words[1] == Word(1, 2, "meet", 0.5)
    assert (changed.words[2].start_s, changed.words[3].end_s) == (2.0, 4.0)
    assert changed.words[4] == Word(4, 5, "today", 0.5)
    assert changed.edited


@given(st.lists(st.sampled_from("abcdef"), max_size=8), st.lists(st.sampled_from("abcxyz"), max_size=8))
def test_whatever_is_typed_times_rise_and_stay_inside(old: list[str], new: list[str]) -> None:
    before = said(" ".join(old) or "a")
    after = with_text(before, " ".join(new))
    assert after.text.split() == [w.text for w in after.words] == new
    times = [t for w in after.words for t in (w.start_s, w.end_s)]
    assert times == sorted(times)
    assert all(before.start_s <= t <= before.end_s for t in times)


def test_an_edited_line_replaces_the_words_heard_anew_in_its_time() -> None:
    edited = with_text(said("wrong words here", 2.0), "right words here")
    heard = [said("one two three four", 0.0), said("five six seven", 4.0)]
    merged = keep_edits(heard, [edited, said("not edited", 20.0)])
    assert [u.text for u in merged] == ["one two", "right words here", "six seven"]
    assert [u.start_s for u in merged] == [0.0, 2.0, 5.0]


def test_times_never_overlap_after_a_merge() -> None:
    edited = with_text(said("b c", 1.4), "B C")
    merged = keep_edits([said("a b", 0.0), said("c d", 3.1)], [edited])
    assert all(x.end_s <= y.start_s for x, y in itertools.pairwise(merged))


def test_without_times_of_words_a_line_goes_by_its_middle() -> None:
    edited = Utterance(2, 4, "kept", edited=True)
    heard = [Utterance(0, 2, "a"), Utterance(2.5, 3.5, "gone"), Utterance(3.8, 6, "b")]
    assert [u.text for u in keep_edits(heard, [edited])] == ["a", "kept", "b"]


@pytest.mark.parametrize(("named", "expected"), [(True, "Hanne"), (False, "Speaker 1")])
def test_names_given_by_hand_come_over_and_no_others(named: bool, expected: str) -> None:
    old = [said("x y z", 0.0, speaker="Hanne", named=named)]
    (after,) = keep_speakers([said("p q", 1.0, speaker="Speaker 1")], old)
    assert after.speaker == expected
