"""What pages get: documents, jobs and answers as JSON with words for people.

The only HTML in it is the text of answers, made safe by `render.py`; all else is put
on the page as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longdoc.files import display_name
from longdoc.planning import duration, memory
from longdoc.store import Job, LibraryItem
from longdoc.types import Answer, Citation, Omitted, Passage
from longdoc.ui.render import STATUS, answer_html, inert, place

MODES = {"single": "Single pass", "chunked": "Chunked", "none": "No document"}
ZONES = {
    "native": "within training length",
    "extended_tested": "extended, tested",
    "extended_untested": "extended, untested at this length",
    "over": "over the window",
}
_STAGES = {
    "queued": "Waiting",
    "loading": "Loading the model",
    "reused": "Already read",
    "reading": "Reading",
    "answering": "Answering",
    "saving": "Keeping what was read",
    "indexing": "Looking for passages",
    "counting": "Counting",
    "preparing": "Making texts and questions",
}
_UNITS = {
    "page": "page",
    "chapter": "chapter",
    "file": "file",
    "sheet": "sheet",
    "slide": "slide",
    "section": "section",
}


def card(item: LibraryItem, n_tokens: int | None) -> dict[str, Any]:
    """Return a document's card."""
    return {
        "id": item.document_id,
        "title": inert(item.title),
        "kind": item.loader or item.kind,
        "size": size_of(item),
        "tokens": n_tokens,
        "added": item.added_at,
        "warnings": [inert(warned.message) for warned in item.warnings],
        "paged": item.kind == "page",
        "code": item.loader == "codebase",
        "parts": item.n_segments,
    }


def size_of(item: LibraryItem) -> str:
    """Return a document's size in what people count it by."""
    if item.loader == "pdf":  # pages without text are pages too
        counted = next((w.message for w in item.warnings if w.code == "no_text" and " of " in w.message), "")
        total = counted.split(" of ")[1].split(" ")[0] if counted else f"{item.n_segments:,}"
        return f"{total} {'page' if total == '1' else 'pages'}"
    if item.kind in _UNITS and item.n_segments:
        return f"{item.n_segments:,} {item.kind if item.n_segments == 1 else item.kind + 's'}"
    return f"{item.n_characters:,} characters"


def job_view(job: Job, progress: dict[str, Any], waiting_before: int) -> dict[str, Any]:
    """Return a job for the strip of running work, and for its card or its answer."""
    request = job.request
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "name": _name(job),
        "question": inert(str(request.get("question", "")))[:300],
        "thread": request.get("thread"),
        "mode": request.get("mode", ""),
        "continues": request.get("continues"),
        "words": progress_words(job, progress, waiting_before),
        "share": _share(progress) if job.state == "running" else None,
        "stage": progress.get("stage", ""),
        "text": str(progress.get("text", "")) if job.state == "running" else "",
        "now": progress.get("mode", ""),
        "adds": progress.get("document", "") if job.state == "running" else "",
        "modes_done": progress.get("modes_done", []),
        "message": inert(job.message),
        "next_step": inert(str(job.result.get("next_step", ""))) if job.state == "failed" else "",
        "code": str(job.result.get("code", "")) if job.state == "failed" else "",
        "result": {
            k: v
            for k, v in job.result.items()
            if k in ("document", "title", "duplicate", "turn", "continued", "dismissed")
        },
        "retry": bool(request.get("upload") or request.get("path")),
    }


def _name(job: Job) -> str:
    if job.kind == "evaluate":
        return "Evaluation"
    if job.kind == "download":
        return inert(str(job.request["model"]))
    named = ("ingest", "look", "transcribe", "summarize", "speech_model")
    return inert(display_name(str(job.request.get("name", "")))) if job.kind in named else ""


def progress_words(job: Job, progress: dict[str, Any], waiting_before: int) -> str:
    """Return what a job is doing, as people say it."""
    if job.state == "queued":
        return "Waiting" if waiting_before == 0 else f"Waiting, {ordinal(waiting_before + 1)} in line"
    if job.state != "running":
        return {"done": "Done", "failed": "Failed", "stopped": "Stopped", "interrupted": "Interrupted"}[job.state]
    if progress.get("words"):  # whoever does it says so best
        return inert(str(progress["words"]))
    stage, done, total = progress.get("stage", ""), progress.get("done", 0), progress.get("total", 0)
    if job.kind in ("ingest", "look"):
        what = str(progress.get("what", ""))
        return _STAGES["counting"] if stage == "counting" else f"Reading {inert(what)}".strip()
    left = progress.get("left_s")
    tail = f", about {duration(left)} left" if left is not None else ""
    if stage == "downloading":
        return f"{memory.size(done)} of {memory.size(total)}"
    if stage == "measuring":
        return f"{done:,} of {total:,} runs{tail}"
    if stage == "queued":
        return f"Waiting, {ordinal(int(total) + 1)} in line" if total else "Waiting"
    if stage == "reused":
        return f"Already read: {done:,} tokens"
    if stage == "reading":
        return f"Reading {done:,} of {total:,} tokens{tail}"
    return _STAGES.get(stage, "Starting")


def ordinal(n: int) -> str:
    """Return 2 as "2nd"."""
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def answer_view(
    answer: Answer, prefix: str, deleted: frozenset[str] = frozenset(), replaced: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return an answer for a page. `prefix` makes its citation links unique there.

    `deleted` are documents no longer here, `replaced` those that gave way to a newer version.
    """

    def fate(document_id: str) -> str:
        if document_id not in deleted:
            return ""
        return "from an earlier version" if document_id in replaced else "source deleted"

    return {
        "mode": answer.mode,
        "mode_words": MODES[answer.mode],
        "html": answer_html(answer.text, answer.citations, prefix),
        "text": inert(answer.text),
        "stop_reason": answer.stop_reason,
        "stopped": answer.stop_reason == "stopped",
        "not_stated": answer.stop_reason == "not_stated",
        "model": inert(answer.model),
        "citations": [citation_view(c, n, prefix, fate(c.document_id)) for n, c in enumerate(answer.citations, 1)],
        "omitted": [omitted_words(item) for item in answer.omitted],
        "passages": [passage_view(passage) for passage in answer.passages],
        "stats": stats(answer),
        "zone": ZONES[answer.plan.zone] if answer.plan else "",
        "reasons": list(answer.plan.reasons) if answer.plan else [],
        "warnings": [inert(warning) for warning in answer.warnings],
        "cached": answer.usage.cached_tokens,
    }


def citation_view(citation: Citation, number: int, prefix: str, fate: str) -> dict[str, Any]:
    """Return a citation with the name that its link gets."""
    where = place(citation)
    status = STATUS[citation.status]
    return {
        "number": number,
        "href": f"#cite-{prefix}-{number}",
        "name": f"Citation {number}, {where}, {status.lower()}{f', {fate}' if fate else ''}",
        "place": where,
        "status": citation.status,
        "status_words": status,
        "quote": inert(citation.quote),
        "document": citation.document_id,
        "start": citation.start,
        "end": citation.end,
        "start_s": citation.start_s,
        "deleted": fate,
    }


def passage_view(passage: Passage) -> dict[str, Any]:
    return {"document": passage.document_id, "start": passage.start, "end": passage.end}


def omitted_words(omitted: Omitted) -> str:
    tokens = f", {omitted.n_tokens:,} tokens" if omitted.n_tokens else ""
    return inert(f"{display_name(omitted.source)}: {omitted.what} ({omitted.reason}{tokens})")


def stats(answer: Answer) -> list[dict[str, str]]:
    """Return what an answer cost, as rows of name and words."""
    usage = answer.usage
    rows = [("Tokens read", f"{usage.prompt_tokens:,}")]
    if usage.cached_tokens:
        rows.append(("Already read", f"{usage.cached_tokens:,}"))
    rows += [
        ("First word after", seconds(usage.first_token_s)),
        ("In all", seconds(usage.total_s)),
        ("Memory", memory.size(usage.peak_bytes) if usage.peak_bytes else "not measured"),
    ]
    if usage.attention_recall is not None:
        rows.append(("Attention held", f"{usage.attention_recall:.0%} on a sample"))
    if usage.output_tokens and usage.total_s > usage.first_token_s:
        rows.append(("Speed", f"{usage.output_tokens / (usage.total_s - usage.first_token_s):,.0f} tokens/s"))
    return [{"name": name, "words": words} for name, words in rows]


def seconds(value: float) -> str:
    """Return a measured time: short ones with a decimal."""
    return f"{value:.1f} s" if value < 10 else duration(value)


def counted(citations: Sequence[Citation]) -> dict[str, int]:
    """Return how many citations have each status."""
    return {words: sum(c.status == status for c in citations) for status, words in STATUS.items()}


def _share(progress: dict[str, Any]) -> float | None:
    if isinstance(progress.get("share"), float):
        return min(1.0, max(0.0, float(progress["share"])))
    done, total = progress.get("done"), progress.get("total")
    if (
        progress.get("stage") not in ("reading", "reused", "measuring", "downloading")
        or not isinstance(total, int)
        or not total
    ):
        return None
    return min(1.0, max(0.0, float(done or 0) / total))
