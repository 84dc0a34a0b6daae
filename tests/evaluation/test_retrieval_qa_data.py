"""Question files: read whole, refused in one sentence, hidden the same way every time."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longdoc.errors import UserError
from longdoc.evaluation.qa_data import QaDocument, hidden_among, read_set, sample, set_names, set_path


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    text = "\n".join(json.dumps(row) for row in rows) + "\n"
    if path.suffix == ".xz":
        with lzma.open(path, "wt", encoding="utf-8") as file:
            file.write(text)
    else:
        path.write_text(text)
    return path


ROW = {"id": "q1", "document_id": "d1", "question": "How much?", "answers": ["5"], "task": "extractive"}
DOCUMENT = {"document_id": "d1", "title": "Lease", "text": "It costs 5."}


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.xz"])
def test_a_set_is_read_with_its_documents(tmp_path: Path, suffix: str) -> None:
    evidence = {"answer_start": 9, "evidence": [[0, 11]], "scale": "million"}
    path = write(tmp_path / f"made.dev{suffix}", [{**ROW, **evidence}])
    write(tmp_path / f"made.documents{suffix}", [DOCUMENT])
    data = read_set(path)
    (question,) = data.questions
    assert (data.name, question.answers, question.answer_start) == ("made", ("5",), 9)
    assert question.evidence == ((0, 11),)
    assert question.answerable
    assert question.row["scale"] == "million"
    assert data.documents["d1"].text == "It costs 5."
    assert set_names(tmp_path, "dev") == ["made"]
    assert set_path(tmp_path, "made", "dev") == path


def test_rows_may_bring_their_own_text(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.jsonl", [{"id": "a", "question": "?", "answers": [], "text": "Nothing."}])
    data = read_set(path)
    assert data.documents["a"].text == "Nothing."
    assert not data.questions[0].answerable


@pytest.mark.parametrize(
    ("rows", "documents", "words"),
    [
        ([{"id": "q"}], [DOCUMENT], "not a question row"),
        ([ROW], [{"document_id": "other", "text": "x"}], "is not there"),
        ([ROW], [{"document_id": "d1"}], "'text'"),
    ],
)
def test_a_file_that_does_not_fit_is_one_clear_error(
    tmp_path: Path, rows: list[dict[str, object]], documents: list[dict[str, object]], words: str
) -> None:
    path = write(tmp_path / "made.dev.jsonl", rows)
    write(tmp_path / "made.documents.jsonl", documents)
    with pytest.raises(UserError, match=words):
        read_set(path)


@pytest.mark.parametrize("content", [b"{not json", b"[1, 2]\n", b"\xff\xfe\x00"])
def test_other_content_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "made.dev.jsonl"
    path.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read"):
        read_set(path)
    with pytest.raises(UserError):
        read_set(tmp_path / "missing.jsonl")
    with pytest.raises(UserError, match="no train questions of made"):
        set_path(tmp_path, "made", "train")


documents = st.dictionaries(st.text("abc", min_size=1, max_size=4), st.integers(1, 50), min_size=1, max_size=12)


@given(sizes=documents, at_least=st.integers(0, 300), data=st.data())
def test_a_haystack_holds_the_document_once_and_is_just_large_enough(
    sizes: dict[str, int], at_least: int, data: st.DataObject
) -> None:
    held = {name: QaDocument(name, name, "x" * size) for name, size in sizes.items()}
    gold = data.draw(st.sampled_from(sorted(held)))
    chosen = hidden_among(gold, held, len, at_least)
    names = [document.id for document in chosen]
    assert names.count(gold) == 1
    assert len(set(names)) == len(names)
    total = sum(len(document.text) for document in chosen)
    assert total >= at_least or len(chosen) == len(held)
    assert chosen == hidden_among(gold, dict(reversed(held.items())), len, at_least)


def test_a_sample_is_the_same_every_time_and_keeps_the_order(tmp_path: Path) -> None:
    rows = [{**ROW, "id": f"q{number}"} for number in range(50)]
    path = write(tmp_path / "made.dev.jsonl", rows)
    write(tmp_path / "made.documents.jsonl", [DOCUMENT])
    questions = read_set(path).questions
    some = sample(questions, 10)
    assert len(some) == 10
    assert some == sample(questions, 10)
    assert [questions.index(q) for q in some] == sorted(questions.index(q) for q in some)
    assert set(sample(questions, 5)) <= set(some)
    assert sample(questions, None) == sample(questions, 99) == questions
