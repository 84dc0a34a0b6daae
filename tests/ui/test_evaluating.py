"""Measuring from the page: what is chosen is counted, run, kept, stopped, gone on with, and found by the planner."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted import Scripted

from longdoc.errors import UserError
from longdoc.evaluation.results import model_folder, read_summary
from longdoc.ui.evaluating import EvaluationCalls
from longdoc.ui.measuring import wanted_of

TEXT = "A preface.\n" + "".join(f"Matter {n} was settled in the usual way.\n" for n in range(60))
HIDDEN = "The lantern stands in the north tower."
NEEDLES = {"kind": "needles", "limit": 4, "lengths": [1024], "modes": ["single"], "positions": [""]}


def own(document: str, **changes: Any) -> dict[str, Any]:
    lines = "Where does the lantern stand? | north tower\nWho is the dentist? |"
    wanted = {"kind": "own", "limit": 10, "lengths": [900, 0], "modes": ["single", "chunked"], "documents": [document]}
    return {**wanted, "lines": lines, **changes}


@pytest.fixture
def shop(make_context: Callable[..., Any], put: Callable[..., str]) -> Any:
    """A context whose library has one document, and the calls of the page."""
    context = make_context(Scripted({"lantern": (HIDDEN, "the north tower")}, step_s=0.001))
    context.document = put(context.library, TEXT + HIDDEN + "\n" + TEXT, "tower.txt")
    context.page = EvaluationCalls(context)
    return context


def test_runs_are_counted_before_and_agree_with_what_is_run(shop: Any) -> None:
    cost = shop.page.cost(own(shop.document))
    assert cost["runs"] == 2 * 2 * 2
    assert cost["few"]
    job = shop.page.evaluate(own(shop.document))
    assert shop.worker.wait(job, 60).state == "done"
    made = shop.page.evaluation(job)
    assert made["n_runs"] == cost["runs"]
    assert sum(row["n"] for row in made["rows"]) == cost["runs"]
    by = {(row["series"], row["at"]): row for row in made["rows"]}
    assert by["Single pass", 900]["score"] == by["Single pass", 0]["score"] == 1.0
    assert 0 <= by["Single pass", 900]["low"] < 1.0
    assert by["Single pass", 900]["few"]


def test_every_run_can_be_opened(shop: Any) -> None:
    job = shop.page.evaluate(own(shop.document, lengths=[900], modes=["single"]))
    shop.worker.wait(job, 60)
    runs = shop.page.evaluation(job)["runs"]
    opened = [shop.page.evaluation_run(job, run["key"]) for run in runs]
    answered = next(one for one in opened if "lantern" in one["question"])
    assert (answered["expected"], answered["answer"], answered["quote"]) == (["north tower"], "the north tower", HIDDEN)
    refused = next(one for one in opened if "dentist" in one["question"])
    assert refused["expected"] == ["Not stated."]
    with pytest.raises(UserError):
        shop.page.evaluation_run(job, "nothing")


def test_results_are_kept_where_the_planner_reads_them(shop: Any) -> None:
    job = shop.page.evaluate({**NEEDLES, "positions": ["none", "yarn"], "lengths": [4096], "limit": 2})
    assert shop.worker.wait(job, 60).state == "done"
    (found,) = read_summary(model_folder(shop.settings, "reader"))
    methods = {row["position_method"] for row in found["rows"]}
    assert (found["task"], methods) == ("needle", {"none", "yarn"})
    assert {row["length"] for row in found["rows"]} == {4096}


def test_ways_that_the_planner_makes_the_same_run_once(shop: Any) -> None:
    assert shop.page.cost({**NEEDLES, "positions": ["", "none"]})["runs"] == 4
    assert shop.page.cost({**NEEDLES, "positions": ["", "none", "yarn"], "lengths": [4096]})["runs"] == 8


def test_a_length_over_the_window_is_left_out_and_said(shop: Any) -> None:
    cost = shop.page.cost({**NEEDLES, "lengths": [1024, 1 << 18]})
    assert cost["runs"] == 4
    assert "over the window" in cost["left_out"][0]


def stopped_after(shop: Any, n_runs: int, wanted: dict[str, Any]) -> int:
    """Start an evaluation and stop it as soon as so many runs are there."""
    job = shop.page.evaluate(wanted)
    for _ in range(3000):
        if shop.page.evaluation(job)["n_runs"] >= n_runs:
            break
        threading.Event().wait(0.01)
    shop.worker.cancel(job)
    return job


def test_stopping_keeps_what_is_finished_and_going_on_asks_only_the_rest(shop: Any) -> None:
    shop.engine.backend("reader").step_s = 0.05
    wanted = {**NEEDLES, "limit": 30, "lengths": [1024]}
    job = stopped_after(shop, 3, wanted)
    ended = shop.worker.wait(job, 30)
    kept = shop.page.evaluation(job)["n_runs"]
    assert ended.state == "stopped"
    assert f"{kept} of 30 runs are kept" in ended.message
    assert 3 <= kept < 30
    assert read_summary(model_folder(shop.settings, "reader"))[0]["rows"]
    backend = shop.engine.backend("reader")
    backend.step_s = 0.0
    before = (model_folder(shop.settings, "reader") / "needle.jsonl").read_text().count("\n")
    again = shop.page.go_on(job)
    assert shop.worker.wait(again, 60).state == "done"
    assert shop.page.evaluation(again)["n_runs"] == 30
    lines = (model_folder(shop.settings, "reader") / "needle.jsonl").read_text().splitlines()
    assert (before, len(lines)) == (kept, 30)
    assert [row["id"] for row in shop.page.evaluations()] == [again]


def test_a_question_of_a_person_goes_between_the_runs(shop: Any) -> None:
    from longdoc.ui.conversation import ConversationCalls

    shop.engine.backend("reader").step_s = 0.02
    job = shop.page.evaluate({**NEEDLES, "limit": 40})
    asked = ConversationCalls(shop).ask([{"id": shop.document}], "Where does the lantern stand?")
    assert shop.worker.wait(asked["job"], 30).state == "done"
    assert shop.library.job(job).state in ("queued", "running")
    shop.worker.cancel(job)
    shop.worker.wait(job, 30)


def test_a_question_file_is_taken_over_and_measured(shop: Any, tmp_path: Path) -> None:
    path = shop.received / "mine.dat"
    row = {"id": "1", "text": TEXT + HIDDEN, "question": "Where does the lantern stand?", "answers": ["north tower"]}
    path.write_text(json.dumps(row) + "\n")
    taken = shop.page.take_questions(str(path), "mine.dat")
    assert taken["questions"] == 1
    wanted = {**NEEDLES, "kind": "file", "lengths": [0], "upload": taken["upload"], "name": taken["name"]}
    job = shop.page.evaluate(wanted)
    assert shop.worker.wait(job, 60).state == "done"
    assert shop.page.evaluation(job)["rows"][0]["score"] == 1.0


def test_what_is_no_question_file_is_refused_and_goes(shop: Any) -> None:
    path = shop.received / "x.jsonl"
    path.write_text("not json\n")
    with pytest.raises(UserError):
        shop.page.take_questions(str(path), "x.jsonl")
    assert list(shop.kept.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"}, {"limit": 0}, {"limit": True}, {"lengths": []}, {"lengths": [1]}, {"lengths": ["1024"]},
        {"lengths": [0]}, {"modes": []}, {"modes": ["both"]}, {"positions": ["yarm"]}, {"models": "reader"},
        {"attention": "fast"}, {"lines": 3}, {"documents": [3]},
    ],
)  # fmt: skip
def test_choices_that_make_no_sense_are_refused_in_words(shop: Any, change: dict[str, Any]) -> None:
    with pytest.raises(UserError) as refused:
        wanted_of({**NEEDLES, **change}, shop.settings)
    assert refused.value.message


def test_questions_that_no_source_answers_are_refused_by_line(shop: Any) -> None:
    with pytest.raises(UserError, match="Line 1"):
        shop.page.evaluate(own(shop.document, lines="Who paints? | nobody at all"))
    with pytest.raises(UserError, match="no question"):
        shop.page.evaluate(own(shop.document, lines="\n"))


def test_the_supplied_questions_about_the_code_base_make_forty_runs(shop: Any) -> None:
    wanted = {**NEEDLES, "kind": "code", "limit": 10, "lengths": [2048, 4096], "modes": ["single", "chunked"]}
    assert shop.page.cost(wanted)["runs"] == 40
