"""Bytes of text files in the encodings people meet, and bytes that are not text."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longdoc.sources.decode import decode

FRENCH = "Le café était fermé à Noël, après l'été où la forêt brûla."
GERMAN = "Die Größe der Straße ist für die Häuser übermäßig groß."
RUSSIAN = "Договор аренды заключён между сторонами в городе Москве."
JAPANESE = "契約は二〇二四年に終了する。借主は三十日前に通知する。" * 8


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain", "ascii"),
        (FRENCH, "utf-8"),
        (FRENCH, "utf-8-sig"),
        (FRENCH, "utf-16"),
        (FRENCH, "utf-16-le"),
        (FRENCH, "utf-16-be"),
        (FRENCH, "utf-32"),
        (FRENCH, "cp1252"),
        (GERMAN, "latin-1"),
        ("café", "latin-1"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        ("Zażółć gęślą jaźń, wszyscy ludzie rodzą się wolni.", "cp1250"),
        ("Η σύμβαση λήγει το επόμενο έτος και ο μισθωτής πρέπει να ειδοποιήσει.", "cp1253"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        ("合同于二零二四年终止,承租人应提前三十天通知。", "gbk"),
        ("계약은 이천이십사년에 종료되며 임차인은 삼십일 전에 통지해야 한다.", "euc_kr"),
    ],
)
def test_text_comes_back(text: str, encoding: str):
    decoded = decode(text.encode(encoding))
    assert decoded is not None
    assert decoded.text.lstrip("\ufeff") == text
    assert decoded.n_bad == 0


def test_a_guess_is_reported():
    decoded = decode(FRENCH.encode("cp1252"))
    assert decoded is not None
    assert [warned.code for warned in decoded.warnings("a.txt")] == ["encoding"]


def test_a_few_broken_bytes_do_not_turn_utf8_into_something_else():
    decoded = decode((FRENCH * 20).encode() + b"\xff" + FRENCH.encode())
    assert decoded is not None
    assert (decoded.encoding, decoded.n_bad) == ("utf-8", 1)
    assert decoded.text.count("forêt") == 21
    assert "1 byte is" in decoded.warnings()[0].message


def test_a_head_may_end_within_a_character():
    data = FRENCH.encode()
    for n in range(1, len(data)):
        decoded = decode(data[:n], partial=True)
        assert decoded is not None
        assert decoded.encoding == "utf-8"
        assert FRENCH.startswith(decoded.text)


@pytest.mark.parametrize("n_bytes", [64, 1_000, 60_000])
def test_random_bytes_are_not_text(n_bytes: int):
    assert decode(random.Random(n_bytes).randbytes(n_bytes)) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\x7fELF\x02\x01\x01\0\0\0\0",
        b"words then\0\0\0\0\0\0 zeros",
        b"\xff\xfe" + b"\x00\xd8" * 50,
        bytes(range(32)) * 9,
    ],
)
def test_binary_posing_as_text_is_refused(data: bytes):
    assert decode(data) is None


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc",))))
def test_any_text_without_controls_survives_utf8(text: str):
    decoded = decode(text.encode())
    assert decoded is not None
    assert decoded.text == text.removeprefix("\ufeff")
    assert decoded.warnings() == ()


@given(st.binary())
def test_no_bytes_make_it_raise(data: bytes):
    decode(data)
    decode(data, partial=True)
