"""Asking from the page: overrides kept by collection, no silent second reading, Continue, samples, suggestions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import standin
from scripted import Scripted

from longdoc.errors import UserError
from longdoc.ui.conversation import ConversationCalls
from longdoc.ui.library import LibraryCalls
from longdoc.ui.models import Models, measured_lengths, windows
from longdoc.ui.suggesting import ordered, suggested

SENTENCE = "The lantern stands in the north tower beside the bell."


@pytest.fixture
def asked(make_context: Callable[..., Any], put: Callable[..., str]) -> Any:
    """A context with one document of 1,500 tokens, native length 2,048, and both sets of calls."""
    context = make_context(Scripted({"lantern": (SENTENCE, "in the north tower"), "bell": ("", "x " * 600)}))
    text = SENTENCE + "\n" + standin.text_of(1400)
    context.document = put(context.library, text, "tower.txt")
    context.talk, context.cards = ConversationCalls(context), LibraryCalls(context)
    context.choices = [{"id": context.document}]
    return context


def ended(context: Any, given: dict[str, int]) -> Any:
    return context.worker.wait(given["job"], 60)


def test_what_a_collection_is_read_with_outlives_saving_it_again(asked: Any) -> None:
    made = asked.cards.save_collection("Towers", [asked.document])
    asked.cards.plan_collection(made, {"position": "pi", "tier": "ram", "attention": ""})
    again = asked.cards.save_collection("Towers", [asked.document])
    (row,) = asked.cards.library()["collections"]
    assert (row["id"], row["how"]) == (again, {"position": "linear", "tier": "ram"})
    asked.cards.plan_collection(again, {})
    assert asked.cards.library()["collections"][0]["how"] == {}
    asked.library.set_collection_plan(again, {"tier": "ram"})
    asked.cards.delete_collection(again)
    assert asked.cards.library()["collections"] == []


@pytest.mark.parametrize("how", [{"position": "yarm"}, {"tier": "attic"}, {"speed": "fast"}, {"attention": 3}])
def test_unknown_overrides_are_refused(asked: Any, how: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        asked.talk.budget(asked.choices, "Who?", how=how)
    with pytest.raises(UserError):
        asked.talk.ask(asked.choices, "Who?", how=how)


def test_an_override_is_planned_and_used(asked: Any) -> None:
    assert asked.talk.budget(asked.choices, "Where is the lantern?", how={"position": "yarn"})["method"] == "yarn"
    given = asked.talk.ask(asked.choices, "Where is the lantern?", how={"position": "yarn"})
    assert ended(asked, given).state == "done"
    (turn,) = asked.library.turns(given["thread"])
    assert turn.answer.plan.position_method == "yarn"


def test_the_budget_counts_exactly_what_is_read(asked: Any) -> None:
    made = asked.talk.budget(asked.choices, "Where is the lantern?")
    given = asked.talk.ask(asked.choices, "Where is the lantern?")
    ended(asked, given)
    (turn,) = asked.library.turns(given["thread"])
    assert made["total"] - made["reserve"] == turn.answer.usage.prompt_tokens


def test_a_follow_up_that_crosses_a_limit_asks_before_it_reads_again(asked: Any) -> None:
    given = asked.talk.ask(asked.choices, "Where is the lantern?")
    ended(asked, given)
    steps = len(asked.engine.backend("reader").steps)
    long_question = "Where is the lantern? " + "Tell me more. " * 30
    with pytest.raises(UserError) as refused:
        asked.talk.ask(asked.choices, long_question, thread=given["thread"])
    assert refused.value.code == "rereads"
    assert "read again" in refused.value.message
    assert len(asked.engine.backend("reader").steps) == steps
    ended(asked, asked.talk.ask(asked.choices, long_question, mode="chunked", thread=given["thread"]))
    again = asked.talk.ask(asked.choices, long_question, thread=given["thread"], reread=True)
    assert ended(asked, again).state == "done"
    assert asked.library.turns(given["thread"])[-1].answer.plan.position_method != "none"
    # from now on that is how it is read; a short question would change it back, and asks again
    with pytest.raises(UserError, match="read again"):
        asked.talk.ask(asked.choices, "Where is the lantern?", thread=given["thread"])


def test_an_ordinary_follow_up_is_not_asked_about(asked: Any) -> None:
    given = asked.talk.ask(asked.choices, "Where is the lantern?")
    ended(asked, given)
    again = asked.talk.ask(asked.choices, "And where is the lantern now?", thread=given["thread"])
    assert ended(asked, again).state == "done"


def test_a_stopped_answer_is_continued_in_its_place(asked: Any) -> None:
    backend = asked.engine.backend("reader")
    backend.token_s = 0.01
    given = asked.talk.ask(asked.choices, "What of the bell?")
    for _ in range(2000):
        if len(asked.worker.progress(asked.library.job(given["job"])).get("text", "")) > 20:
            break
        threading.Event().wait(0.01)
    asked.talk.stop(given["job"])
    assert ended(asked, given).state == "stopped"
    (stopped,) = asked.library.turns(given["thread"])
    assert stopped.answer.stop_reason == "stopped"
    backend.token_s, steps = 0.0, len(backend.steps)
    more = {"thread": given["thread"], "continues": stopped.id}
    again = asked.talk.ask(asked.choices, "What of the bell?", **more)
    assert ended(asked, again).state == "done"
    (whole,) = asked.library.turns(given["thread"])
    assert (whole.id, whole.answer.stop_reason) == (stopped.id, "end")
    assert whole.answer.text.startswith(stopped.answer.text.strip()[:20])
    assert len(whole.answer.text) > len(stopped.answer.text)
    assert len(backend.steps) == steps
    with pytest.raises(UserError):
        asked.talk.ask(asked.choices, "What of the bell?", **more)


def test_a_sample_is_added_and_asked_by_one_call(make_context: Callable[..., Any]) -> None:
    context = make_context(Scripted({"budget": ("", "nothing")}))
    begun = LibraryCalls(context).ask_sample("meeting")
    assert context.worker.wait(begun["job"], 60).state == "done"
    (job,) = [job for job in context.library.jobs() if job.kind == "ask"]
    assert context.worker.wait(job.id, 60).state == "done"
    (turn,) = context.library.turns(begun["thread"])
    assert "budget" in turn.answer.question


def test_suggested_questions_are_turned_from_sentences_that_answer_them() -> None:
    text = "The deposit is 900 euros. The lease begins on 1 May 2024.\nThe same is 3. The annual rent is 4,010 euros.\n"
    code = standin.document_of("def rounded_total(order):\n    return 1\n", "a.py")
    assert suggested([standin.document_of(text)]) == [
        "What is the deposit?", "When does the lease begin?", "What is the annual rent?",
    ]  # fmt: skip
    assert "Where is rounded_total defined?" in suggested([standin.document_of(text), code])
    assert suggested([standin.document_of("Nothing to see.")]) == []


def test_sources_are_ordered_by_their_best_passage(asked: Any, put: Callable[..., str]) -> None:
    other = put(asked.library, "Nothing but gardens and rain.\n" * 20, "garden.txt")
    order, left = ordered(asked.library, asked.settings, "gardens in the rain", [asked.document, other])
    assert (order, left) == ([other, asked.document], 0)
    assert asked.cards.relevance("  ")["order"] == [asked.document, other]


def test_models_tell_how_far_each_method_goes_and_what_was_measured(asked: Any) -> None:
    from longdoc.evaluation.results import keep_summary, model_folder

    rows = {row["name"]: row["window"] for row in windows(asked.engine.info("reader"))}
    assert rows["none"] == 2048
    assert rows["yarn"] == asked.engine.info("reader").window
    row = {"length": 4096, "position_method": "yarn", "attention": "dense", "depth": None, "mode": "single"}
    report = {"task": "needle", "model": "reader", "rows": [{**row, "metric": "exact", "n": 5, "score": 0.8}]}
    keep_summary(model_folder(asked.settings, "reader"), report, "weights")
    measured = {"length": 4096, "method": "yarn", "score": 0.8, "n": 5}
    assert measured_lengths(asked.settings, "reader") == [measured]
    models: Models = asked.models
    assert models.preview("reader", 4000, None, {"position": "string"})["method"] == "string"
    assert models.preview("reader", 4000)["zone"] == "extended_tested"
