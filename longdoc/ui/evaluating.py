"""Evaluation: choose questions, lengths, methods and models; see the cost, then results run by run.

Measuring is a job of the server (`measuring.py`); this file tells what can be
chosen, what it would cost, and what was found so far, with intervals.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from longdoc.errors import LongDocError, UserError
from longdoc.evaluation import question_sources
from longdoc.evaluation.report import measured
from longdoc.evaluation.results import Record, Results
from longdoc.evaluation.suite import Part
from longdoc.planning import ATTENTIONS, duration, memory
from longdoc.positions import METHODS
from longdoc.store import Job
from longdoc.ui.context import Context
from longdoc.ui.jobs import LANES
from longdoc.ui.measuring import (
    MOST_RUNS,
    SAMPLES,
    Measuring,
    Wanted,
    measurements,
    points_path,
    sample_document,
    wanted_of,
)
from longdoc.ui.render import inert
from longdoc.ui.views import job_view

FEW = 20  # with fewer runs, intervals are all there is to say
KINDS = {
    "needles": "Single made-up sentences hidden in a long text",
    "keys": "The same among four sentences with near keys",
    "contract": "The sample contract",
    "code": "The sample code base",
    "book": "The sample book",
    "meeting": "The sample meeting",
    "own": "Your own questions about your sources",
    "file": "A question file",
}
_LENGTHS = (512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072)
_LISTED = 40
_RUNS_SHOWN = 2_000


class EvaluationCalls:
    """What the Evaluation page may ask of the server."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.measuring = Measuring(context)

    def evaluation_choices(self) -> dict[str, Any]:
        """Return what can be chosen."""
        counts = {kind: self._count(name) for kind, name in SAMPLES.items()}
        kinds = [
            {"key": key, "words": words, "questions": counts.get(key)}
            for key, words in KINDS.items()
            if key not in SAMPLES or counts[key]
        ]
        return {"kinds": kinds, "lengths": list(_LENGTHS), "methods": list(METHODS), "attentions": list(ATTENTIONS)}

    def take_questions(self, path: str, name: str) -> dict[str, Any]:
        """Take over an uploaded question file and return how to name it. Raises UserError where it is none."""
        key = self.context.take_upload(path)
        try:
            found = question_sources.file_set(self.context.upload(key), inert(name[:200]))
        except LongDocError:
            self.context.drop_upload(key)
            raise
        return {"upload": key, "name": inert(name[:200]), "questions": len(found.questions)}

    def cost(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Return how many runs the choices make and what they would take, nothing run."""
        checked = wanted_of(wanted, self.context.settings)
        runs, seconds, memory_bytes, left_out, cells = 0, 0.0, 0, [], []
        known = True
        too_big = ""
        for model in checked.models:
            suite, parts = self.measuring.parts(checked, model)
            left_out += suite.left_out
            for part in parts:
                taken = part.seconds(measurements(self.context, model, part.plan.attention))
                known = known and taken is not None
                runs, seconds = runs + part.n_runs, seconds + (taken or 0.0)
                memory_bytes = max(memory_bytes, part.plan.predicted_bytes)
                too_big = too_big or self._too_big(part)
                cells.append(part.n_runs)
        if runs > MOST_RUNS:
            raise UserError(f"These are {runs:,} runs.", next_step=f"Choose fewer; at most {MOST_RUNS:,} at once.")
        return {
            "runs": runs,
            "time": f"about {duration(seconds)}" if known else "time not measured yet",
            "memory": memory.size(memory_bytes) if memory_bytes else "",
            "left_out": [inert(why) for why in dict.fromkeys(left_out)],
            "few": bool(cells) and min(cells) < FEW,
            "too_big": too_big,
        }

    def evaluate(self, wanted: dict[str, Any]) -> int:
        """Queue an evaluation and return its job."""
        checked = wanted_of(wanted, self.context.settings)
        self._check(checked)
        kept = ("kind", "limit", "lengths", "modes", "positions", "models", "attention", "documents", "lines")
        request = {name: wanted[name] for name in (*kept, "upload", "name") if name in wanted}
        request["models"] = list(checked.models)
        return self.context.worker.submit("evaluate", request)

    def evaluations(self) -> list[dict[str, Any]]:
        """Return evaluations, the newest first."""
        jobs = [job for job in self.context.library.jobs(limit=5000) if job.kind == "evaluate"]
        shown = [job for job in jobs if not job.result.get("dismissed")]
        return [
            {"id": job.id, "title": _title(job), "state": job.state, "at": job.created_at}
            for job in reversed(shown[-_LISTED:])
        ]

    def evaluation(self, job: int) -> dict[str, Any]:
        """Return an evaluation as far as it is: rows with intervals, and its runs."""
        found = self._job(job)
        records = self._records(found)
        metric = _metric(records)
        active = self.context.library.jobs(("queued", "running"))
        before = sum(j.id < job and j.kind in LANES["evaluation"] for j in active)
        return {
            "job": job_view(found, self.context.worker.progress(found), before),
            "title": _title(found),
            "metric": _METRICS.get(metric, metric),
            "rows": _rows(records, metric, ("series", "length")),
            "depths": _rows([r for r in records if r.labels.get("depth") is not None], metric, ("series", "depth")),
            "runs": [_run(record, metric) for record in records[-_RUNS_SHOWN:]],
            "n_runs": len(records),
            "left_out": [inert(str(why)) for why in found.result.get("left_out", [])],
            "request": {k: v for k, v in found.request.items() if k != "lines"},
        }

    def evaluation_run(self, job: int, key: str) -> dict[str, Any]:
        """Return one run: what was asked, expected and answered."""
        record = next((one for one in self._records(self._job(job)) if one.key == key), None)
        if record is None:
            raise UserError("This run is no longer here.", next_step="Reload the page.")
        return {
            **_run(record, next(iter(record.scores), "")),
            "question": inert(record.question),
            "expected": [inert(text) for text in record.references[:10]],
            "answer": inert(record.answer),
            "quote": inert(record.quote),
            "scores": [[_METRICS.get(name, name), value] for name, value in record.scores.items()],
            "method": inert(str(record.labels.get("position_method", ""))),
            "read_s": record.read_s,
        }

    def go_on(self, job: int) -> int:
        """Run what a stopped, failed or interrupted evaluation has not run; what it has is taken from disk."""
        found = self._job(job)
        if found.state in ("queued", "running"):
            raise UserError("This evaluation is still running.")
        fresh = self.context.worker.submit("evaluate", found.request)
        self._dismiss(found)
        return fresh

    def forget_evaluation(self, job: int) -> bool:
        """Take an evaluation off the list; what the planner uses stays."""
        found = self._job(job)
        if found.state in ("queued", "running"):
            raise UserError("This evaluation is still running.", next_step="Stop it first.")
        self._dismiss(found)
        points_path(self.context.settings, job).unlink(missing_ok=True)
        self.context.drop_upload(str(found.request.get("upload", "")))
        return True

    def export_evaluation(self, job: int) -> dict[str, str]:
        """Return an evaluation as a JSON file: its rows and every run."""
        found = self._job(job)
        made = self.evaluation(job)
        runs = [vars(record) for record in self._records(found)]
        told = {"title": made["title"], "rows": made["rows"], "depths": made["depths"], "left_out": made["left_out"]}
        return {"name": "evaluation.json", "text": json.dumps({**told, "runs": runs}, ensure_ascii=False, indent=1)}

    def _check(self, wanted: Wanted) -> None:
        """Raise UserError now for what would fail at once: unknown documents, lost uploads, unusable models."""
        for model in wanted.models:
            self.context.models.kit(model)
        self.context.library.require_documents(list(wanted.documents))
        if wanted.kind == "own":
            documents = [self.context.library.document(one) for one in wanted.documents]
            question_sources.own_set(wanted.lines, documents)
        if wanted.kind == "file":
            self.context.upload(wanted.upload)
        if wanted.kind in SAMPLES:
            sample_document(SAMPLES[wanted.kind])

    def _count(self, name: str) -> int:
        try:
            return len(question_sources.sample_questions(name)) if (question_sources.SAMPLES / name).is_file() else 0
        except UserError:
            return 0

    def _too_big(self, part: Part) -> str:
        return memory.refusal(part.plan, part.plan.predicted_bytes, memory.available_bytes()) or ""

    def _records(self, job: Job) -> list[Record]:
        return Results(points_path(self.context.settings, job.id)).records

    def _job(self, job_id: int) -> Job:
        job = self.context.library.job(job_id)
        if job.kind != "evaluate" or job.result.get("dismissed"):
            raise UserError("There is no such evaluation.", next_step="Reload the page.")
        return job

    def _dismiss(self, job: Job) -> None:
        self.context.library.update_job(job.id, result={**job.result, "dismissed": True})


_METRICS = {
    "exact": "answers that match",
    "right": "right answers",
    "contains": "contains it",
    "evidence_hit": "evidence",
}


def _title(job: Job) -> str:
    request = job.request
    lengths = ", ".join(f"{n:,}" if n else "whole" for n in request["lengths"][:4])
    name = f": {inert(str(request.get('name', '')))[:40]}" if request["kind"] == "file" else ""
    return f"{KINDS[request['kind']]}{name}, {lengths}"


def _metric(records: Sequence[Record]) -> str:
    return next((name for record in records for name in record.scores), "")


def _rows(records: Sequence[Record], metric: str, by: tuple[str, str]) -> list[dict[str, Any]]:
    """Return one row for each series and length or depth: score with interval, times, memory."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        groups.setdefault(tuple(record.labels.get(name) for name in by), []).append(record)
    rows = []
    for (series, at), members in groups.items():
        value = measured(members, metric)
        read = [record.read_s for record in members if record.read_s]
        rows.append(
            {
                "series": inert(str(series)),
                "at": at,
                "methods": sorted({inert(str(record.labels.get("position_method"))) for record in members}),
                "n": value.n,
                "score": round(value.score, 4),
                "low": round(value.low, 4),
                "high": round(value.high, 4),
                "few": value.n < FEW,
                "read_s": round(sum(read) / len(read), 3) if read else None,
                "seconds": round(sum(record.seconds for record in members) / len(members), 3),
                "memory": memory.size(peak) if (peak := max(record.peak_bytes for record in members)) else "",
                "memory_bytes": peak,
            }
        )
    return rows


def _run(record: Record, metric: str) -> dict[str, Any]:
    return {
        "key": record.key,
        "series": inert(str(record.labels.get("series", ""))),
        "length": record.labels.get("length"),
        "depth": record.labels.get("depth"),
        "score": record.scores.get(metric, 0.0),
        "seconds": record.seconds,
        "question": inert(record.question)[:160],
    }
