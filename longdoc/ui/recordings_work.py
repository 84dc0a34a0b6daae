"""What the jobs of the Recordings page do: transcribe a recording, summarize a transcript, fetch a model.

A transcription keeps every step it made, so a stopped or interrupted one is resumed from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longdoc.answer import Desk
from longdoc.errors import Stopped, UserError
from longdoc.speech.engine import SpeechOptions
from longdoc.speech.progress import Listening, in_words
from longdoc.store import Job
from longdoc.store.codec import build, to_json
from longdoc.summarize import summarize
from longdoc.transcribe import transcribe
from longdoc.types import Progress
from longdoc.ui.jobs import Handler, Live
from longdoc.ui.library import sample_path
from longdoc.ui.selection import Choice, included

if TYPE_CHECKING:
    from longdoc.ui.context import Context

SAMPLES = ("meeting.wav", "meeting.opus")
Report = Callable[[Mapping[str, Any]], None]


def sample() -> Path | None:
    """Return the sample meeting if it is here."""
    return next((path for path in map(sample_path, SAMPLES) if path.is_file()), None)


def recording_handlers(context: Context) -> dict[str, Handler]:
    """Return what does each kind of job of this page."""
    work = _RecordingWork(context)
    return {"transcribe": work.transcribe, "summarize": work.summarize, "speech_model": work.speech_model}


class _RecordingWork:
    def __init__(self, context: Context) -> None:
        self.context = context

    def transcribe(self, job: Job, live: Live, report: Report) -> dict[str, Any]:
        """Transcribe an upload, or go on with a recording of the library, or do it again with another engine."""
        context, request = self.context, job.request
        upload = str(request.get("upload", ""))
        if upload:
            path = context.upload(upload)
        elif request.get("sample"):
            path = sample() or Path()
        elif request.get("path"):
            path = Path(str(request["path"]))
        else:
            path = Path(context.library.source(str(request["source"])).path)
        last: list[Listening] = []

        def on_progress(step: Listening) -> None:
            last[:] = [step]
            report(_progress(step))

        try:
            found = transcribe(
                path,
                context.library,
                context.settings,
                name=str(request["name"]),
                engine=str(request.get("engine", "auto")),
                options=build(SpeechOptions, request.get("options", {})),
                again=bool(request.get("again")),
                on_progress=on_progress,
                stop=live.stop,
            )
        finally:
            if upload and last and last[0].transcript_id is not None:  # the library has it
                context.drop_upload(upload)
        if found.transcript_id is None:
            raise UserError(found.warning, code="not_kept", next_step="Then add the recording again.")
        if upload:
            context.drop_upload(upload)
        return {"source": found.source.id, "transcript": found.transcript_id, "document": found.document.id}

    def summarize(self, job: Job, live: Live, report: Report) -> dict[str, Any]:
        """Summarize a document and keep the summary with the job."""
        request, context = job.request, self.context

        def on_progress(progress: Progress) -> None:
            report(asdict(progress) if progress.stage != "indexing" else {"words": f"Reading {progress.text}"})

        from longdoc.ui.work import how_of

        report({"words": "Choosing sentences"})
        desk = Desk(context.engine, context.settings, context.library, live.stop, on_progress)
        item = included(Choice(str(request["document"])), context.library)
        try:
            made = summarize(desk, item, request["template"], how_of(request, context), request["way"])
        except Stopped as stopped:
            raise Stopped("Stopped. What was read is kept.") from stopped
        return {"summary": to_json(made), "stopped": False}

    def speech_model(self, job: Job, live: Live, report: Report) -> dict[str, Any]:
        """Fetch a size of Whisper from the hub."""
        from longdoc.ui.recordings_models import download_job

        return download_job(self.context, job, live, report)


def _progress(step: Listening) -> dict[str, Any]:
    share = step.done_s / step.total_s if step.stage == "hearing" and step.total_s else None
    return {
        "stage": step.stage,
        "words": in_words(step),
        "done_s": step.done_s,
        "total_s": step.total_s,
        "transcript": step.transcript_id,
        **({"share": float(min(share, 1.0))} if share is not None else {}),
    }
