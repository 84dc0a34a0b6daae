"""Whisper's models on the Recordings page: which sizes there are, and fetching one when a person asks.

Size and licence are told before anything is fetched; the transfer is a job like any other,
with progress and Stop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from longdoc.errors import UserError
from longdoc.files import free_bytes
from longdoc.planning import memory
from longdoc.speech.weights import SIZES, download, is_here, suited
from longdoc.store import Job
from longdoc.ui.context import Context
from longdoc.ui.jobs import Live
from longdoc.ui.views import job_view

KIND = "speech_model"


class SpeechModelCalls:
    """What the page may ask about models of speech."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def calls(self) -> Sequence[Callable[..., Any]]:
        """Return the functions that the page may call by name."""
        return self.speech_models, self.download_speech_model, self.dismiss_speech_download

    def speech_models(self) -> dict[str, Any]:
        """Return the sizes of Whisper, the free space, and downloads that run or ended badly until dismissed."""
        settings = self.context.settings
        best = _suited()
        downloads = [
            {**job_view(job, self.context.worker.progress(job), 0), "size": str(job.request["size"])}
            for job in self.context.library.jobs(limit=300)
            if job.kind == KIND and job.state != "done" and not job.result.get("dismissed")
        ]
        rows = [
            {
                "name": size.name,
                "size": memory.size(size.download_bytes),
                "licence": size.licence,
                "from": size.repository,
                "note": size.note,
                "here": is_here(size.name, settings),
                "suited": size.name == best,
            }
            for size in SIZES.values()
        ]
        return {"rows": rows, "free": memory.size(free_bytes(settings.home)), "downloads": downloads}

    def download_speech_model(self, size: str) -> int:
        """Begin to fetch a size of Whisper and return the job; one that is being fetched is not begun again."""
        if size not in SIZES:
            raise UserError("There is no such size of Whisper.", next_step=f"Sizes: {', '.join(SIZES)}.")
        if is_here(size, self.context.settings):
            raise UserError(f"Whisper {size} is here already.", next_step="Reload the page.")
        for job in self.context.library.jobs(limit=300):
            if job.kind != KIND or job.request["size"] != size:
                continue
            if job.state in ("queued", "running"):
                return job.id
            if not job.result.get("dismissed"):  # the new try takes the place of the one that ended
                self.context.library.update_job(job.id, result={**job.result, "dismissed": True})
        return self.context.worker.submit(KIND, {"size": size, "name": f"Whisper {size}"})

    def dismiss_speech_download(self, job: int) -> bool:
        """Take an ended download off the list."""
        found = self.context.library.job(job)
        if found.kind != KIND or found.state in ("queued", "running"):
            raise UserError("This is not a download that has ended.", next_step="Reload the page.")
        self.context.library.update_job(job, result={**found.result, "dismissed": True})
        return True


@cache
def _suited() -> str:
    """Return the size that suits this computer; asking its GPU takes a moment, so once."""
    return suited().name


def download_job(context: Context, job: Job, live: Live, report: Callable[[Mapping[str, Any]], None]) -> dict[str, Any]:
    """Fetch what a job of KIND asks for."""

    def on_progress(done: int, total: int) -> None:
        report({"stage": "downloading", "done": done, "total": total})

    folder = download(SIZES[str(job.request["size"])], context.settings, on_progress, live.stop)
    return {"model": folder.name}
