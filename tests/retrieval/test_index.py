"""Search: any question is safe, results are exact and in scope, words and meaning are fused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from longdoc.retrieval import MAX_CHARACTERS, Index, chunks, in_document_order
from longdoc.retrieval import index as index_module
from longdoc.settings import Settings
from longdoc.store import Library
from longdoc.types import Document, Passage, Source

LEASE = """# Lease of 5 Hall Street

## Rent

The tenant shall pay 1,240 euros on the third day of each month.

## Animals

Dogs are not allowed in the flat. Cats are allowed.

## Parking

Bay 14 belongs to the flat. The café has its own bays.
"""
MINUTES = (
    "Anna: We have to talk about the printer.\nBen: It was repaired on Monday for 85 euros.\nAnna: Who paid that?\n" * 3
)


def document(identity: str, text: str, title: str, loader: str = "text") -> Document:
    return Document(identity, "s" * 64, title, text, loader=loader)


@pytest.fixture
def index() -> Iterator[Index]:
    made = Index()
    for one in (document("lease", LEASE, "Lease"), document("minutes", MINUTES, "Minutes of May")):
        made.add(one, chunks(one))
    yield made
    made.close()


def texts(passages: Sequence[Passage]) -> str:
    return "\n".join(p.text for p in passages)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How much does the tenant pay?", "1,240 euros"),
        ("May I keep a dog?", "Dogs are not allowed"),
        ("CAFES", "The café has its own bays."),
        ("Who repairs printers?", "It was repaired on Monday"),
        ("parking", "Bay 14"),
        ("Is the printer repiared?", "It was repaired on Monday"),
        ('"dogs" OR NOT (cats) NEAR/2 *', "Dogs are not allowed"),
    ],
)
def test_the_passage_with_the_words_of_the_question_comes_first(index: Index, question: str, expected: str) -> None:
    found = index.search(question, ["lease", "minutes"])
    assert expected in found[0].text
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)


def test_only_the_chosen_documents_are_searched(index: Index) -> None:
    assert {p.document_id for p in index.search("euros", ["lease", "minutes"])} == {"lease", "minutes"}
    assert {p.document_id for p in index.search("euros", ["minutes"])} == {"minutes"}
    assert index.search("euros", []) == []
    assert index.search("euros", ["unknown"]) == []


def test_a_question_of_which_no_word_stands_anywhere_finds_nothing(index: Index) -> None:
    assert index.search("zebra quantum", ["lease", "minutes"]) == []


def test_a_question_of_function_words_alone_is_still_searched(index: Index) -> None:
    assert "Who paid that?" in texts(index.search("Who that?", ["minutes"]))


@pytest.mark.parametrize(
    "question",
    [
        *("", "   ", "'", '"', '"""', "AND", "NEAR(a b)", "a:b", "text : x", "^dogs", "do*s", "-dogs", "💥 dogs"),
        *("x" * 100_000, "dogs " * 20_000, " ".join(f"w{n}" for n in range(20_000)) + " dogs"),
        *("\ud800dogs", "dogs\x00cats"),
    ],
    ids=lambda q: f"{q[:12]!r} {len(q)}",
)
def test_any_question_is_only_text(index: Index, question: str) -> None:
    found = index.search(question, ["lease", "minutes"])
    assert ("Dogs" in texts(found)) == ("dogs" in question)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=st.text(max_size=60), top_k=st.integers(0, 7))
def test_what_is_found_stands_in_the_document_where_it_says(index: Index, question: str, top_k: int) -> None:
    found = index.search(question, ["lease", "minutes"], top_k)
    assert len(found) <= top_k
    for passage in found:
        text = LEASE if passage.document_id == "lease" else MINUTES
        assert passage.text == text[passage.start : passage.end]
        assert 0 < passage.end - passage.start <= MAX_CHARACTERS


def test_an_answer_at_the_edge_of_two_stored_passages_is_found_whole() -> None:
    filler = "Nothing of interest is said in this sentence of the long report. " * 12
    text = f"{filler}The zeppelin landed. It carried nine passengers. {filler}"
    one = document("d", text, "Report")
    at = text.index("It carried")
    made = Index()
    made.add(one, [Passage("d", 0, at - 1, text[: at - 1]), Passage("d", at, len(text), text[at:])])
    best = made.search("How many did the zeppelin carry?", ["d"])[0]
    assert "The zeppelin landed. It carried nine passengers." in best.text


def test_passages_that_are_returned_hardly_overlap() -> None:
    text = " ".join(f"Sentence {n} tells of the harbour and its boats." for n in range(200))
    one = document("d", text, "Harbour")
    made = Index()
    made.add(one, chunks(one))
    found = sorted(made.search("Which boats are in the harbour?", ["d"]), key=lambda p: p.start)
    assert len(found) == 5
    for first, second in pairwise(found):
        assert first.end - second.start <= 0.2 * (second.end - second.start) + 1


def test_words_of_the_title_and_of_headings_count_for_what_stands_below_them() -> None:
    made = Index()
    for name in ("Gaucher disease", "Wilson disease"):
        filler = "Much is known about it and told here at length for everyone who wants to read. " * 6
        one = document(name, f"{filler}\n\nInheritance\n\nThe pattern is recessive in {len(name)} of 20.", name)
        made.add(one, chunks(one))
    best = made.search("Is Gaucher disease inherited?", ["Gaucher disease", "Wilson disease"])[0]
    assert best.document_id == "Gaucher disease"
    assert "recessive" in best.text


def test_a_row_of_a_long_table_is_found_by_the_name_of_its_column() -> None:
    rows = [f"| {n} | {1000 + n} | {'x' * 60} |" for n in range(60)]
    one = document("d", "Stock\n\n| Item | Price | Remark |\n" + "\n".join(rows), "Stock")
    made = Index()
    made.add(one, chunks(one))
    assert "| 47 | 1047 |" in made.search("What is the price of item 47?", ["d"])[0].text


def test_adding_again_replaces_and_removing_forgets(index: Index) -> None:
    changed = document("lease", "The rent is 900 euros.", "Lease")
    index.add(changed, chunks(changed))
    assert texts(index.search("rent euros", ["lease"])) == "The rent is 900 euros."
    assert index.has("lease")
    index.remove("lease")
    index.remove("lease")
    assert not index.has("lease")
    assert index.search("rent", ["lease"]) == []
    assert index.search("printer", ["minutes"])


def test_passages_of_an_older_form_are_made_again(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    assert index.has("lease")
    monkeypatch.setattr(index_module, "FORM", "0")
    assert not index.has("lease")


def test_passages_can_be_put_in_the_order_of_the_documents(index: Index) -> None:
    found = index.search("euros dogs", ["lease", "minutes"])
    ordered = in_document_order(found, ["minutes", "lease"])
    assert sorted(map(id, ordered)) == sorted(map(id, found))
    places = [(["minutes", "lease"].index(p.document_id), p.start) for p in ordered]
    assert places == sorted(places)


def test_an_index_in_the_library_lives_and_dies_with_its_documents(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    one = document("lease", LEASE, "Lease")
    with Library(settings) as library:
        library.add_document(Source("s" * 64, "lease.md", "text/markdown", 1, "lease.md"), one)
        Index(library).add(one, chunks(one))
    with Library(settings) as library:
        index = Index(library)
        assert index.has("lease")
        assert "Dogs" in texts(index.search("dogs", ["lease"]))
        library.remove("lease")
        assert not index.has("lease")
        assert index.search("dogs", ["lease"]) == []
        assert library.check() == []


class Topics:
    """An embedder that knows three topics by their words."""

    fingerprint = "topics"
    topics = (("dog", "pet", "animal"), ("rent", "pay", "cost"), ("park", "bay", "car"))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        counts = [[0.01 + sum(text.lower().count(word) for word in topic) for topic in self.topics] for text in texts]
        matrix = np.array(counts, dtype=np.float32).reshape(-1, 3)
        return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def test_with_an_embedder_a_passage_near_in_meaning_is_found_without_a_common_word() -> None:
    one = document("lease", LEASE, "Contract")
    fused = Index(embedder=Topics())
    fused.add(one, chunks(one, lambda text: len(text.split()), 14))
    assert "Bay 14" in fused.search("Where can my car stand?", ["lease"])[0].text
    assert "Dogs" in fused.search("Dogs?", ["lease"])[0].text
    by_words = Index()
    by_words.add(one, chunks(one))
    assert by_words.search("automobile", ["lease"]) == []
    assert not by_words.has("other")


def test_passages_without_this_embedders_vectors_are_made_again(tmp_path: Path) -> None:
    one = document("lease", LEASE, "Contract")
    library = Library(Settings(home=tmp_path / "home"))
    library.add_document(Source("s" * 64, "lease.md", "text/markdown", 1, "lease.md"), one)
    Index(library).add(one, chunks(one))
    fused = Index(library, embedder=Topics())
    assert not fused.has("lease")
    fused.add(one, chunks(one))
    assert fused.has("lease")
    library.close()
