"""Work belongs to the server: it runs once, stops when asked, survives its page and its neighbours."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from longdoc.errors import SourceError, Stopped
from longdoc.settings import Settings
from longdoc.store import Library
from longdoc.ui.jobs import Worker


@pytest.fixture
def library(tmp_path: Path) -> Any:
    with Library(Settings(home=tmp_path)) as opened:
        yield opened


def worker_of(library: Library, handler: Any, **options: Any) -> Worker:
    worker = Worker(library, dict.fromkeys(("ask", "compare", "ingest", "look"), handler), **options)
    worker.start()
    return worker


def test_jobs_of_a_lane_run_one_after_another_in_order(library: Library) -> None:
    seen: list[int] = []
    running = threading.Semaphore(1)

    def handler(job: Any, live: Any, report: Any) -> dict[str, Any]:
        assert running.acquire(blocking=False), "two at once"
        seen.append(job.request["n"])
        live.stop.wait(0.01)
        running.release()
        return {"n": job.request["n"]}

    worker = worker_of(library, handler)
    ids = [worker.submit("ask", {"n": n}) for n in range(5)]
    assert [worker.wait(i, 20).state for i in ids] == ["done"] * 5
    assert seen == [0, 1, 2, 3, 4]
    worker.close()


def test_a_failed_job_says_why_and_the_next_one_runs(library: Library) -> None:
    def handler(job: Any, live: Any, report: Any) -> dict[str, Any]:
        if job.request["n"] == 0:
            raise SourceError("It is damaged.", code="damaged", next_step="Get it again.")
        if job.request["n"] == 1:
            raise ZeroDivisionError("secret")
        return {}

    worker = worker_of(library, handler)
    ids = [worker.submit("ingest", {"n": n}) for n in range(3)]
    ended = [worker.wait(i, 20) for i in ids]
    assert [job.state for job in ended] == ["failed", "failed", "done"]
    assert ended[0].message == "It is damaged."
    assert ended[0].result == {"code": "damaged", "next_step": "Get it again."}
    assert "secret" not in ended[1].message
    worker.close()


def waits(job: Any, live: Any, report: Any) -> dict[str, Any]:
    report({"stage": "reading", "done": 1, "total": 9})
    if live.stop.wait(20):
        raise Stopped("Stopped at 11 %.")
    return {}


def test_a_running_and_a_waiting_job_can_be_stopped(library: Library) -> None:
    worker = worker_of(library, waits)
    first, second = worker.submit("ask", {}), worker.submit("ask", {})
    while library.job(first).state != "running":
        worker.progress(library.job(first))
    worker.cancel(second)
    worker.cancel(first)
    assert worker.wait(first, 20).message == "Stopped at 11 %."
    assert worker.wait(second, 20).state == "stopped"
    worker.close()


def test_a_question_that_no_page_watches_stops_and_other_work_goes_on(library: Library) -> None:
    worker = worker_of(library, waits, unwatched_s=0.0)
    asked, added = worker.submit("ask", {}), worker.submit("ingest", {})
    for _ in range(200):
        if library.job(asked).state == "stopped":
            break
        threading.Event().wait(0.05)
    assert library.job(asked).state == "stopped"
    assert library.job(added).state == "running"
    worker.close()
    assert library.job(added).state == "stopped"


def test_work_queued_before_a_restart_runs_after_it(tmp_path: Path) -> None:
    with Library(Settings(home=tmp_path)) as library:
        job = library.add_job("ask", {})
    with Library(Settings(home=tmp_path)) as library:
        worker = worker_of(library, lambda job, live, report: {"ran": True})
        assert worker.wait(job, 20).result == {"ran": True}
        worker.close()
