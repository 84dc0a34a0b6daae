"""Right answers, refusals and evidence are counted where they belong."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from rule_model import Rule, RuleModel, cited, make_run, refuse

from longdoc.errors import UserError
from longdoc.evaluation import qa
from longdoc.evaluation.asking import Way
from longdoc.evaluation.items import Reply
from longdoc.evaluation.qa_haystacks import Shape
from longdoc.types import Document

Found = dict[tuple[str, str, str], float]  # (set, mode, metric) -> score


def write_set(folder: Path, name: str, n: int = 6, **fields: object) -> Path:
    documents, rows = [], []
    for at in range(n):
        text = f"The harbour of Port {at} was built by Mason{name}{at}.\n"
        documents.append({"document_id": f"{name}{at}", "title": f"t{at}", "text": text})
        answer = f"Mason{name}{at}"
        rows.append(
            {"id": f"{name}{at}", "document_id": f"{name}{at}", "question": f"Who built the harbour of Port {at}?",
             "answers": [answer], "task": "extractive", "answer_start": text.index(answer), **fields}
        )  # fmt: skip
    rows.append({"id": "u", "document_id": f"{name}0", "question": "Who sank?", "answers": [], "answerable": False})
    (folder / f"{name}.documents.jsonl").write_text("".join(json.dumps(row) + "\n" for row in documents))
    path = folder / f"{name}.dev.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def perfect(documents: Sequence[Document], question: str) -> Reply:
    port = question.rstrip("?").split()[-1]
    for document in documents:
        if f"Port {port} " in document.text:
            answer = document.text.split("by ")[1].rstrip(".\n")
            return Reply(answer, citations=(cited(document, 0, len(document.text)),))
    return refuse(documents, question)


def run(folder: Path, rule: Rule, shape: Shape | None = None, ways: Sequence[Way] = (Way(),)) -> Found:
    task = qa.QaTask(folder, shape=shape or Shape())
    rows = qa.rows(task.run(make_run(RuleModel(rule), folder / "home"), ways))
    return {(str(r["set"]), str(r["mode"]), str(r["metric"])): float(r["score"] or 0) for r in rows}


def test_a_perfect_reader_has_every_score(tmp_path: Path) -> None:
    write_set(tmp_path, "a")
    for shape in (Shape(), Shape(hide_in=300)):
        found = run(tmp_path, perfect, shape)
        assert found["a", "single", "f1"] == found["a", "single", "exact"] == 1
        assert found["a", "single", "evidence_hit"] == 1
        assert found["a", "single", "false_refusals"] == 0
        assert found["a", "single", "absent_not_stated"] == found["a", "single", "not_stated_recall"] == 1
        assert found["a", "single", "not_stated_precision"] == 1


def test_always_refusing_is_seen_through(tmp_path: Path) -> None:
    write_set(tmp_path, "a")
    found = run(tmp_path, refuse)
    assert found["a", "single", "f1"] == found["a", "single", "evidence_hit"] == 0
    assert found["a", "single", "false_refusals"] == found["a", "single", "absent_not_stated"] == 1
    assert found["a", "single", "not_stated_precision"] == pytest.approx(7 / 13, abs=1e-4)  # 6 absent, 1 unanswerable


def test_a_guess_without_the_document_shows_no_evidence(tmp_path: Path) -> None:
    write_set(tmp_path, "a")
    found = run(tmp_path, lambda documents, question: Reply("Masona1"), ways=[Way(mode="none")])
    assert found["a", "none", "exact"] == pytest.approx(1 / 6, abs=1e-4)
    assert ("a", "none", "evidence_hit") not in found
    assert ("a", "none", "absent_not_stated") not in found


def test_sets_count_the_same_in_their_mean(tmp_path: Path) -> None:
    write_set(tmp_path, "a", n=2)
    write_set(tmp_path, "b", n=9)
    found = run(
        tmp_path,
        lambda documents, question: perfect(documents, question) if "Masona" in documents[0].text else Reply("no"),
    )
    assert found["a", "single", "exact"] == 1
    assert found["b", "single", "exact"] == 0
    assert found["mean of sets", "single", "exact"] == 0.5


def test_modes_are_kept_apart(tmp_path: Path) -> None:
    write_set(tmp_path, "a")
    found = run(tmp_path, perfect, ways=[Way(), Way(mode="chunked"), Way(mode="none")])
    assert {mode for _, mode, _ in found} == {"single", "chunked", "none"}
    assert found["a", "none", "exact"] == 0


def test_multiple_choice_files_of_longbench_form_are_scored_by_letter(tmp_path: Path) -> None:
    entries = [
        {"_id": str(at), "domain": "x", "question": "Which colour?", "choice_A": "red", "choice_B": "blue",
         "choice_C": "green", "choice_D": "white", "answer": "B", "context": f"The door {at} is blue."}
        for at in range(4)
    ]  # fmt: skip
    path = tmp_path / "choices.json"
    path.write_text(json.dumps(entries))
    seen: list[str] = []

    def choose(documents: Sequence[Document], question: str) -> Reply:
        seen.append(question)
        return Reply("The correct answer is (B)" if "0" not in documents[0].text else "red")

    task = qa.QaTask(path, shape=Shape(whole=True, absent=False))
    rows = qa.rows(task.run(make_run(RuleModel(choose), tmp_path / "home"), [Way()]))
    assert seen[0] == "Which colour? (A) red (B) blue (C) green (D) white"
    assert [(r["metric"], r["score"]) for r in rows] == [("accuracy", 0.75), ("false_refusals", 0.0)]


@pytest.mark.parametrize(
    "text",
    ["{}", '[{"question": "q"}]', "no json", '[{"question": "q", "choice_A": "a", "answer": "B", "context": ""}]'],
)
def test_other_json_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "choices.json"
    path.write_text(text)
    with pytest.raises(UserError, match="multiple-choice"):
        qa.QaTask(path).load()


def test_missing_sets_and_empty_choices_are_said(tmp_path: Path) -> None:
    write_set(tmp_path, "a")
    with pytest.raises(UserError):
        qa.QaTask(tmp_path, sets=("b",)).load()
    with pytest.raises(UserError, match="no test questions"):
        qa.QaTask(tmp_path, split="test").load()
    with pytest.raises(UserError, match="no question"):
        qa.QaTask(tmp_path, tasks=("summary",)).load()


def test_the_human_written_sets_are_taken_when_they_are_there(tmp_path: Path) -> None:
    (tmp_path / "qa").mkdir()
    for name in ("a", "qed", "squad2"):
        write_set(tmp_path / "qa", name)
    assert [data.name for data in qa.QaTask(tmp_path).load()] == ["qed", "squad2"]
    assert [data.name for data in qa.QaTask(tmp_path, sets=("a",)).load()] == ["a"]


def test_the_limit_takes_the_same_questions_every_time(tmp_path: Path) -> None:
    write_set(tmp_path, "a", n=50)
    chosen = [tuple(q.id for q in qa.QaTask(tmp_path, limit=5).load()[0].questions) for _ in range(2)]
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 5
