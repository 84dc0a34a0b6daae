"""Tests of the training sequences: the product's prompt, answers as slices, nothing of evaluation."""

import random
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longdoc.evaluation.haystack import held_out_texts
from longdoc.evaluation.keys import held_out_key
from longdoc.formats import question_text
from longdoc.packing import Included, PromptFrame, pack
from longdoc.types import Document
from models.recipe import corpus, shards
from models.recipe.facts import FactMaker
from models.recipe.made import Context, Question
from models.recipe.mixture import Stage
from models.recipe.rename import renamer
from models.recipe.rows import sentence_around
from models.recipe.sequence import Builder
from tests.recipe.conftest import Workshop


def answers(built: Builder, workshop: Workshop) -> Iterator[tuple[list[int], list[int]]]:
    """Yield (everything before the question, answer ids) for each question of a sequence."""
    special = workshop.vocabulary.special
    at = 0
    while special.answer in built.ids[at:]:
        start = built.ids.index(special.answer, at) + 1
        end = built.ids.index(special.end, start)
        yield built.ids[:start], built.ids[start:end]
        at = end


def contains(text: list[int], part: list[int]) -> bool:
    return any(text[i : i + len(part)] == part for i in range(len(text) - len(part) + 1))


def test_a_training_sequence_is_the_very_prompt_that_packing_produces(workshop: Workshop) -> None:
    texts = ["The rent is 900 euros.\nIt is due in March.\n", "Bay 14 belongs to the flat."]
    tokenizer, vocabulary = workshop.tokenizer, workshop.vocabulary
    question = "How much is the rent?"
    context = Context(
        titles=["lease.txt", "annex [b].txt"],
        sentences=[vocabulary.sentences(np.array(tokenizer.ids(t), np.uint16)) for t in texts],
        questions=[Question(tokenizer.ids(question_text(question)), [9], [1.0], "fact")],
    )
    built = workshop.mixture().made.assemble(context, 512, 0.1)
    included = [
        Included(Document(str(i), str(i), title, text), title, "marker")
        for i, (title, text) in enumerate(zip(context.titles, texts, strict=True))
    ]
    special = vocabulary.special
    frame = PromptFrame("reader", (special.bos,), (special.answer,), special)
    prompt = pack(included, question, tokenizer, frame)
    assert built.ids[: len(prompt.token_ids)] == list(prompt.token_ids)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("far", [0.0, 1.0])
def test_answers_to_made_questions_are_slices_of_the_sequence_or_not_stated(
    workshop: Workshop, seed: int, far: float
) -> None:
    mixture = workshop.mixture(seed)
    special = workshop.vocabulary.special
    found = 0
    for _ in range(24 if far else 6):
        built = mixture.made.sequence(384, 0.1, far)
        documents = built.ids[: built.ids.index(special.ask)] if special.ask in built.ids else built.ids
        for _, answer in answers(built, workshop):
            if answer == mixture.made.not_stated:
                continue
            if special.quote in answer:
                cut = answer.index(special.quote)
                rest = answer[cut + 1 :]
                quote = rest[: rest.index(special.then)] if special.then in rest else rest
                assert contains(documents, quote)
                assert special.then not in rest or contains(quote, rest[rest.index(special.then) + 1 :])
            else:
                assert contains(documents, answer)
            found += 1
    assert found > 10


def test_far_sequences_are_nearly_all_document(workshop: Workshop) -> None:
    made, ask = workshop.mixture(3).made, workshop.vocabulary.special.ask
    near, far = (
        np.mean([(built := made.sequence(1024, 0.1, share)).ids.index(ask) / len(built.ids) for _ in range(20)])
        for share in (0.0, 1.0)
    )
    assert far > 0.7 > near


@pytest.mark.parametrize("seed", range(4))
def test_row_answers_are_slices_of_their_passages(workshop: Workshop, seed: int) -> None:
    mixture = workshop.mixture(seed)
    special = workshop.vocabulary.special
    found = 0
    for _ in range(8):
        built = mixture.rows.sequence(512, 0.1)
        for before, answer in answers(built, workshop):
            if answer != mixture.rows.not_stated:
                final = answer[answer.index(special.then) + 1 :] if special.then in answer else answer
                assert contains(before, final)
                found += 1
    assert found > 5


def test_only_answers_and_text_carry_weight_and_never_the_first_token(workshop: Workshop) -> None:
    mixture = workshop.mixture()
    stage = Stage("x", 0, 256, 2048, {"made": 0.4, "rows": 0.3, "text": 0.2, "recall": 0.1}, recall_symbols=128)
    batch = mixture.batch(stage)
    special = workshop.vocabulary.special
    assert batch.ids.shape == (8, 256)
    assert (batch.weights[:, 0] == 0).all()
    for token in (special.bos, special.doc, special.ask, special.answer, special.pad):
        assert (batch.weights[batch.ids == token] == 0).all()


def test_thinning_plain_text_keeps_its_expected_weight(workshop: Workshop) -> None:
    mixture = workshop.mixture()
    full = Stage("x", 0, 256, 16384, {"text": 1.0}, text_sample=1.0, text_weight=0.5)
    thin = Stage("x", 0, 256, 16384, {"text": 1.0}, text_sample=0.25, text_weight=0.5)
    assert mixture.batch(thin).weights.mean() == pytest.approx(mixture.batch(full).weights.mean(), rel=0.15)


def test_held_out_ends_and_evaluation_keys_are_not_trained_on(workshop: Workshop) -> None:
    held_out = {book.text for books in held_out_texts(workshop.data).values() for book in books}
    trained = {text.text for c in ("books", "legal") for text in shards.training_texts(workshop.data, c)}
    assert held_out
    assert trained
    assert not held_out & trained
    maker = FactMaker(random.Random(1))
    assert not any(held_out_key(maker.key()) or held_out_key(maker.number()) for _ in range(500))


def test_a_text_that_stands_in_a_dev_document_is_found(workshop: Workshop) -> None:
    held_out = corpus.held_out_hashes(workshop.data)
    documents = corpus.documents(workshop.data, "made_dev")
    dev_text = next(iter(documents.values()))["text"]
    assert corpus.overlap_share("Preface. " + dev_text, held_out) > shards.MAX_OVERLAP
    assert corpus.overlap_share("Nothing of this long sentence stands in any other document of the set.", held_out) == 0


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_every_answer_of_a_fact_stands_in_its_statement(seed: int) -> None:
    fact = FactMaker(random.Random(seed)).fact()
    assert all(answer in fact.statement for _, answer in fact.asked)
    assert not {question for question, _ in fact.asked} & set(fact.absent)


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_a_near_key_is_another_key_that_shares_a_word(seed: int) -> None:
    maker = FactMaker(random.Random(seed))
    for name in ("quiet-harbour", "Mara Quist", "ribbon", "Imre"):
        near = maker.near(name)
        assert near != name
        mark = "-" if "-" in name else " "
        assert mark not in name or set(near.split(mark)) & set(name.split(mark))


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_facts_of_a_group_have_one_form_and_different_keys(seed: int) -> None:
    facts = FactMaker(random.Random(seed)).group(5)
    assert len({fact.statement for fact in facts}) == 5
    assert len({fact.asked[0][0] for fact in facts}) == 5


def test_sentences_lose_no_token(workshop: Workshop) -> None:
    text = 'He said "No." Then he left.\n\nMr. Vass paid 3.50 euros! Why?\n'
    ids = np.array(workshop.tokenizer.ids(text), np.uint16)
    cut = workshop.vocabulary.sentences(ids)
    assert np.concatenate(cut).tolist() == ids.tolist()
    assert workshop.tokenizer.decode(cut[-1].tolist()).strip() == "Why?"


def test_renaming_is_the_same_in_text_and_question() -> None:
    text = "In 1923 Mara Quist met Imre. Imre gave Mara 4471 crowns."
    rename = renamer([text], random.Random(2), ["Tolva", "Besk", "Ondry", "Falun"])
    renamed = rename(text)
    assert "Mara" not in renamed
    assert renamed.split()[2] == renamed.split()[-3]
    assert rename("Who met Imre?").split()[-1].strip("?") == renamed.split()[5].strip(".")


def test_the_sentence_around_an_answer_is_found() -> None:
    text = "It rained. The deposit, 300 euros, is due in May. Nobody came.\nA line"
    start = text.index("300")
    a, b = sentence_around(text, start, start + 3)
    assert text[a:b] == "The deposit, 300 euros, is due in May."
