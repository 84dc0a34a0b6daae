"""What the Recordings page gets: recordings, lines and summaries as JSON with words for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from longdoc.files import display_name
from longdoc.settings import Settings
from longdoc.speech import ENGINES, NO_SPEECH, SPEAKERS_NOT_SEPARATED
from longdoc.speech.progress import clock
from longdoc.speech.transcript import Utterance
from longdoc.speech.weights import is_here
from longdoc.store import Job
from longdoc.store.transcripts import TranscriptItem
from longdoc.summarize import NO_PROSE, Item, Summary
from longdoc.summarize.tasks import shown
from longdoc.ui.render import inert
from longdoc.ui.views import citation_view, job_view, omitted_words, seconds

_DOUBTFUL = 0.5  # confidence below which a line of an engine that knows is marked
WAY_WORDS = {"single": "Single pass", "chunked": "Chunked", "extractive": "Without a model"}
_SPOKEN = {True: "Written by the model; its quotes were checked against the transcript.", False: NO_PROSE}


def engine_rows(settings: Settings) -> list[dict[str, Any]]:
    """Return the engines a person can choose."""
    here = {"whisper": is_here("", settings)}
    why = "No model of Whisper is here yet; Get Whisper fetches one."
    return [
        {
            "name": row.name,
            "title": row.title,
            "rough": row.rough,
            "usable": here.get(row.name, True),
            "why": "" if here.get(row.name, True) else why,
        }
        for row in ENGINES.values()
    ]


def item_view(
    item: TranscriptItem, job: Job | None, unfinished: int | None, progress: Callable[[Job], dict[str, Any]]
) -> dict[str, Any]:
    """Return a recording that has a transcript, begun or complete, with its newest job."""
    active = job_view(job, progress(job), 0) if job is not None and job.state in ("queued", "running") else None
    rough = item.engine in ENGINES and ENGINES[item.engine].rough
    silent = item.complete and not item.n_utterances
    partial = "" if item.complete else f"Transcribed until {clock(item.until_s)} of {clock(item.duration_s)}."
    message = ""
    if job is not None and job.state in ("failed", "interrupted"):
        message = " ".join(part for part in (job.message, str(job.result.get("next_step", ""))) if part)
    return {
        "transcript": item.id,
        "source": item.source.id,
        "name": inert(display_name(item.source.name)),
        "duration": clock(item.duration_s),
        "duration_s": item.duration_s,
        "engine": item.engine,
        "engine_note": inert(item.engine_note),
        "rough": rough,
        "language": inert(item.language),
        "complete": item.complete,
        "partial": partial,
        "edited": item.edited,
        "lines": item.n_utterances,
        "silent": NO_SPEECH if silent else "",
        "document": item.document_id,
        "terms": ", ".join(inert(str(term)) for term in item.options.get("terms", ())),
        "warnings": [inert(warned.message) for warned in item.warnings],
        "updated": item.updated_at,
        "resume": unfinished if active is None else None,
        "job": active["id"] if active else None,
        "job_words": active["words"] if active else "",
        "share": active["share"] if active else None,
        "message": inert(message),
        "not_separated": SPEAKERS_NOT_SEPARATED,
    }


def waiting_view(job: Job, progress: dict[str, Any]) -> dict[str, Any]:
    """Return a recording that is not a transcript yet: waiting, being opened, or refused."""
    view = job_view(job, progress, 0)
    message = view["message"] or ("LongDoc ended while this was opened." if job.state == "interrupted" else "")
    return {
        "job": job.id,
        "name": view["name"],
        "state": job.state,
        "words": view["words"],
        "share": view["share"],
        "message": message,
        "next_step": view["next_step"],
        "code": view["code"],
    }


def line_view(number: int, said: Utterance, rough: bool) -> dict[str, Any]:
    """Return one line of a transcript."""
    doubtful = not rough and not said.edited and said.confidence is not None and said.confidence < _DOUBTFUL
    return {
        "n": number,
        "start": said.start_s,
        "end": said.end_s,
        "clock": clock(said.start_s),
        "text": inert(said.text),
        "speaker": inert(said.speaker),
        "edited": said.edited,
        "doubtful": doubtful,
    }


def summary_view(summary: Summary, prefix: str) -> dict[str, Any]:
    """Return a summary: sections of points with their times and places."""
    number = 0
    sections = []
    for section in summary.sections:
        rows = []
        for item in section.items:
            cites = []
            for citation in item.citations:
                number += 1
                cites.append(citation_view(citation, number, prefix, ""))
            rows.append(_point(item, cites))
        sections.append({"title": section.title, "tasks": section.tasks, "items": rows})
    return {
        "sections": sections,
        "method": summary.method,
        "how": _SPOKEN[summary.method == "written"],
        "model": inert(summary.model),
        "way": summary.way,
        "way_words": WAY_WORDS[summary.way],
        "template": summary.template,
        "parts": summary.parts,
        "omitted": [omitted_words(one) for one in summary.omitted],
        "warnings": [inert(text) for text in summary.warnings],
        "took": seconds(summary.usage.total_s),
    }


def _point(item: Item, cites: list[dict[str, Any]]) -> dict[str, Any]:
    start_s = item.start_s
    return {
        "text": inert(item.text),
        "stated": item.stated,
        "supported": item.supported,
        "owner": inert(shown(item.owner)),
        "due": inert(shown(item.due)),
        "dated": bool(item.due),
        "start": start_s,
        "clock": clock(start_s) if start_s is not None else "",
        "chosen_by": list(item.chosen_by),
        "cites": cites,
    }
