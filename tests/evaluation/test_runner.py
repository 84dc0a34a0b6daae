"""A run asks each item once: what is finished is kept through kills, and belongs to the model it came from."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from rule_model import RuleModel, make_run

from longdoc.evaluation import needle
from longdoc.evaluation.asking import Way
from longdoc.evaluation.haystack import Filler
from longdoc.evaluation.items import Item, Reply, one_document
from longdoc.evaluation.results import Record, Results, keep_summary, model_folder, read_summary
from longdoc.evaluation.runner import run_grid, run_haystacks
from longdoc.settings import Settings
from longdoc.types import Document

TASK = needle.NeedleTask(limit=10, distractors=(0,))


def yes(documents: Sequence[Document], question: str) -> Reply:
    return Reply("yes", "It is so.")


def test_a_haystack_is_read_once_for_all_its_questions(tmp_path: Path, filler: Filler) -> None:
    model = RuleModel(yes)
    records = run_grid(make_run(model, tmp_path), TASK, filler, [20_000], [Way()])
    assert (len(records), model.questions, model.readings) == (10, 10, 2)


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, filler: Filler) -> None:
    first = RuleModel(yes, stop_after=7)
    with pytest.raises(KeyboardInterrupt):
        run_grid(make_run(first, tmp_path), TASK, filler, [20_000], [Way()])
    second = RuleModel(yes)
    records = run_grid(make_run(second, tmp_path), TASK, filler, [20_000], [Way()])
    assert (len(records), second.questions, second.readings) == (10, 3, 1)
    third = RuleModel(yes)
    assert run_grid(make_run(third, tmp_path), TASK, filler, [20_000], [Way()]) == records
    assert third.questions == 0


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({"identity": "weights-2"}, 10),
        ({}, 0),
    ],
)
def test_other_weights_are_asked_afresh(tmp_path: Path, filler: Filler, change: dict[str, str], asked: int) -> None:
    run_grid(make_run(RuleModel(yes), tmp_path), TASK, filler, [20_000], [Way()])
    model = RuleModel(yes, **change)
    run_grid(make_run(model, tmp_path), TASK, filler, [20_000], [Way()])
    assert model.questions == asked


@pytest.mark.parametrize("way", [Way(position="string"), Way(short=True), Way(mode="none"), Way(mode="chunked")])
def test_another_way_of_reading_is_another_item(tmp_path: Path, filler: Filler, way: Way) -> None:
    run_grid(make_run(RuleModel(yes), tmp_path), TASK, filler, [20_000], [Way()])
    model = RuleModel(yes)
    records = run_grid(make_run(model, tmp_path), TASK, filler, [20_000], [way])
    assert model.questions == len(records) == 10
    assert {record.labels["mode"] for record in records} == {way.mode}


def test_half_a_line_of_a_kill_loses_only_itself(tmp_path: Path, filler: Filler) -> None:
    run_grid(make_run(RuleModel(yes), tmp_path), TASK, filler, [20_000], [Way()])
    path = tmp_path / "task.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    for asked in (1, 0):
        model = RuleModel(yes)
        assert len(run_grid(make_run(model, tmp_path), TASK, filler, [20_000], [Way()])) == 10
        assert model.questions == asked


def test_lines_that_are_no_records_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"key": 1}\nnonsense\n[]\n\xff\xfe\n')
    results = Results(path)
    record = Record("k", {"length": 1}, {"exact": 1.0}, "g", "q \ud800?", ("a",), "b")
    results.add(record)
    assert Results(path).get("k") == record


def test_lengths_over_the_window_are_left_out_and_said(tmp_path: Path, filler: Filler) -> None:
    run = make_run(RuleModel(yes, window=4096), tmp_path)
    records = run_grid(run, TASK, filler, [2000, 20_000], [Way()])
    assert {record.labels["length"] for record in records} == {2000}
    assert run.skipped == ["20,000 tokens are over the window of 4,096: left out."]


def test_texts_of_any_size_are_planned_by_their_own(tmp_path: Path) -> None:
    haystacks = [one_document("word " * n, [Item("q?", ("yes",))], 0) for n in (100, 1000)]
    run = make_run(RuleModel(yes), tmp_path)
    records = run_haystacks(run, "x", haystacks, [Way()], lambda item, reply: {"exact": 1.0}, 100)
    assert [record.labels["position_method"] for record in records] == ["none", "yarn"]


def test_rows_of_new_weights_replace_the_old_ones(tmp_path: Path) -> None:
    def report(task: str, length: int, score: float) -> dict[str, object]:
        return {"task": task, "model": "m", "rows": [{"length": length, "metric": "exact", "n": 1, "score": score}]}

    keep_summary(tmp_path, report("needle", 1, 0.1), "a")
    keep_summary(tmp_path, report("needle", 2, 0.2), "a")
    keep_summary(tmp_path, report("needle", 1, 0.3), "a")
    keep_summary(tmp_path, report("qa", 0, 0.4), "a")
    rows = {one["task"]: [(row["length"], row["score"]) for row in one["rows"]] for one in read_summary(tmp_path)}
    assert rows == {"needle": [(1, 0.3), (2, 0.2)], "qa": [(0, 0.4)]}
    keep_summary(tmp_path, report("needle", 1, 0.9), "b")
    assert [len(one["rows"]) for one in read_summary(tmp_path)] == [1]


def test_a_damaged_summary_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"half')
    keep_summary(tmp_path, {"task": "qa", "model": "m", "rows": []}, "a")
    assert json.loads((tmp_path / "results.json").read_text())[0]["task"] == "qa"


def test_model_names_are_safe_folder_names(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    names = ["reader", "../../etc", "http://host:1/v1#a", "http://host:1/v1#b", "a/b", "x" * 500, ".."]
    folders = [model_folder(settings, name) for name in names]
    assert all(folder.parent == tmp_path / "evaluation" for folder in folders)
    assert len(set(folders)) == len(names)
    assert folders[0].name == "reader"
    for folder in folders:
        folder.mkdir(parents=True)
