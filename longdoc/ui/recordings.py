"""The Recordings page: adding, lines as they arrive, corrections, summaries, questions, export.

Transcribing and summarizing are jobs (`recordings_work.py`); transcripts live in the store. What a
page gets of them is made in `recordings_views.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from longdoc.errors import LongDocError, SourceError, UserError
from longdoc.files import display_name
from longdoc.sources.utterances import transcript_document
from longdoc.speech import ENGINES
from longdoc.speech.engine import SpeechOptions
from longdoc.speech.export import export
from longdoc.store import Job
from longdoc.store.codec import from_json
from longdoc.store.transcripts import TranscriptItem
from longdoc.summarize import TEMPLATES, WAYS, Summary
from longdoc.ui.context import Context
from longdoc.ui.conversation import turn_view
from longdoc.ui.recordings_views import engine_rows, item_view, line_view, summary_view, waiting_view
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
            self.transcript,
            self.resume,
            self.transcribe_again,
            self.dismiss_recording,
            self.delete_recording,
            self.edit_line,
            self.rename_speaker,
            self.export_transcript,
            self.summarize,
            self.summary,
            self.recording_document,
            self.questions,
        )

    def recordings(self) -> dict[str, Any]:
        """Return recordings with their state, additions that wait or failed, and the engines there are."""
        library, worker = self.context.library, self.context.worker
        jobs = [job for job in library.jobs() if job.kind == "transcribe" and not job.result.get("dismissed")]
        active = {str(job.request.get("source", "")): job for job in jobs if job.state in ("queued", "running")}
        shown: dict[str, TranscriptItem] = {}
        for item in library.transcript_items():  # of several of one recording the complete one, else the newest
            before = shown.get(item.source.id)
            if before is None or item.complete or not before.complete:
                shown[item.source.id] = item
        for job in active.values():  # an upload becomes a recording while its job runs
            made = worker.progress(job).get("transcript")
            for item in shown.values():
                if made == item.id:
                    active[item.source.id] = job
        last = {str(job.result.get("source") or job.request.get("source", "")): job for job in jobs}
        rows = [
            item_view(item, active.get(item.source.id), last.get(item.source.id), worker.progress)
            for item in shown.values()
        ]
        named = {row["job"] for row in rows}
        waiting = [
            waiting_view(job, worker.progress(job))
            for job in jobs
            if job.state in ("queued", "running", "failed", "interrupted", "stopped")
            and job.id not in named
            and str(job.request.get("source", "")) not in shown
            and job.result.get("source") not in shown
        ]
        return {"rows": [*reversed(rows)], "waiting": waiting, "engines": engine_rows(self.context.settings)}

    def add_recording(
        self, path: str, name: str, language: str = "", terms: str = "", engine: str = "auto", quality: str = ""
    ) -> int:
        """Take over an uploaded recording and begin to transcribe it; return the job."""
        request = self._request(engine, language, terms, quality)
        shown = display_name(name[:_NAME])
        key = self.context.take_upload(path)
        return self.context.worker.submit("transcribe", {**request, "upload": key, "name": shown})

    def transcript(self, transcript: int, after: int = 0) -> dict[str, Any]:
        """Return what a transcript is and its lines from number `after` on, at most some thousand at once."""
        item = self.context.library.transcript_item(transcript)
        held = self.context.library.transcript(transcript)
        lines = held.utterances[after : after + _LINES_AT_ONCE]
        rough = is_rough(item)
        return {
            "about": item_view(item, None, None, self.context.worker.progress),
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
        request = self._request(engine, language, terms, quality)
        again = {"source": item.source.id, "name": item.source.name, "again": True}
        return self.context.worker.submit("transcribe", {**request, **again})

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
        self.context.library.remove_recording(item.source.id)
        if item.document_id:
            self.context.engine.forget(item.document_id)
        for job in self.context.library.jobs():
            if job.kind == "transcribe" and item.source.id in (job.request.get("source"), job.result.get("source")):
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

        Raises UserError where there are no words.
        """
        library = self.context.library
        item, held = library.transcript_item(transcript), library.transcript(transcript)
        if not any(said.text for said in held.utterances):
            raise UserError("There are no words to read yet.", next_step="Transcribe the recording first.")
        title = library.item(item.document_id).title if self._is_here(item.document_id) else item.source.name
        document = transcript_document(held, item.source.id, title)
        if document.id != item.document_id or not self._is_here(document.id):
            library.put_transcript_document(transcript, item.source, document)
            if item.document_id:
                self.context.engine.forget(item.document_id)
        return document.id

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

    def _request(self, engine: str, language: str, terms: str, quality: str) -> dict[str, Any]:
        """Return the checked choices of a transcription. Raises UserError."""
        if engine != "auto" and engine not in ENGINES:
            raise UserError("There is no such way to transcribe.", next_step="Reload the page.")
        if language and not (language.isalpha() and len(language) <= 3):
            raise UserError("A language is given by its code.", next_step="For example en or de; empty: detect.")
        words = [" ".join(term.split())[:_TERM_CHARACTERS] for term in terms.replace("\n", ",").split(",")]
        chosen = SpeechOptions(language.lower(), tuple(word for word in words if word)[:_TERMS], quality[:200])
        return {"engine": engine, "options": asdict(chosen)}

    def _require_idle(self, source_id: str) -> None:
        for job in self.context.library.jobs(("queued", "running")):
            made = self.context.worker.progress(job).get("transcript")
            with_it = job.request.get("source") == source_id
            if made is not None and not with_it:
                with suppress(LongDocError):
                    with_it = self.context.library.transcript_item(int(made)).source.id == source_id
            if job.kind == "transcribe" and with_it:
                raise UserError("This recording is being transcribed.", next_step="Stop that first.")

    def _is_here(self, document_id: str) -> bool:
        return any(item.document_id == document_id for item in self.context.library.documents())

    def _job(self, job_id: int, kind: str) -> Job:
        job = self.context.library.job(job_id)
        if job.kind != kind:
            raise SourceError("This is not a recording that is being added.", code="not_found")
        return job


def is_rough(item: TranscriptItem) -> bool:
    """Say whether the engine of a transcript hears only roughly."""
    return item.engine in ENGINES and ENGINES[item.engine].rough
