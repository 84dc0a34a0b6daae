"""Renaming is one consistent map that moves every span with it."""

from hypothesis import given
from hypothesis import strategies as st

from longdoc.evaluation.renaming import Renamer

TEXT = (
    "Port Ellen\n\nThe town of Port Ellen was founded by Walter Campbell in 1821. In May, Campbell moved to Paris, "
    "where Parisian bankers lent him 12,500 pounds and 3 ships. The port is small. PARIS agreed. Walter paid 12,500."
)


def test_people_and_places_change_everywhere_and_common_words_stay() -> None:
    renamer = Renamer(TEXT, "seed")
    renamed = renamer.text(TEXT).text
    for name in ("Ellen", "Walter", "Campbell", "Paris", "Parisian", "PARIS"):
        assert name not in renamed
    for kept in ("The town of Port", "May", "3 ships", "The port is small"):  # "port" stands in lower case too
        assert kept in renamed
    campbell = renamer.names["Campbell"]
    assert renamed.count(campbell) == 2
    assert renamer.phrase("Who was Walter Campbell?") == f"Who was {renamer.names['Walter']} {campbell}?"


def test_words_built_on_a_name_follow_it() -> None:
    names = Renamer(TEXT, "seed").names
    assert names["Parisian"] == names["Paris"] + "ian"


def test_numbers_keep_their_shape_and_years_their_century() -> None:
    renamer = Renamer(TEXT, "seed")
    renamed = renamer.text(TEXT).text
    year = renamer.phrase("1821")
    amount = renamer.phrase("12,500")
    assert year.startswith("18")
    assert [len(part) for part in amount.split(",")] == [2, 3]
    assert renamed.count(amount) == 2
    assert f"in {year}." in renamed


def test_questions_without_capitals_are_renamed_too() -> None:
    renamer = Renamer(TEXT, "seed")
    assert renamer.phrase("when did campbell go to paris?") == (
        f"when did {renamer.names['Campbell'].lower()} go to {renamer.names['Paris'].lower()}?"
    )


@given(st.integers(0, 500))
def test_spans_move_with_their_words(seed: int) -> None:
    renamer = Renamer(TEXT, str(seed))
    renamed = renamer.text(TEXT)
    for phrase in ("Walter Campbell", "1821", "Paris, where Parisian bankers", "12,500", "Port", "ships."):
        start = TEXT.index(phrase)
        a, b = renamed.span(start, start + len(phrase))
        assert renamed.text[a:b] == renamer.phrase(phrase)
    assert renamed.span(0, len(TEXT)) == (0, len(renamed.text))


@given(st.text(max_size=80))
def test_any_text_is_renamed_without_loss_of_order(text: str) -> None:
    renamed = Renamer(text, "x").text(text)
    places = [renamed.place(at) for at in range(len(text) + 1)]
    assert places == sorted(places)
    assert places[-1] == len(renamed.text)
