"""Jobs: work that belongs to the server, not to a page. Queued, claimed once, watched, cancelled.

A job is claimed by one process; if that process is gone when the library is
opened next, the job is `interrupted`. What a job does is up to its worker.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from longdoc.errors import StoreError
from longdoc.store.codec import to_json
from longdoc.store.threads import Threads

JobState = Literal["queued", "running", "done", "failed", "stopped", "interrupted"]
ENDED = ("done", "failed", "stopped", "interrupted")


@dataclass(frozen=True)
class Job:
    """A piece of work and how far it is."""

    id: int
    kind: str  # "ask", "read", "ingest", ...
    state: JobState
    request: dict[str, Any]
    progress: dict[str, Any]
    result: dict[str, Any]
    message: str  # why it failed, for people
    cancel: bool  # a person asked for its end
    created_at: float
    updated_at: float


class Jobs(Threads):
    """The part of the library that holds work."""

    def add_job(self, kind: str, request: Mapping[str, Any]) -> int:
        """Queue a job and return its id. `request` must be JSON."""
        now = time.time()
        with self.writing() as db:
            row = {
                "kind": kind,
                "state": "queued",
                "request": to_json(dict(request)),
                "progress": "{}",
                "result": "{}",
                "message": "",
                "cancel": 0,
                "owner": "",
                "created_at": now,
                "updated_at": now,
            }
            return int(db["jobs"].insert(row).last_pk)

    def claim_next(self, kinds: Sequence[str] | None = None) -> Job | None:
        """Take the oldest queued job for this process, or None. No two callers get the same job."""
        with self.writing() as db:
            where, values = "state = 'queued'", list(kinds or ())
            if kinds is not None:
                where += f" AND kind IN ({','.join('?' * len(values))})"
            row = db.execute(f"SELECT id FROM jobs WHERE {where} ORDER BY id LIMIT 1", values).fetchone()
            if row is None:
                return None
            db.execute(
                "UPDATE jobs SET state = 'running', owner = ?, updated_at = ? WHERE id = ?",
                [process_mark(os.getpid()), time.time(), row[0]],
            )
            return self.job(row[0])

    def update_job(
        self,
        job_id: int,
        state: JobState | None = None,
        progress: Mapping[str, Any] | None = None,
        *,
        result: Mapping[str, Any] | None = None,
        message: str | None = None,
    ) -> None:
        """Change what is given, leave the rest. Raises StoreError `not_found`, `bad_reference` for an unknown state."""
        if state is not None and state not in get_args(JobState):
            raise StoreError(f"A job cannot be {state!r}.", code="bad_reference")
        changes: dict[str, Any] = {"updated_at": time.time()}
        if state is not None:
            changes["state"] = state
        if progress is not None:
            changes["progress"] = to_json(dict(progress))
        if result is not None:
            changes["result"] = to_json(dict(result))
        if message is not None:
            changes["message"] = message
        with self.writing() as db:
            assignments = ", ".join(f"{name} = ?" for name in changes)
            if not db.execute(f"UPDATE jobs SET {assignments} WHERE id = ?", [*changes.values(), job_id]).rowcount:
                raise _no_job()

    def request_cancel(self, job_id: int) -> None:
        """Ask for a job's end: a queued job is stopped at once, a running one sees `cancel`."""
        with self.writing() as db:
            job = self.job(job_id)
            db.execute("UPDATE jobs SET cancel = 1, updated_at = ? WHERE id = ?", [time.time(), job_id])
            if job.state == "queued":
                db.execute("UPDATE jobs SET state = 'stopped' WHERE id = ?", [job_id])

    def job(self, job_id: int) -> Job:
        """Return a job. Raises StoreError `not_found`."""
        with self.reading() as db:
            row = db.execute(f"{_COLUMNS} WHERE id = ?", [job_id]).fetchone()
        if row is None:
            raise _no_job()
        return _job(row)

    def jobs(self, states: Sequence[JobState] | None = None, limit: int = 500) -> list[Job]:
        """Return jobs in the order in which they were queued, the newest `limit` of them."""
        where = "" if states is None else f" WHERE state IN ({','.join('?' * len(states))})"
        with self.reading() as db:
            rows = db.execute(f"{_COLUMNS}{where} ORDER BY id DESC LIMIT ?", [*(states or ()), limit]).fetchall()
        return [_job(row) for row in reversed(rows)]

    def queue_place(self, job_id: int) -> int:
        """Return how many unfinished jobs come before this one; 0: it is running or next."""
        with self.reading() as db:
            row = db.execute(
                "SELECT count(*) FROM jobs WHERE id < ? AND state IN ('queued', 'running')", [job_id]
            ).fetchone()
        return int(row[0])

    def interrupt_orphans(self) -> int:
        """Mark running jobs of processes that are gone as interrupted; return how many."""
        with self.reading() as db:
            running = db.execute("SELECT id, owner FROM jobs WHERE state = 'running'").fetchall()
        dead = [job_id for job_id, owner in running if not _alive(owner)]
        if dead:
            with self.writing() as db:
                for job_id in dead:
                    db.execute(
                        "UPDATE jobs SET state = 'interrupted', message = ?, updated_at = ? "
                        "WHERE id = ? AND state = 'running'",
                        ["LongDoc ended while this was running.", time.time(), job_id],
                    )
        return len(dead)


_COLUMNS = "SELECT id, kind, state, request, progress, result, message, cancel, created_at, updated_at FROM jobs"


def process_mark(pid: int) -> str:
    """Return what tells a process from a later one with the same number: number and start time; "" if it is gone."""
    import psutil

    try:
        return f"{pid}:{psutil.Process(pid).create_time():.2f}"
    except psutil.Error:
        return ""


def _alive(owner: str) -> bool:
    number = owner.partition(":")[0]
    return number.isdigit() and process_mark(int(number)) == owner


def _job(row: tuple[Any, ...]) -> Job:
    return Job(
        id=row[0],
        kind=row[1],
        state=row[2],
        request=json.loads(row[3]),
        progress=json.loads(row[4]),
        result=json.loads(row[5]),
        message=row[6],
        cancel=bool(row[7]),
        created_at=row[8],
        updated_at=row[9],
    )


def _no_job() -> StoreError:
    return StoreError("There is no such job.", code="not_found")
