from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from longdoc.citations.words import content, numbers, sentences, trim, words

TEXT = (
    "Notice\nThe tenant must give\nnotice of 90 days. Mr. Brown signed it on 3 May!\n\n"
    "1. Rent is due.\n2. Dogs are not allowed.\n"
)


def parts(text: str, **options: bool) -> list[str]:
    return [text[a:b] for a, b in sentences(text, **options)]


def test_sentences_survive_wrapped_lines_and_abbreviations() -> None:
    assert parts(TEXT) == [
        "Notice",
        "The tenant must give\nnotice of 90 days.",
        "Mr. Brown signed it on 3 May!",
        "1. Rent is due.",
        "2. Dogs are not allowed.",
    ]


def test_lines_are_the_units_of_code() -> None:
    assert parts("def total(x):\n    return round(x. y)\n\n", by_line=True) == ["def total(x):", "return round(x. y)"]


@given(st.text(st.sampled_from("aB1.!? \n\t-é\"'"), max_size=200), st.booleans())
def test_sentences_cover_everything_but_blank_space_without_overlap(text: str, by_line: bool) -> None:
    found = sentences(text, by_line=by_line)
    at = 0
    for a, b in found:
        assert at <= a < b
        assert trim(text, a, b) == (a, b)
        assert not content(text[at:a]), "words were lost between sentences"
        at = b
    assert not content(text[at:])


@given(st.text(max_size=100))
def test_words_stand_where_they_say(text: str) -> None:
    for word in words(text):
        assert text[word.start : word.end].casefold() == word.text


def test_stop_words_and_endings_do_not_count_but_numbers_do() -> None:
    assert content("The tenants are given 5 notices") == content("a tenant was given: notice 5")
    assert content("it is so") == set()


def test_numbers_are_compared_without_separators() -> None:
    assert numbers("1,240.50 euros and 3 days") == {"124050", "3"}
