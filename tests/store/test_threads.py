"""Conversations, collections, jobs and the index of readings."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from longdoc.errors import StoreError, UserError
from longdoc.settings import Settings
from longdoc.store import CacheEntry, Library
from longdoc.store.codec import from_json, to_json
from longdoc.store.jobs import process_mark
from longdoc.types import Answer, Citation, Omitted, Passage, ReadingPlan, Usage


def answer_citing(document_id: str) -> Answer:
    plan = ReadingPlan(
        "reader", 10, 2048, 131072, "none", 1.0, "dense", "ram", "bf16", 512, 100, 0.5, "native", ("It fits.",)
    )
    return Answer(
        question="How much is the rent?",
        mode="single",
        text="1,240 euros",
        stop_reason="end",
        model="reader",
        plan=plan,
        citations=(Citation(document_id, "lease.txt", "p. 1", 4, 8, "rent", "verified", "quote", page=1),),
        omitted=(Omitted("lease.txt", "page 2", "no text"),),
        passages=(Passage(document_id, 0, 8, "The rent", 1.5),),
        usage=Usage(prompt_tokens=10, read_s=0.25),
        warnings=("None.",),
    )


@pytest.fixture
def document_id(library: Library, given: Callable) -> str:
    source, document, file = given()
    library.add_document(source, document, file)
    return str(document.id)


def test_an_answer_comes_back_whole_with_its_citations_plan_and_cost(library: Library, document_id: str) -> None:
    thread = library.add_thread("Rent", [document_id])
    answer = answer_citing(document_id)
    library.add_turn(thread, answer)
    (turn,) = library.turns(thread)
    assert turn.answer == answer
    assert turn.deleted == frozenset()


def test_quotes_stay_after_their_source_is_deleted_and_are_marked(
    library: Library, document_id: str, given: Callable
) -> None:
    thread = library.add_thread("Rent", [document_id])
    library.add_turn(thread, answer_citing(document_id))
    assert library.citing(document_id) == ["Rent"]
    assert library.remove(document_id) == ["Rent"]
    (turn,) = library.turns(thread)
    assert turn.answer.citations[0].quote == "rent"
    assert turn.deleted == {document_id}
    assert library.thread(thread).deleted == {document_id}
    assert library.thread(thread).documents == ((document_id, "Lease"),)
    source, document, file = given()
    library.add_document(source, document, file)
    assert library.turns(thread)[0].deleted == frozenset()


def test_turns_keep_their_order_and_the_last_used_conversation_is_first(library: Library) -> None:
    first, second = library.add_thread("First"), library.add_thread("Second")
    for _ in range(3):
        library.add_turn(first, answer_citing("gone"))
    turns = library.turns(first)
    assert [turn.id for turn in turns] == sorted(turn.id for turn in turns)
    assert [thread.id for thread in library.threads()] == [first, second]


def test_a_deleted_conversation_takes_its_answers_and_no_document(library: Library, document_id: str) -> None:
    thread = library.add_thread("Rent", [document_id])
    library.add_turn(thread, answer_citing(document_id))
    library.remove_thread(thread)
    assert library.citing(document_id) == []
    assert len(library.documents()) == 1
    with pytest.raises(StoreError):
        library.turns(thread)


@pytest.mark.parametrize("call", ["turns", "thread", "remove_thread", "remove_collection", "job", "request_cancel"])
def test_an_unknown_id_is_one_clear_error(library: Library, call: str) -> None:
    with pytest.raises(StoreError) as caught:
        getattr(library, call)(99)
    assert caught.value.code == "not_found"


def test_an_older_record_without_a_newer_field_is_still_read() -> None:
    stored = to_json(Usage(prompt_tokens=3)).replace('"peak_bytes":0', '"something_newer":1')
    assert from_json(Usage, stored) == Usage(prompt_tokens=3)
    with pytest.raises(ValueError, match="not a stored Usage"):
        from_json(Usage, "[1, 2]")


def test_collections_keep_the_order_in_which_documents_were_put(library: Library, given: Callable) -> None:
    ids = []
    for text in ("one", "two", "three"):
        source, document, file = given(text)
        library.add_document(source, document, file)
        ids.append(document.id)
    collection = library.add_collection("Contracts", [ids[2], ids[0]])
    library.add_to_collection(collection, [ids[1], ids[0]])
    assert library.collection(collection).document_ids == (ids[2], ids[0], ids[1])
    library.remove_from_collection(collection, [ids[2]])
    library.remove(ids[0])
    assert library.collection(collection).document_ids == (ids[1],)
    library.rename_collection(collection, "Leases")
    with pytest.raises(UserError, match="already"):
        library.add_collection("Leases")
    with pytest.raises(UserError):
        library.add_collection("  ")
    library.remove_collection(collection)
    assert library.collections() == []
    assert len(library.documents()) == 2


def test_jobs_are_claimed_oldest_first_and_once(library: Library) -> None:
    first, second = library.add_job("ask", {"question": "?"}), library.add_job("read", {})
    assert library.queue_place(second) == 1
    claimed = library.claim_next()
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.request) == (first, "running", {"question": "?"})
    assert library.claim_next(kinds=["ask"]) is None
    other = library.claim_next(kinds=["read"])
    assert other is not None
    assert other.id == second
    library.update_job(first, "done", {"share": 1.0}, result={"text": "ok"})
    assert library.job(first).progress == {"share": 1.0}
    assert [job.id for job in library.jobs(["done"])] == [first]


def test_cancelling_stops_a_queued_job_and_tells_a_running_one(library: Library) -> None:
    running, queued = library.add_job("ask", {}), library.add_job("ask", {})
    library.claim_next()
    library.request_cancel(running)
    library.request_cancel(queued)
    assert (library.job(running).state, library.job(running).cancel) == ("running", True)
    assert library.job(queued).state == "stopped"
    assert library.claim_next() is None


def test_a_state_that_does_not_exist_is_refused(library: Library) -> None:
    job = library.add_job("ask", {})
    with pytest.raises(StoreError):
        library.update_job(job, "finished")  # type: ignore[arg-type]
    assert library.job(job).state == "queued"


def test_running_jobs_of_dead_processes_are_interrupted_on_opening_and_others_are_not(settings: Settings) -> None:
    with Library(settings) as library:
        dead, alive = library.add_job("ask", {}), library.add_job("ask", {})
        library.claim_next()
        library.claim_next()
        with library.writing() as db:
            # The number of a living process, with the start time of one that is gone.
            db.execute("UPDATE jobs SET owner = ? WHERE id = ?", [f"{os.getpid()}:1.00", dead])
            db.execute("UPDATE jobs SET owner = ? WHERE id = ?", [process_mark(os.getpid()), alive])
    with Library(settings) as library:
        assert library.job(dead).state == "interrupted"
        assert library.job(dead).message
        assert library.job(alive).state == "running"


def test_readings_are_listed_with_the_longest_unused_first(library: Library) -> None:
    library.put_cache_entry(CacheEntry("a", "f", 10, 100, "a/", last_used_at=1.0, document_ids=("d1", "d2")))
    library.put_cache_entry(CacheEntry("b", "f", 20, 200, "b/", last_used_at=2.0, document_ids=("d2",)))
    assert [entry.key for entry in library.cache_entries()] == ["a", "b"]
    assert [entry.key for entry in library.cache_entries("d1")] == ["a"]
    library.touch_cache_entry("a")
    assert [entry.key for entry in library.cache_entries()] == ["b", "a"]
    library.put_cache_entry(CacheEntry("b", "g", 30, 300, "b/"))
    assert {entry.fingerprint for entry in library.cache_entries()} == {"f", "g"}
    library.delete_cache_entry("a")
    library.delete_cache_entry("a")
    assert [entry.key for entry in library.cache_entries()] == ["b"]
