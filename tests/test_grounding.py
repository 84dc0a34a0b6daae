"""Tests of longdoc/grounding.py."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from longdoc.answer.copying import answer_places
from longdoc.formats import SpecialIds
from longdoc.grounding import MAX_QUOTE_TOKENS, CopyConstraint, slice_ends

IDS = SpecialIds(0, 1, 2, 3, 4, 5, 6, 7, 8)
PREFIX = [IDS.bos, IDS.doc, 20, 21, 22, 23, 20, 21, 30, IDS.doc, 40, 41]


def test_an_answer_without_a_quote_is_free() -> None:
    assert CopyConstraint(PREFIX, IDS).allowed([20, 99]) is None


def test_a_quote_begins_anywhere_in_the_documents_and_never_with_a_special_token() -> None:
    assert CopyConstraint(PREFIX, IDS).allowed([9, IDS.quote]) == [20, 21, 22, 23, 30, 40, 41]


def test_a_quote_goes_on_only_as_some_document_does() -> None:
    constraint = CopyConstraint(PREFIX, IDS)
    assert constraint.allowed([9, IDS.quote, 20, 21]) == [22, 30, IDS.then, IDS.end]
    assert constraint.allowed([9, IDS.quote, 20, 21, 22]) == [23, IDS.then, IDS.end]


def test_a_quote_ends_at_its_documents_end() -> None:
    assert CopyConstraint(PREFIX, IDS).allowed([9, IDS.quote, 21, 30]) == [IDS.then, IDS.end]


def test_an_answer_after_a_quote_is_a_slice_of_that_quote() -> None:
    constraint = CopyConstraint(PREFIX, IDS)
    quoted = [9, IDS.quote, 22, 23, 20, IDS.then]
    assert constraint.allowed(quoted) == [20, 22, 23]
    assert constraint.allowed([*quoted, 23]) == [20, IDS.end]
    assert constraint.allowed([*quoted, 20]) == [IDS.end]


WORDS = {20: " The", 21: " horse", 22: " of", 23: " Ana", 24: " is", 25: " called", 26: " Rapid", 27: "o"}


def spelled(ids: Sequence[int]) -> str:
    return "".join(WORDS[i] for i in ids)


def test_an_answer_does_not_open_with_the_questions_own_words() -> None:
    constraint = CopyConstraint([IDS.doc, *WORDS], IDS, answer_places("What was Ana's horse called?", spelled))
    quoted = [9, IDS.quote, *WORDS, IDS.then]
    assert constraint.allowed(quoted) == [22, 24, 26]  # nor with "The horse", nor in the middle of a word
    assert constraint.allowed([*quoted, 26]) == [27]  # nor does it end there
    assert constraint.allowed([*quoted, 26, 27]) == [IDS.end]


def test_an_answer_does_not_end_with_an_article_or_a_preposition() -> None:
    constraint = CopyConstraint([IDS.doc, *WORDS], IDS, answer_places("Why?", spelled))
    quoted = [9, IDS.quote, *WORDS, IDS.then]
    assert constraint.allowed([*quoted, 21]) == [22, IDS.end]  # "horse"
    assert constraint.allowed([*quoted, 21, 22]) == [23]  # "horse of"


def test_a_quote_ends_where_it_may() -> None:
    constraint = CopyConstraint([20, 21, 22, 23], IDS, ends=np.array([False, False, True, False]))
    assert constraint.allowed([9, IDS.quote, 20]) == [21]
    assert constraint.allowed([9, IDS.quote, 20, 21]) == [22, IDS.then, IDS.end]
    assert constraint.allowed([9, IDS.quote, 20, 21, 22, 23]) == [IDS.then, IDS.end]  # the text is over


def test_a_token_that_a_new_word_shares_does_not_lead_into_a_word_of_the_question() -> None:
    spelling = {30: " t", 31: "en", 32: "ant", 33: " pays", 34: " rent"}
    constraint = CopyConstraint(
        [IDS.doc], IDS, answer_places("Who is the tenant?", lambda ids: "".join(map(spelling.get, ids)))
    )
    quoted = [9, IDS.quote, 30, 31, 32, 33, 30, 31, IDS.then]  # "tenant pays ten"
    assert constraint.allowed(quoted) == [30, 33]
    assert constraint.allowed([*quoted, 30, 31]) == [IDS.end]


def test_an_answer_does_not_cut_a_number() -> None:
    spelling = dict(enumerate(" 1,240.5 euros", 30))
    quote = list(spelling)
    constraint = CopyConstraint([IDS.doc], IDS, answer_places("How much?", lambda ids: "".join(map(spelling.get, ids))))
    begun = [9, IDS.quote, *quote, IDS.then]
    opening = {spelling[token] for token in constraint.allowed(begun)}
    assert opening == {" ", "1", "e"}
    ends = [n for n in range(1, len(quote) + 1) if IDS.end in constraint.allowed([*begun, *quote[:n]])]
    assert ["".join(spelling[t] for t in quote[:n]) for n in ends] == [" ", " 1,240.5", " 1,240.5 ", " 1,240.5 euros"]


def test_a_question_of_alternatives_may_be_answered_with_its_own_words() -> None:
    constraint = CopyConstraint([IDS.doc, *WORDS], IDS, answer_places("Is it a dog or a horse?", spelled))
    assert constraint.allowed([9, IDS.quote, 20, 21, IDS.then]) == [20, 21]


def test_a_quote_of_nothing_but_the_questions_words_may_still_be_the_answer() -> None:
    constraint = CopyConstraint([IDS.doc, *WORDS], IDS, answer_places("horse called Ana?", spelled))
    assert constraint.allowed([9, IDS.quote, 21, 25, IDS.then]) == [21, 25]


def test_a_quote_cannot_run_on_for_ever() -> None:
    constraint = CopyConstraint([IDS.doc, *[50] * 500], IDS)
    assert constraint.allowed([IDS.quote, *[50] * MAX_QUOTE_TOKENS]) == [IDS.then]


@given(st.lists(st.integers(9, 12), max_size=60), st.lists(st.integers(9, 12), max_size=4))
def test_slice_ends_agrees_with_plain_search(text: list[int], copied: list[int]) -> None:
    plain = [i + len(copied) for i in range(len(text) - len(copied) + 1) if text[i : i + len(copied)] == copied]
    if not copied:
        plain = list(range(len(text)))
    assert slice_ends(np.asarray(text, dtype=np.int64), copied).tolist() == plain


def test_a_quote_begins_only_where_it_is_near_and_goes_on_anywhere() -> None:
    near = np.array([False, False, True, True, False, False, False, False, False, False, False, False])
    constraint = CopyConstraint(PREFIX, IDS, near=near)
    assert constraint.allowed([9, IDS.quote]) == [20, 21]
    assert constraint.allowed([9, IDS.quote, 20, 21]) == [22, IDS.then, IDS.end]  # not 30: that 20 is far
    assert constraint.allowed([9, IDS.quote, 21, 22, 23, 20]) == [21, IDS.then, IDS.end]


def test_only_the_first_token_is_raised() -> None:
    assert CopyConstraint(PREFIX, IDS, first={7: 2.5}).raised([]) == {7: 2.5}
    assert CopyConstraint(PREFIX, IDS, first={7: 2.5}).raised([9]) == {}
    assert CopyConstraint(PREFIX, IDS).raised([]) == {}
