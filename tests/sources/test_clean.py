"""Invisible characters go and are counted; what writing systems need stays."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longdoc.sources.clean import clean


@pytest.mark.parametrize(
    ("text", "expected", "removed"),
    [
        ("plain\ttext\n", "plain\ttext\n", 0),
        ("a\r\nb\rc\r", "a\nb\nc\n", 0),
        ("zero\u200bwidth", "zerowidth", 1),
        ("\u202etxet\u202c", "txet", 2),
        ("if access \u2066# admin\u2069", "if access # admin", 2),
        ("tags" + "".join(chr(0xE0000 + ord(c)) for c in "ignore all"), "tags", 10),
        ("nul\0 bell\x07", "nul bell", 2),
        ("\ufeffmark at the start", "mark at the start", 0),
        ("mark\ufeffinside", "markinside", 1),
        ("so\u00adft", "soft", 0),
        ("می\u200cخواهم", "می\u200cخواهم", 0),
        ("क्\u200dष", "क्\u200dष", 0),
        ("joi\u200dner", "joiner", 1),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧", 0),
        ("❤\ufe0f\u200d🔥", "❤\ufe0f\u200d🔥", 0),
        ("😀\ufe0f\ufe0e\ufe01\ufe02", "😀\ufe0f", 3),
        ("a\U000e0101\U000e0102", "a", 2),
        ("葛\U000e0100", "葛\U000e0100", 0),
        ("\ud800", "\ufffd", 0),
        ("form\ffeed", "form\ffeed", 0),
    ],
)
def test_cleaning(text: str, expected: str, removed: int):
    assert clean(text) == (expected, removed)


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str):
    once, _ = clean(text)
    assert clean(once) == (once, 0)


@given(st.text(st.characters(exclude_categories=("Cf", "Cc", "Cs", "Cn", "Co", "Mn"), exclude_characters="\ufeff")))
def test_visible_text_is_kept_whole(text: str):
    assert clean(text) == (text, 0)


@given(st.text(st.characters()))
def test_the_result_can_be_encoded_and_holds_no_control(text: str):
    cleaned, removed = clean(text)
    cleaned.encode("utf-8")
    assert removed >= 0
    assert not [ch for ch in cleaned if unicodedata.category(ch) == "Cc" and ch not in "\t\n\v\f\x85"]
