"""The Recordings page: adding, lines as they arrive, corrections, summaries, questions, export.

Transcribing and summarizing are jobs (`recordings_work.py`); transcripts live in the store. What a
page gets of them is made in `recordings_views.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from longdoc.errors import LongDocError, SourceError, UserError
from longdoc.files import display_name
from longdoc.speech import ENGINES
from longdoc.speech.engine import SpeechOptions
from longdoc.speech.export import export
from longdoc.store import Job
from longdoc.store.codec import from_json
from longdoc.store.transcripts import TranscriptItem
from longdoc.summarize import TEMPLATES, WAYS, Summary
from longdoc.transcribe import document_of
from longdoc.ui.context import Context
from longdoc.ui.conversation import turn_view
from longdoc.ui.recordings_models import SpeechModelCalls
from longdoc.ui.recordings_views import engine_rows, item_view, line_view, summary_view, waiting_view
from longdoc.ui.recordings_work import sample
from longdoc.ui.render import inert

_NAME = 1_000
_TERMS = 200
_TERM_CHARACTERS = 80
_LINE_CHARACTERS = 4_000
_LINES_AT_ONCE = 2_000
_TURNS = 30
_RENEW_AFTER_S = 2.0  # of no more corrections


class RecordingCalls:
    """What the Recordings page may ask of the server."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._renewing: dict[int, threading.Timer] = {}
        self._lock = threading.Lock()

    def calls(self) -> Sequence[Callable[..., Any]]:
        """Return the functions that the page may call by name."""
        return (
            self.recordings,
            self.add_recording,
            self.add_sample_recording,
            self.transcript,
            self.resume,
            self.transcribe_again,
            self.retry_recording,
            self.dismiss_recording,
            self.delete_recording,
            self.edit_line,
            self.rename_speaker,
            self.export_transcript,
            self.summarize,
            self.summary,
            self.recording_document,
            self.questions,
            *SpeechModelCalls(self.context).calls(),
        )

    def recordings(self) -> dict[str, Any]:
        """Return recordings with their state, additions that wait or failed, and the engines there are."""
        library, worker = self.context.library, self.context.worker
        items = {item.id: item for item in library.transcript_items()}
        shown: dict[str, TranscriptItem] = {}
        unfinished: dict[str, int] = {}
        for item in items.values():  # of several of one recording the complete one, else the newest
            before = shown.get(item.source.id)
            if before is None or item.complete or not before.complete:
                shown[item.source.id] = item
            if not item.complete:
                unfinished[item.source.id] = item.id
        jobs: dict[str, Job] = {}  # the newest of each recording
        waiting: list[dict[str, Any]] = []
        for job in library.jobs():
            if job.kind != "transcribe" or job.result.get("dismissed"):
                continue
            progress = worker.progress(job)
            source = _source_of(job, progress, items)
            if source in shown:
                jobs[source] = job
            elif job.state != "done" and (progress.get("transcript") is None or job.state in ("queued", "running")):
                waiting.append(waiting_view(job, progress))
        rows = [item_view(i, jobs.get(s), unfinished.get(s), worker.progress) for s, i in shown.items()]
        return {
            "rows": [*reversed(rows)],
            "waiting": waiting,
            "engines": engine_rows(self.context.settings),
            "sample": sample() is not None,
        }

    def add_recording(
        self, path: str, name: str, language: str = "", terms: str = "", engine: str = "auto", quality: str = ""
    ) -> int:
        """Take over an uploaded recording and begin to transcribe it; return the job."""
        request = self.request(engine, language, terms, quality)
        shown = display_name(name[:_NAME])
        key = self.context.take_upload(path)
        return self.context.worker.submit("transcribe", {**request, "upload": key, "name": shown})

    def add_sample_recording(self, engine: str = "auto") -> int:
        """Transcribe the meeting that comes with LongDoc; return the job."""
        path = sample()
        if path is None:
            raise UserError("The sample is not here.", next_step="Add a recording of your own.")
        request = self.request(engine, "", "", "")
        return self.context.worker.submit("transcribe", {**request, "sample": True, "name": path.name})

    def transcript(self, transcript: int, after: int = 0) -> dict[str, Any]:
        """Return what a transcript is and its lines from number `after` on, at most some thousand at once."""
        item = self.context.library.transcript_item(transcript)
        held = self.context.library.transcript(transcript)
        lines = held.utterances[after : after + _LINES_AT_ONCE]
        rough = is_rough(item)
        return {
            "speakers": [inert(name) for name in held.speakers],
            "lines": [line_view(number, said, rough) for number, said in enumerate(lines, after)],
            "more": len(held.utterances) > after + len(lines),
            "total": len(held.utterances),
        }

    def resume(self, transcript: int) -> int:
        """Go on with a stopped or interrupted transcription; return the job."""
        item = self.context.library.transcript_item(transcript)
        if item.complete:
            raise UserError("This transcript is complete.", next_step="Reload the page.")
        self._require_idle(item.source.id)
        request = {"source": item.source.id, "name": item.source.name, "engine": item.engine}
        return self.context.worker.submit("transcribe", {**request, "options": dict(item.options)})

    def transcribe_again(
        self, transcript: int, engine: str, language: str = "", terms: str = "", quality: str = ""
    ) -> int:
        """Transcribe a recording anew, with another engine or other choices; corrections by hand come over."""
        item = self.context.library.transcript_item(transcript)
        self._require_idle(item.source.id)
        request = self.request(engine, language, terms, quality)
        again = {"source": item.source.id, "name": item.source.name, "again": True}
        return self.context.worker.submit("transcribe", {**request, **again})

    def retry_recording(self, job: int) -> int:
        """Try once more with a recording that was not opened; return the job."""
        ended = self._job(job, "transcribe")
        if ended.state in ("queued", "running", "done"):
            raise UserError("This recording has not failed.", next_step="Reload the page.")
        if ended.request.get("upload"):
            self.context.upload(str(ended.request["upload"]))
        self.context.library.update_job(job, result={**ended.result, "dismissed": True})
        return self.context.worker.submit("transcribe", ended.request)

    def dismiss_recording(self, job: int) -> bool:
        """Take a recording that could not be read off the list, and its upload off the disk."""
        ended = self._job(job, "transcribe")
        if ended.state in ("queued", "running"):
            self.context.worker.cancel(job)
        self.context.library.update_job(job, result={**ended.result, "dismissed": True})
        self.context.drop_upload(str(ended.request.get("upload", "")))
        return True

    def delete_recording(self, transcript: int) -> bool:
        """Delete a recording with its transcript; answers keep their quotes."""
        item = self.context.library.transcript_item(transcript)
        self._require_idle(item.source.id)
        jobs = self._jobs_of(item.source.id, self.context.library.jobs())
        self.context.library.remove_recording(item.source.id)
        if item.document_id:
            self.context.engine.forget(item.document_id)
        for job in jobs:
            self.context.library.update_job(job.id, result={**job.result, "dismissed": True})
        return True

    def edit_line(self, transcript: int, number: int, text: str) -> dict[str, Any]:
        """Correct the words of a line and return it."""
        if len(text) > _LINE_CHARACTERS:
            raise UserError(f"A line has at most {_LINE_CHARACTERS:,} characters.")
        said = self.context.library.edit_utterance(transcript, number, text)
        self._renew_later(transcript)
        return line_view(number, said, is_rough(self.context.library.transcript_item(transcript)))

    def rename_speaker(self, transcript: int, old: str, new: str, number: int | None = None) -> int:
        """Give a speaker another name everywhere, or in one line; return how many lines changed."""
        changed = self.context.library.rename_speaker(transcript, old, new, number)
        self._renew_later(transcript)
        return changed

    def export_transcript(self, transcript: int, form: str) -> dict[str, str]:
        """Return a transcript as a file's name and text."""
        item = self.context.library.transcript_item(transcript)
        text = export(self.context.library.transcript(transcript), form, item.source.name)
        stem = item.source.name.rsplit(".", 1)[0] or "transcript"
        return {"name": display_name(f"{stem}.{form}"), "text": text}

    def summarize(self, transcript: int, template: str = "meeting", way: str = "single", model: str = "") -> int:
        """Queue a summary of a transcript; return the job."""
        if template not in TEMPLATES or way not in WAYS:
            raise UserError("There is no such summary.", next_step="Reload the page.")
        kit = self.context.models.kit(model)
        item = self.context.library.transcript_item(transcript)
        document = self.document_of(transcript)
        request = {"source": item.source.id, "document": document, "name": f"Summary of {item.source.name}"}
        return self.context.worker.submit(
            "summarize", {**request, "template": template, "way": way, "model": kit.model}
        )

    def summary(self, transcript: int) -> dict[str, Any]:
        """Return the newest summary of a recording and the running one, if there are."""
        source = self.context.library.transcript_item(transcript).source.id
        jobs = [j for j in self.context.library.jobs() if j.kind == "summarize" and j.request.get("source") == source]
        running = next((job for job in reversed(jobs) if job.state in ("queued", "running")), None)
        ended = next((job for job in reversed(jobs) if job.state not in ("queued", "running")), None)
        done = next((job for job in reversed(jobs) if job.result.get("summary")), None)
        made = from_json(Summary, str(done.result["summary"])) if done else None
        failed = ended if ended is not None and (done is None or ended.id > done.id) else None
        return {
            "running": running.id if running else None,
            "summary": summary_view(made, f"s{done.id}") if made and done else None,
            "message": inert(" ".join([failed.message, str(failed.result.get("next_step", ""))])) if failed else "",
        }

    def recording_document(self, transcript: int) -> str:
        """Return the id of the document of a transcript as it is now, corrections included."""
        return self.document_of(transcript)

    def questions(self, transcript: int) -> dict[str, Any]:
        """Return the conversation about a recording: the newest one over it alone."""
        document = self.context.library.transcript_item(transcript).document_id
        for thread in self.context.library.threads():
            if document and [identity for identity, _ in thread.documents] == [document]:
                turns = self.context.library.turns(thread.id)[-_TURNS:]
                # What is no longer here is an earlier version of this transcript: its times still hold.
                return {"thread": thread.id, "turns": [turn_view(turn, turn.deleted) for turn in turns]}
        return {"thread": None, "turns": []}

    def document_of(self, transcript: int) -> str:
        """Return the id of a transcript's document, made anew if corrections changed it.

        Raises SourceError where there are no words.
        """
        before = self.context.library.transcript_item(transcript).document_id
        made = document_of(self.context.library, transcript).id
        if before not in ("", made):
            self.context.engine.forget(before)
        return made

    def _renew_later(self, transcript: int) -> None:
        """Make the document anew once corrections pause, so that other pages read what stands here."""

        def renew() -> None:
            with suppress(LongDocError):  # the next question about it says why
                self.document_of(transcript)

        with self._lock:
            timer = self._renewing.get(transcript)
            if timer is not None:
                timer.cancel()
            timer = threading.Timer(_RENEW_AFTER_S, renew)
            timer.daemon = True
            self._renewing[transcript] = timer
            timer.start()

    def request(self, engine: str, language: str = "", terms: str = "", quality: str = "") -> dict[str, Any]:
        """Return the checked choices of a transcription. Raises UserError."""
        if engine != "auto" and engine not in ENGINES:
            raise UserError("There is no such way to transcribe.", next_step="Reload the page.")
        if language and not (language.isalpha() and len(language) <= 3):
            raise UserError("A language is given by its code.", next_step="For example en or de; empty: detect.")
        words = [" ".join(term.split())[:_TERM_CHARACTERS] for term in terms.replace("\n", ",").split(",")]
        chosen = SpeechOptions(language.lower(), tuple(word for word in words if word)[:_TERMS], quality[:200])
        return {"engine": engine, "options": asdict(chosen)}

    def _require_idle(self, source_id: str) -> None:
        for job in self._jobs_of(source_id, self.context.library.jobs(("queued", "running"))):
            raise UserError(f"{display_name(job.request['name'])} is being transcribed.", next_step="Stop that first.")

    def _jobs_of(self, source_id: str, jobs: Sequence[Job]) -> list[Job]:
        """Return those of `jobs` that transcribe a recording."""
        items = {item.id: item for item in self.context.library.transcript_items()}
        ours = [job for job in jobs if job.kind == "transcribe"]
        return [job for job in ours if _source_of(job, self.context.worker.progress(job), items) == source_id]

    def _job(self, job_id: int, kind: str) -> Job:
        job = self.context.library.job(job_id)
        if job.kind != kind:
            raise SourceError("This is not a recording that is being added.", code="not_found")
        return job


def _source_of(job: Job, progress: Mapping[str, Any], items: Mapping[int, TranscriptItem]) -> str:
    """Return which recording a job transcribes, "" while that is not known."""
    known = job.result.get("source") or job.request.get("source")
    made = items.get(progress.get("transcript") or -1)
    return str(known or (made.source.id if made else ""))


def is_rough(item: TranscriptItem) -> bool:
    """Say whether the engine of a transcript hears only roughly."""
    return item.engine in ENGINES and ENGINES[item.engine].rough
