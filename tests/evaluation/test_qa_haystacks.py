"""Questions meet the right text: gold passages hold their evidence, absent ones hold no answer."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longdoc.evaluation.evidence import contains_answer
from longdoc.evaluation.qa_data import QaDocument, QaSet, Question
from longdoc.evaluation.qa_haystacks import Gold, Shape, haystacks, passage, with_choices

WORDS = "amber birch cedar daisy ember flint grove hazel indigo jasper".split()


def made_set(n_documents: int = 12, n_paragraphs: int = 6) -> QaSet:
    documents: dict[str, QaDocument] = {}
    questions: list[Question] = []
    for at in range(n_documents):
        name = f"Vass{'abcdefghijkl'[at]}"
        paragraphs = [
            f"In chapter {part} Colonel {name} keeps the {WORDS[part]} of Tarn{at}x{part} beside the old wall."
            for part in range(n_paragraphs)
        ]
        text = "\n\n".join(paragraphs) + "\n"
        documents[f"d{at}"] = QaDocument(f"d{at}", f"paper {at}", text)
        for part in (0, n_paragraphs - 1):
            answer = f"Tarn{at}x{part}"
            start = text.index(paragraphs[part])
            questions.append(
                Question(
                    f"q{at}-{part}", f"d{at}", f"Where is the {WORDS[part]} that Colonel {name} keeps?", (answer,),
                    "extractive", True, text.index(answer), ((start, start + len(paragraphs[part])),),
                )
            )  # fmt: skip
    questions.append(Question("u", "d0", "Who keeps the ruby?", (), "extractive", False, None, ((0, 20),)))
    return QaSet("made", tuple(questions), documents)


DATA = made_set()
SHAPES = {
    "passage": Shape(passage_tokens=200),
    "whole": Shape(whole=True),
    "hidden": Shape(hide_in=2500),
    "hidden, one haystack": Shape(hide_in=100_000),
    "renamed": Shape(hide_in=2500, renamed=True),
    "renamed passage": Shape(passage_tokens=200, renamed=True),
}


def made(shape: Shape) -> list:  # type: ignore[type-arg]
    return haystacks(DATA, DATA.questions, shape, len, 32)


@pytest.mark.parametrize("name", SHAPES)
def test_every_question_is_asked_once_of_a_text_that_answers_it(name: str) -> None:
    asked = 0
    for haystack in made(SHAPES[name]):
        texts = {document.id: document.text for document in haystack.documents}
        for item in haystack.items:
            gold: Gold = item.details
            if gold.kind != "answerable":
                continue
            asked += 1
            text = texts[gold.document_id]
            assert gold.answer_start is not None
            assert text[gold.answer_start : gold.answer_start + len(gold.answers[0])] == gold.answers[0]
            (start, end) = gold.evidence[0]
            assert gold.answers[0] in text[start:end]
            assert text[start:end].startswith("In chapter")
    assert asked == 24


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "hidden, one haystack"])
def test_absent_questions_are_asked_where_no_answer_stands(name: str) -> None:
    n_absent = 0
    for haystack in made(SHAPES[name]):
        text = "\n".join(document.text for document in haystack.documents)
        for item in haystack.items:
            if item.labels["kind"] == "absent":
                n_absent += 1
                assert item.details.document_id not in {document.id for document in haystack.documents}
                assert not any(contains_answer(text, answer) for answer in item.references)
    assert n_absent >= 20


def test_one_haystack_that_holds_all_still_gets_absent_questions_elsewhere() -> None:
    few = dataclasses.replace(DATA, questions=DATA.questions[:2])
    found = haystacks(few, few.questions, Shape(hide_in=100_000), len, 32)
    kinds = [[item.labels["kind"] for item in haystack.items] for haystack in found]
    assert kinds == [["answerable", "answerable"], ["absent", "absent"]]


def test_the_sets_own_unanswerable_questions_stay_apart() -> None:
    items = [item for haystack in made(SHAPES["hidden"]) for item in haystack.items]
    assert [item.labels["kind"] for item in items].count("unanswerable") == 1
    assert not [
        item for haystack in made(Shape(absent=False)) for item in haystack.items if item.details.kind == "absent"
    ]


@pytest.mark.parametrize("room", [1200, 2500, 6000])
def test_haystacks_are_full_and_not_over_full(room: int) -> None:
    for haystack in made(Shape(hide_in=room)):
        size = sum(len(document.text) for document in haystack.documents)
        assert 0.5 * room <= size <= room - 60
        assert len({document.id for document in haystack.documents}) == len(haystack.documents)


def test_renamed_names_are_gone_and_questions_follow() -> None:
    for haystack in made(SHAPES["renamed"]):
        for document in haystack.documents:
            assert "Colonel" in document.text
            assert "Vass" not in document.text
        for item in haystack.items:
            assert "Vass" not in item.question


@given(st.integers(0, 5), st.integers(100, 700))
def test_a_passage_is_whole_paragraphs_around_its_anchor_and_short_enough(part: int, n_tokens: int) -> None:
    text = DATA.documents["d3"].text
    start = text.index(f"In chapter {part}")
    found = passage(text, (start + 10, start + 20), len, n_tokens)
    assert found is not None
    low, high = found
    assert low <= start + 10
    assert start + 20 <= high
    assert high - low <= n_tokens or (low, high) == (0, len(text))
    assert text[low:high].startswith(("In chapter", "\n"))
    assert text[low:high].endswith("\n") or high == len(text)


def test_nothing_to_cut_around_means_no_passage() -> None:
    text = DATA.documents["d3"].text
    assert passage(text, None, len, 100) is None
    assert passage(text, (0, len(text)), len, 100) is None
    assert passage(text, None, len, 10_000) == (0, len(text))


def test_choices_are_lettered_behind_the_question() -> None:
    question = dataclasses.replace(DATA.questions[0], task="multiple_choice", choices=("red", "blue"))
    assert with_choices(question).endswith("keeps? (A) red (B) blue")
    assert with_choices(DATA.questions[0]) == DATA.questions[0].question
