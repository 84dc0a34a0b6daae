"""The retrieval command: one table, one JSON object, one sentence for each mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longdoc.evaluation.qa_data import read_set
from longdoc.evaluation.retrieval import main, measure

TOWNS = ["Arlen", "Borup", "Cotta", "Dravik", "Elvas", "Farum"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Towns with mayors; one question without an answer, one that needs arithmetic."""
    folder = tmp_path / "qa"
    folder.mkdir()
    documents, rows = [], []
    for number, town in enumerate(TOWNS):
        text = f"The mayor of {town} is Mara Quist the {number}th. {town} has {100 + number} houses."
        documents.append({"document_id": town, "title": town, "text": text})
        answer = f"Mara Quist the {number}th"
        rows.append(
            {
                "id": town,
                "document_id": town,
                "question": f"Who is the mayor of {town}?",
                "answers": [answer],
                "task": "extractive",
                "answer_start": text.index(answer),
            }
        )
    rows.append({**rows[0], "id": "none", "answers": [], "answerable": False, "answer_start": None})
    rows.append({**rows[0], "id": "sum", "answers": ["201"], "task": "abstractive", "answer_start": None})
    for name in ("towns", "more"):
        (folder / f"{name}.dev.jsonl").write_text("\n".join(map(json.dumps, rows)))
        (folder / f"{name}.documents.jsonl").write_text("\n".join(map(json.dumps, documents)))
    return tmp_path


def test_every_answerable_extractive_question_is_asked_and_the_others_are_counted(data: Path) -> None:
    row = measure(read_set(data / "qa" / "towns.dev.jsonl"), lambda text: len(text.split()), hide_in=40)
    assert (row.n, row.n_left_out, row.hit) == (6, 2, 1.0)
    assert row.tokens >= 40
    assert row.low < 1.0 == row.high


def test_a_question_whose_words_are_elsewhere_only_is_a_miss(data: Path) -> None:
    path = data / "qa" / "towns.dev.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("\n".join(json.dumps({**row, "question": "Which zebra flew?"}) for row in rows))
    assert measure(read_set(path), len, hide_in=40).hit == 0.0


def test_the_table_names_sets_intervals_and_speeds(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(data), "--hide-in", "50"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[1].split()[:3] == ["more", "6", "1.000"]
    assert "mean of all" in out
    assert "Indexed" in out
    assert "Search: median" in out
    assert "Left out" in out


def test_json_is_one_object_in_the_form_of_evaluate(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(data), "--sets", "towns", "--limit", "4", "--json", "--large", "50"]) == 0
    printed = json.loads(capsys.readouterr().out)
    (row,) = printed["rows"]
    assert printed["task"] == "retrieval"
    assert (row["set"], row["mode"], row["metric"], row["n"], row["score"]) == (
        "towns",
        "chunked",
        "evidence_hit",
        4,
        1,
    )
    assert 0 <= row["low"] <= row["score"] <= row["high"] <= 1
    assert printed["speed"]["searches"] == 4


@pytest.mark.parametrize("arguments", [["--sets", "cities"], ["--split", "train"]])
def test_a_set_that_is_not_there_is_one_sentence(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(["--data", str(data), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "There are no" in captured.err
