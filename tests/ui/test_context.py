"""What comes from a browser is taken only where it belongs; ids of others are refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import standin

from longdoc.errors import LongDocError, StoreError, UserError
from longdoc.ui.comparing import CompareCalls
from longdoc.ui.conversation import ConversationCalls
from longdoc.ui.library import LibraryCalls
from longdoc.ui.model_page import ModelCalls
from longdoc.ui.reader_calls import ReaderCalls


def upload(context: Any, name: str, data: bytes) -> str:
    folder = context.received / "abc"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    return str(folder / name)


def test_an_upload_is_moved_out_of_reach_and_read(make_context: Any) -> None:
    context = make_context()
    calls = LibraryCalls(context)
    path = upload(context, "note.txt", b"The rent is 400 euros.\n")
    job = context.worker.wait(calls.add_upload(path, "note.txt"), 30)
    assert job.state == "done", job.message
    assert not Path(path).exists()
    assert not list(context.kept.iterdir())
    assert [card["title"] for card in calls.library()["cards"]] == ["note.txt"]


@pytest.mark.parametrize("path", ["/etc/passwd", "../../../etc/passwd", "", "http://x.test/a.pdf", "\0"])
def test_paths_that_were_not_uploaded_are_refused(make_context: Any, path: str) -> None:
    with pytest.raises((UserError, ValueError)):
        LibraryCalls(make_context(started=False)).add_upload(path, "x")


def test_links_out_of_the_upload_folder_are_refused(make_context: Any, tmp_path: Path) -> None:
    context = make_context(started=False)
    (tmp_path / "secret").write_text("s")
    os.symlink(tmp_path / "secret", context.received / "link")
    with pytest.raises(UserError):
        context.take_upload(str(context.received / "link"))


def test_the_same_bytes_twice_are_kept_once_and_said_to_be_here(make_context: Any) -> None:
    context = make_context()
    calls = LibraryCalls(context)
    for name in ("a.txt", "b.txt"):
        job = context.worker.wait(calls.add_upload(upload(context, name, b"Same words.\n"), name), 30)
    assert job.result["duplicate"] is True
    assert job.result["title"] == "a.txt"
    assert [row["result"]["title"] for row in calls.adding()] == ["a.txt"]
    calls.dismiss(job.id)
    assert calls.adding() == []


def test_folders_are_named_only_where_nobody_else_can_reach_the_server(make_context: Any, tmp_path: Path) -> None:
    calls = LibraryCalls(make_context(started=False, local=False))
    with pytest.raises(UserError, match="only on the computer"):
        calls.add_path(str(tmp_path))
    with pytest.raises(UserError):
        ModelCalls(calls.context).add_model("/etc")


def test_a_failed_source_can_be_tried_again_and_dismissed(make_context: Any) -> None:
    context = make_context()
    calls = LibraryCalls(context)
    job = context.worker.wait(calls.add_upload(upload(context, "x.pdf", b"%PDF-1.4 broken"), "x.pdf"), 30)
    assert job.state == "failed"
    assert calls.adding()[0]["message"]
    again = context.worker.wait(calls.retry(job.id), 30)
    assert again.state == "failed"
    assert [row["id"] for row in calls.adding()] == [again.id]
    calls.dismiss(again.id)
    assert calls.adding() == []
    assert not list(context.kept.iterdir())


def test_budget_refuses_what_does_not_fit_and_says_by_how_much(make_context: Any, put: Any) -> None:
    context = make_context(started=False)
    talk = ConversationCalls(context)
    ids = [put(context.library, standin.text_of(n, str(n)), f"{n}.txt") for n in (3000, 500)]
    choices = [{"id": i} for i in ids]
    free = talk.budget(choices, "who?")
    assert free["over"] == 0
    assert free["offers"] is None
    assert sum(row["tokens"] for row in free["sources"]) + free["question"] + free["reserve"] == free["total"]
    full = talk.budget(choices, "who?", window=free["total"] - 7)
    assert full["over"] == 7
    assert full["zone"] == "over"
    assert full["offers"]["remove"] == ["500.txt"]
    with pytest.raises(UserError, match="over the window"):
        talk.ask(choices, "who?", window=free["total"] - 7)
    assert context.library.threads() == []


@pytest.mark.parametrize("question", ["", "   ", "?!", "x" * 100_000])
def test_questions_of_no_or_endless_length_are_refused(make_context: Any, put: Any, question: str) -> None:
    context = make_context(started=False)
    document = put(context.library, "Some words.\n")
    for ask in (ConversationCalls(context).ask, CompareCalls(context).compare):
        with pytest.raises(UserError):
            ask([{"id": document}], question)


def test_ids_that_are_not_there_are_refused_and_nothing_changes(make_context: Any, put: Any) -> None:
    context = make_context(started=False)
    document = put(context.library, "Some words.\n")
    talk, library, reader = ConversationCalls(context), LibraryCalls(context), ReaderCalls(context)
    before = context.settings.database.read_bytes()
    for action in (
        lambda: talk.turns(9), lambda: talk.export(9), lambda: talk.delete_thread(9), lambda: talk.stop(9),
        lambda: talk.ask([{"id": "no"}], "who?"), lambda: talk.ask([{"id": document}], "who?", thread=9),
        lambda: library.delete("no"), lambda: library.rename("no", "x"), lambda: library.retry(9),
        lambda: library.tree(9), lambda: library.add_tree(9, ["a"]), lambda: reader.open_document("no"),
        lambda: reader.part(document, 5), lambda: CompareCalls(context).comparison(9),
        lambda: CompareCalls(context).vote(9, "Same"),
    ):  # fmt: skip
        with pytest.raises(LongDocError):
            action()
    assert context.settings.database.read_bytes() == before


def test_an_answer_is_kept_and_cites_its_source(make_context: Any, put: Any) -> None:
    from scripted import Scripted

    context = make_context(Scripted({"rent": ("The rent is 400 euros.", "400 euros")}))
    document = put(context.library, "Preamble of it all.\nThe rent is 400 euros.\nThe end.\n")
    talk = ConversationCalls(context)
    made = talk.ask([{"id": document}], "How much is the rent?")
    assert context.worker.wait(made["job"], 30).state == "done"
    turn = talk.turns(made["thread"])["turns"][0]
    assert turn["citations"][0]["status"] == "verified"
    assert turn["citations"][0]["quote"] == "The rent is 400 euros."
    assert turn["citations"][0]["href"] in turn["html"]
    exported = talk.export(made["thread"])["text"]
    assert "400 euros" in exported
    assert "Verified" in exported
    LibraryCalls(context).delete(document)
    assert talk.turns(made["thread"])["turns"][0]["citations"][0]["deleted"] == "source deleted"


def test_a_deleted_document_is_no_longer_shown(make_context: Any, put: Any) -> None:
    context = make_context(started=False)
    document = put(context.library, "Some words.\n")
    reader = ReaderCalls(context)
    assert reader.open_document(document)["part"]["pieces"][0] == "Some words.\n"
    context.library.remove(document)
    with pytest.raises(StoreError):
        reader.open_document(document)
