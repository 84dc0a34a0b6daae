"""Compare: one question, Single pass beside Chunked, and what tells them apart.

A comparison is a job; its answers, differences and the vote are kept as its result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longdoc.answer import checked_question
from longdoc.errors import LongDocError, UserError
from longdoc.packing import Included
from longdoc.store import Job
from longdoc.store.codec import from_json, to_json
from longdoc.types import Answer, Citation
from longdoc.ui.context import Context
from longdoc.ui.export import comparison_markdown
from longdoc.ui.models import overrides_of
from longdoc.ui.reader import parts_of
from longdoc.ui.render import inert, place
from longdoc.ui.selection import included, parse_choices
from longdoc.ui.views import MODES, answer_view, counted, job_view

VOTES = ("Single pass", "Chunked", "Same")
_LISTED = 50
_NAMED = 12


class CompareCalls:
    """What the Compare page may ask of the server."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def compare(
        self,
        choices: list[dict[str, Any]],
        question: str,
        model: str = "",
        no_document: bool = True,
        top_k: int | None = None,
        window: int | None = None,
        turn: int | None = None,
        thread: int | None = None,
        how: dict[str, Any] | None = None,
    ) -> int:
        """Queue a comparison; with a stored answer (`turn` of `thread`) that column is filled from it."""
        context = self.context
        asked = checked_question(question, context.settings)
        kit = context.models.kit(model)
        chosen = parse_choices(choices)
        if not chosen:
            raise UserError("No source is ticked.", next_step="Tick at least one.")
        context.library.require_documents([choice.document_id for choice in chosen])
        given = []
        if turn is not None and thread is not None:
            found = [t.answer for t in context.library.turns(thread) if t.id == turn]
            given = [to_json(answer) for answer in found if answer.question == asked]
        request = {
            "choices": choices,
            "question": asked,
            "model": kit.model,
            "modes": ["single", "chunked", *(["none"] if no_document else [])],
            "given": given,
            "top_k": min(max(top_k or context.settings.top_k, 1), 100),
            "window": window if window and window > 0 else None,
            **overrides_of(how),
        }
        return context.worker.submit("compare", request)

    def comparisons(self) -> list[dict[str, Any]]:
        """Return comparisons, the newest first."""
        jobs = [job for job in self.context.library.jobs() if job.kind == "compare" and not job.request.get("api")]
        return [
            {"id": job.id, "question": inert(str(job.request["question"]))[:200], "state": job.state}
            for job in reversed(jobs[-_LISTED:])
        ]

    def comparison(self, job: int) -> dict[str, Any]:
        """Return a comparison as far as it is."""
        found = self._job(job)
        before = [j for j in self.context.library.jobs(("queued", "running")) if j.id < job and j.kind in MODEL_KINDS]
        result = found.result
        texts = result.get("answers") or found.request.get("given", [])
        answers = [from_json(Answer, text) for text in texts]
        failed = set(result.get("failed", []))
        items = self._items(found)
        shares = result.get("share_read", {})
        columns = {}
        for answer in answers:
            view = answer_view(answer, f"c{job}{answer.mode}", self._deleted(answer))
            view["failed"] = answer.mode in failed
            view["share"] = f"{shares[answer.mode]:.1%}" if answer.mode in shares else ""
            view["counted"] = counted(answer.citations)
            view["strips"] = [] if view["failed"] else self._strips(answer, items)
            columns[answer.mode] = view
        return {
            "job": job_view(found, self.context.worker.progress(found), len(before)),
            "question": inert(str(found.request["question"])),
            "modes": found.request["modes"],
            "columns": columns,
            "differences": [_difference(row) for row in result.get("differences", [])],
            "vote": result.get("vote", ""),
            "choices": found.request["choices"],
            "missing": len(items) < len(found.request["choices"]),
        }

    def vote(self, job: int, vote: str) -> bool:
        """Keep which answer a person found better."""
        found = self._job(job)
        if vote not in VOTES or found.state != "done":
            raise UserError("This comparison cannot be voted on.")
        self.context.library.update_job(job, result={**found.result, "vote": vote})
        return True

    def export_comparison(self, job: int) -> dict[str, str]:
        """Return a comparison as a Markdown file."""
        found = self._job(job)
        answers = [from_json(Answer, text) for text in found.result.get("answers", [])]
        if not answers:
            raise UserError("This comparison has no answers yet.")
        return {
            "name": "comparison.md",
            "text": comparison_markdown(str(found.request["question"]), answers, found.result),
        }

    def _job(self, job_id: int) -> Job:
        job = self.context.library.job(job_id)
        if job.kind != "compare":
            raise UserError("There is no such comparison.", next_step="Reload the page.")
        return job

    def _items(self, job: Job) -> list[Included]:
        items = []
        for choice in parse_choices(job.request["choices"]):
            try:
                items.append(included(choice, self.context.library))
            except LongDocError:  # deleted since
                continue
        return items

    def _deleted(self, answer: Answer) -> frozenset[str]:
        here = {item.document_id for item in self.context.library.documents()}
        return frozenset(c.document_id for c in answer.citations if c.document_id not in here)

    def _strips(self, answer: Answer, items: Sequence[Included]) -> list[dict[str, Any]]:
        """Return for each document which stretches were read and cited, as shares of its length, and in words."""
        strips = []
        for item in items:
            length = max(len(item.document.text), 1)
            if answer.mode == "chunked":
                read = [(p.start, p.end) for p in answer.passages if p.document_id == item.document.id]
            elif answer.mode == "single":
                read = list(item.ranges) if item.ranges is not None else [(0, length)]
            else:
                read = []
            cited = [(c.start, c.end) for c in answer.citations if _shows(c, item)]
            strips.append(
                {
                    "name": inert(item.name),
                    "read": [[a / length, b / length] for a, b in read],
                    "cited": [[a / length, b / length] for a, b in cited],
                    "read_words": "all of it" if read == [(0, length)] else _labels(item, read) or "nothing",
                    "cited_words": _labels(item, cited) or "nothing",
                }
            )
        return strips


MODEL_KINDS = ("ask", "compare")


def _shows(citation: Citation, item: Included) -> bool:
    return citation.document_id == item.document.id and citation.status in ("verified", "fuzzy")


def _labels(item: Included, ranges: Sequence[tuple[int, int]]) -> str:
    """Return the names of the parts that ranges touch: "p. 12, p. 47"."""
    names = []
    for part in parts_of(item.document):
        if any(a < part.end and part.start < b for a, b in ranges):
            names.append(inert(part.label))
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _difference(row: dict[str, Any]) -> dict[str, Any]:
    cited = from_plain(row["citation"])
    return {
        "mode": MODES[row["mode"]],
        "other": MODES[row["other"]],
        "other_read_it": row["other_read_it"],
        "claim": inert(row["claim"]),
        "place": place(cited),
        "quote": inert(cited.quote),
        "document": cited.document_id,
        "start": cited.start,
        "end": cited.end,
    }


def from_plain(row: dict[str, Any]) -> Citation:
    return Citation(**row)
