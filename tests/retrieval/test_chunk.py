"""Passages: along the structure, exact, gap-free, short enough."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longdoc.retrieval import MAX_CHARACTERS, chunks
from longdoc.retrieval.structure import MAX_UNIT
from longdoc.types import Document, Segment


def words(text: str) -> int:
    return len(text.split())


def document(text: str, loader: str = "text", segments: tuple[Segment, ...] = ()) -> Document:
    return Document("d", "s", "Title", text, segments, loader=loader)


line = st.text(alphabet="ab .!?|#\t-é", max_size=120)


@settings(max_examples=150, deadline=None)
@given(text=st.lists(line, max_size=30).map("\n".join), target=st.integers(4, 60))
def test_passages_are_exact_short_enough_and_leave_out_nothing_but_blanks(text: str, target: int) -> None:
    at = 0
    for passage in chunks(document(text), words, target):
        assert passage.text == text[passage.start : passage.end]
        assert text[at : passage.start].strip() == ""
        assert 0 < passage.end - passage.start <= MAX_CHARACTERS
        assert words(passage.text) <= target or passage.end - passage.start <= MAX_UNIT
        at = passage.end
    assert text[at:].strip() == ""


def test_an_empty_document_has_no_passages() -> None:
    assert chunks(document("")) == []
    assert chunks(document(" \n\t \n")) == []


def test_a_passage_ends_before_a_paragraph_rather_than_inside_it() -> None:
    paragraph = "The rent is due. It is paid monthly. Nobody may keep it back. So it was agreed here."
    text = "\n\n".join([paragraph] * 6)
    for passage in chunks(document(text), words, 45):
        assert passage.text.startswith("The rent is due.")
        assert passage.text.endswith("agreed here.")


def test_a_heading_goes_with_what_follows_it() -> None:
    text = "First things are said here at some length, in words.\n\n# Pets\n\nNo dogs are allowed."
    assert [p.text for p in chunks(document(text), words, 20)][-1] == "# Pets\n\nNo dogs are allowed."


def test_a_function_that_fits_is_not_divided() -> None:
    functions = [f"def f{n}(x):\n    y = x + {n}\n    return y" for n in range(12)]
    passages = chunks(document("\n\n\n".join(functions), "code"), words, 24)
    assert len(passages) > 3
    for passage in passages:
        assert passage.text.startswith("def ")
        assert passage.text.rstrip().endswith("return y")


def test_a_passage_never_reaches_over_two_files() -> None:
    text = "a = 1\nb = 2\n"
    files = (Segment(0, 6, "file", "a.py"), Segment(6, 12, "file", "b.py"))
    assert [p.text for p in chunks(document(text, "codebase", files))] == ["a = 1", "b = 2"]


def test_a_word_without_end_is_cut_and_kept_whole_in_parts() -> None:
    text = "x" * 5000
    passages = chunks(document(text))
    assert "".join(p.text for p in passages) == text
    assert max(len(p.text) for p in passages) <= MAX_CHARACTERS


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("word " * 400_000, id="one line"),
        pytest.param("x" * 2_000_000, id="one word"),
        pytest.param("a line that was wrapped at some width or other by a machine\n" * 40_000, id="one paragraph"),
        pytest.param("| 1 | 2 |\n" * 100_000, id="one table"),
    ],
)
def test_millions_of_characters_without_a_break_are_cut_like_any_other_text(text: str) -> None:
    passages = chunks(document(text))
    assert len(passages) >= len(text) // MAX_CHARACTERS
    assert passages[-1].end == len(text.rstrip())
    assert max(p.end - p.start for p in passages) <= MAX_CHARACTERS
