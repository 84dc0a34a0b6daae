"""Work that belongs to the server: a job table, one thread a lane, live progress, cancel.

Pages add jobs and watch them; they never own one, so a reload, a second tab or a
closed browser changes nothing. What a kind of job does is `work.py`'s. The lane
of the model has one thread, and the engine behind it one lock.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from longdoc.errors import LongDocError, Stopped, StoreError
from longdoc.store import Job, Library

# Measuring has a lane of its own and takes the engine's turn for every question, so that people's go between.
LANES: dict[str, tuple[str, ...]] = {
    "model": ("ask", "compare", "summarize"),
    "files": ("ingest", "look"),
    "speech": ("transcribe",),
    "evaluation": ("evaluate",),
    "downloads": ("download", "speech_model"),
}
QUESTIONS = ("ask", "compare")
UNWATCHED_S = 120.0  # a question that no page has watched for so long is stopped
_PERSIST_EVERY_S = 1.0
_LOOK_EVERY_S = 2.0

log = logging.getLogger("longdoc.ui")


@dataclass
class Live:
    """A job that waits or runs in this process."""

    stop: threading.Event = field(default_factory=threading.Event)
    progress: dict[str, Any] = field(default_factory=dict)
    watched_at: float = field(default_factory=time.monotonic)
    saved_at: float = 0.0


Handler = Callable[[Job, Live, Callable[[Mapping[str, Any]], None]], dict[str, Any]]


class Worker:
    """Runs jobs of one library. `handlers` maps each kind to what does it and returns its result as JSON."""

    def __init__(self, library: Library, handlers: Mapping[str, Handler], *, unwatched_s: float = UNWATCHED_S) -> None:
        self.library, self.handlers, self.unwatched_s = library, handlers, unwatched_s
        self._live: dict[int, Live] = {}
        self._lock = threading.Lock()
        self._wake = {lane: threading.Event() for lane in LANES}
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._run_lane, args=(lane,), name=f"longdoc-{lane}", daemon=True) for lane in LANES
        ]
        self._threads.append(threading.Thread(target=self._watch, name="longdoc-watch", daemon=True))

    def start(self) -> None:
        if self.library.read_only:
            return
        for thread in self._threads:
            thread.start()
        for wake in self._wake.values():
            wake.set()  # jobs queued before a restart

    def close(self) -> None:
        """Stop what runs and wait for it; stopped jobs keep what they had."""
        self._closing.set()
        with self._lock:
            for live in self._live.values():
                live.stop.set()
        for wake in self._wake.values():
            wake.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=20)

    def submit(self, kind: str, request: Mapping[str, Any]) -> int:
        """Queue a job and return its id. Raises StoreError."""
        job_id = self.library.add_job(kind, request)
        self._entry(job_id)
        self._wake[next(lane for lane, kinds in LANES.items() if kind in kinds)].set()
        return job_id

    def cancel(self, job_id: int) -> None:
        """Stop a job, waiting or running. Raises StoreError `not_found`."""
        self.library.request_cancel(job_id)
        with self._lock:
            live = self._live.get(job_id)
        if live is not None:
            live.stop.set()

    def progress(self, job: Job) -> dict[str, Any]:
        """Return the newest progress of a job, and note that a page watches it."""
        with self._lock:
            live = self._live.get(job.id)
        if live is None:
            return job.progress
        live.watched_at = time.monotonic()
        return dict(live.progress) or job.progress

    def wait(self, job_id: int, timeout_s: float = 3600.0) -> Job:
        """Wait for a job's end and return it, watching it meanwhile: for callers without a page."""
        end = time.monotonic() + timeout_s
        while True:
            job = self.library.job(job_id)
            if job.state not in ("queued", "running") or time.monotonic() > end:
                return job
            self.progress(job)
            time.sleep(0.05)

    def _entry(self, job_id: int) -> Live:
        with self._lock:
            return self._live.setdefault(job_id, Live())

    def _run_lane(self, lane: str) -> None:
        wake = self._wake[lane]
        while not self._closing.is_set():
            wake.wait(timeout=30)
            wake.clear()
            while not self._closing.is_set():
                try:
                    job = self.library.claim_next(LANES[lane])
                except StoreError as error:
                    log.warning("No job can be taken: %s", error)
                    self._closing.wait(_LOOK_EVERY_S)
                    wake.set()
                    break
                if job is None:
                    break
                self._run(job)

    def _run(self, job: Job) -> None:
        live = self._entry(job.id)
        if job.cancel:
            live.stop.set()

        def report(progress: Mapping[str, Any]) -> None:
            live.progress = dict(progress)
            now = time.monotonic()
            if now - live.saved_at >= _PERSIST_EVERY_S:
                live.saved_at = now
                self.library.update_job(job.id, progress=live.progress)

        try:
            result = self.handlers[job.kind](job, live, report)
            state = "stopped" if result.get("stopped") else "done"
            self._end(job, state, live, result, str(result.get("message", "")))
        except Stopped as stopped:
            self._end(job, "stopped", live, {}, stopped.message)
        except LongDocError as error:
            details = {"code": error.code, "next_step": error.next_step}
            self._end(job, "failed", live, details, error.message)
        except Exception as error:  # one broken job must not end the lane
            log.exception("Job %d (%s) failed", job.id, job.kind)
            details = {"code": type(error).__name__, "next_step": "Try again; if it happens again, please report it."}
            self._end(job, "failed", live, details, "Something went wrong inside LongDoc; the other work goes on.")

    def _end(self, job: Job, state: Any, live: Live, result: Mapping[str, Any], message: str) -> None:
        try:
            self.library.update_job(job.id, state, live.progress, result=result, message=message)
        except StoreError as error:
            log.warning("The end of job %d could not be stored: %s", job.id, error)
        with self._lock:
            self._live.pop(job.id, None)

    def _watch(self) -> None:
        """Stop questions whose pages are all gone; other work goes on by itself."""
        while not self._closing.wait(_LOOK_EVERY_S):
            try:
                active = self.library.jobs(("queued", "running"))
            except StoreError:
                continue
            now = time.monotonic()
            for job in active:
                if job.kind in QUESTIONS and now - self._entry(job.id).watched_at > self.unwatched_s:
                    self.cancel(job.id)
