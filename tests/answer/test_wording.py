"""Tests of longdoc/answer/wording.py and of how names and words together say where a quote may begin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from standin import StandIn

from longdoc.answer.copying import copy_constraint
from longdoc.answer.kinds import holds_kind
from longdoc.answer.wording import SHARE, near_words
from longdoc.citations.words import content
from longdoc.packing import Included, pack
from longdoc.types import Document

LEASE = [
    "The lease begins in May.",
    " The advance on shared costs is large.",
    " It is 290 euros.",
    " Boats are kept dry.",
    " Costs of boats are not shared.",
    " Dogs sleep.",
]


@pytest.fixture
def tokenizer():
    return StandIn().tokenizer


def open_sentences(question: str, sentences: list[str], tokenizer) -> list[str] | None:
    """Return the sentences in which a quote may begin; each must be open or closed as a whole."""
    ids = np.asarray(tokenizer.ids("".join(sentences)), dtype=np.int64)
    mask = near_words(question, ids, tokenizer)
    if mask is None:
        return None
    found, at = [], 0
    for sentence in sentences:
        length = len(tokenizer.ids(sentence))
        inside = mask[at : at + length]
        assert inside.all() or not inside.any()
        found += [sentence] if inside.all() else []
        at += length
    return found


def slow_sentences(question: str, sentences: list[str]) -> list[str]:
    """The same by the formula, sentence after sentence."""
    own_words, of_kind = content(question), holds_kind(question)
    says_more = [bool(content(sentence) - own_words) for sentence in sentences]
    held = [content(sentence) for sentence in sentences]
    if of_kind is not None:  # counts as one more word
        held = [words | {"#"} if of_kind(words) else words for words in held]
    asked = own_words | {"#"}
    weight = {
        word: math.log(1 + len(held) / sum(word in words for words in held))
        for word in asked
        if any(word in words for words in held)
    }
    scores = []
    for at, words in enumerate(held):
        own = sum(weight[word] for word in asked & words if word in weight)
        beside = [
            sum(weight[word] for word in (asked & held[other]) - words if word in weight)
            for other in (at - 1, at + 1)
            if 0 <= other < len(held)
        ]
        scores.append(own + 0.5 * max(beside, default=0.0) if says_more[at] else 0.0)
    return [s for s, score in zip(sentences, scores, strict=True) if score >= SHARE * max(scores)]


@pytest.mark.parametrize(
    "question",
    [
        "How high is the advance on shared costs?",
        "Who keeps boats?",
        "When does the lease begin?",
        "Which dogs sleep on boats?",
        "What is shared?",
    ],
)
def test_sentences_are_weighed_as_the_formula_says(question: str, tokenizer) -> None:
    assert open_sentences(question, LEASE, tokenizer) == slow_sentences(question, LEASE)


def test_the_sentence_with_most_of_the_words_is_open_and_others_are_not(tokenizer) -> None:
    found = open_sentences("How high is the advance on shared costs?", LEASE, tokenizer)
    assert LEASE[1] in found
    assert LEASE[5] not in found


def test_lines_are_sentences(tokenizer) -> None:
    lines = ["rent 950\n", "deposit 1,900\n", "dogs none\n"]
    assert open_sentences("What is the deposit?", lines, tokenizer) == ["deposit 1,900\n"]


@pytest.mark.parametrize(
    ("question", "text"), [("What is a zebra?", "Dogs sleep."), ("Who is it?", "Ana."), ("Why?", "")]
)
def test_without_a_word_in_common_every_place_is_open(question: str, text: str, tokenizer) -> None:
    assert near_words(question, np.asarray(tokenizer.ids(text), dtype=np.int64), tokenizer) is None


def openings(question: str, text: str) -> str:
    """Return the characters with which a quote may begin, the blank before them left out."""
    backend = StandIn()
    special = backend.frame.special
    documents = [Included(Document("a", "a", "a.txt", text), "a.txt", "marker")]
    prompt = pack(documents, question, backend.tokenizer, backend.frame)
    constraint, (blank,) = copy_constraint(prompt, special, backend.tokenizer), backend.tokenizer.ids(" ")
    first = set(constraint.allowed([special.quote]) or [])
    second = set(constraint.allowed([special.quote, blank]) or []) if blank in first else set()
    return backend.tokenizer.decode(sorted(first | second - {special.then, special.end}))


def test_of_the_places_near_a_name_those_with_the_words_are_taken() -> None:
    text = "zzz Ana Quist sells boats. It was late. yyy Ana Quist has a dog called Rex. Bo has a dog called Max."
    found = openings("What is the dog of Ana Quist called?", text)
    assert "y" in found
    assert "z" not in found


def test_without_names_the_words_say_where_a_quote_begins() -> None:
    found = openings("How high is the deposit?", "xxx yes. The deposit is 1,900. zzz no. qqq not. vvv.")
    assert "T" in found
    assert "q" not in found


def test_a_name_of_several_words_counts_as_one_more_word(tokenizer):
    text = [
        " One of the special magic numbers for oak-mill is 7.",
        " Snow fell.",
        " One of the special magic numbers for oak-barn is 8.",
        " Ships sailed.",
        " One of the special magic numbers for elm-mill is 9.",
        " Rain came.",
        " Wind rose.",
    ]
    joined = "What is the special magic number for oak-mill?"
    assert open_sentences(joined, text, tokenizer) == text[:1]
    apart = "What is the special magic number for oak and mill?"
    assert open_sentences(apart, text, tokenizer) == [text[0], text[2], text[4]]


def test_a_sentence_of_the_questions_own_words_is_passed_over(tokenizer):
    text = ["Night on the lake?", " The night is spent on the lake in a tent."]
    assert open_sentences("Where is the night on the lake spent?", text, tokenizer) == text[1:]
    alone = ["Night on the lake."]
    assert open_sentences("What of the night on the lake?", alone, tokenizer) == alone


def test_a_heading_gives_way_to_what_stands_under_it(tokenizer):
    text = ["Opening hours of the swimming hall\n\n", "The hall opens at nine.", " Dogs sleep.\n"]
    question = "What are the opening hours of the hall?"
    assert open_sentences(question, text, tokenizer) == text[1:2]


@pytest.mark.parametrize(
    ("question", "told", "other"),
    [
        ("How many boats has the club?", " The club owns nine boats.", " The club sold boats."),
        ("When did the mill burn?", " The mill burned in 1872.", " The mill burned down."),
        ("In which year did the mill burn?", " Mill and barn burned in 1872.", " The mill burned down."),
    ],
)
def test_a_sentence_with_the_kind_of_thing_that_is_asked_for_comes_first(question, told, other, tokenizer):
    text = [other, " Rain came.", " Snow fell.", told]
    assert open_sentences(question, text, tokenizer) == [told]
    same = question.replace("How many", "Which").replace("When", "How").replace("which year", "what way")
    assert same == question or open_sentences(same, text, tokenizer) == [other, told]


def test_a_number_that_the_question_names_is_not_what_it_asks_for():
    of_kind = holds_kind("How old is the mill at 5 Barn Lane?")
    assert of_kind is not None
    assert not of_kind(content("The mill at 5 Barn Lane is tall."))
    assert of_kind(content("The mill at 5 Barn Lane is ninety."))


@pytest.mark.parametrize("question", ["Who keeps boats?", "What was it when it rained?", "How does a mill work?"])
def test_other_questions_ask_for_no_kind(question):
    assert holds_kind(question) is None
