"""What other programs may call: ingest, transcribe, ask, compare. Everything else of the app is private.

With `gradio_client`: upload with `handle_file`, then ask by the returned document ids.
Answers have the fields of `longdoc ask --json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from longdoc.answer import checked_question
from longdoc.errors import LongDocError, UserError
from longdoc.store import Job
from longdoc.store.codec import from_json
from longdoc.types import Answer
from longdoc.ui.context import Context
from longdoc.ui.library import LibraryCalls
from longdoc.ui.recordings import RecordingCalls

_PLAN = ("position_method", "attention", "cache_tier", "n_tokens", "window", "zone")
_MOST_DOCUMENTS = 2_000
_LONGEST_S = 24 * 3600.0  # that a caller waits for a transcription
MODES = ("single", "chunked", "none")


class Api:
    """The public endpoints, over the same jobs as the pages."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.library = LibraryCalls(context)

    def ingest(self, file: dict[str, Any]) -> dict[str, Any]:
        """Add an uploaded file to the library. Returns {"document", "title", "duplicate", "warnings"}."""
        key, name = self._uploaded(file, "ingest")
        job = self.context.worker.submit("ingest", {"upload": key, "name": name, "model": ""})
        result = self._finished(self.context.worker.wait(job)).result
        self.library.dismiss(job)
        item = self.context.library.item(str(result["document"]))
        return {
            "document": item.document_id,
            "title": item.title,
            "duplicate": bool(result["duplicate"]),
            "warnings": [asdict(warned) for warned in item.warnings],
        }

    def transcribe(self, file: dict[str, Any], engine: str = "auto", language: str = "") -> dict[str, Any]:
        """Transcribe an uploaded recording and keep it. Returns the object of `longdoc transcribe` and its document."""
        if not isinstance(engine, str) or not isinstance(language, str):
            raise UserError("The engine and the language are text.")
        calls = RecordingCalls(self.context)
        request = calls.request(engine, language)
        key, name = self._uploaded(file, "transcribe")
        job = self.context.worker.submit("transcribe", {**request, "upload": key, "name": name})
        result = self._finished(self.context.worker.wait(job, _LONGEST_S)).result
        made: dict[str, Any] = json.loads(calls.export_transcript(int(result["transcript"]), "json")["text"])
        return {**made, "document": calls.recording_document(int(result["transcript"]))}

    def _uploaded(self, file: Any, what: str) -> tuple[str, str]:
        """Take over an uploaded file; return its key and its name."""
        path = file.get("path") if isinstance(file, dict) else None
        if not isinstance(path, str):
            raise UserError(f"{what} takes an uploaded file.", next_step="Use handle_file of gradio_client.")
        given = file.get("orig_name")
        name = given if isinstance(given, str) and given else path.rpartition("/")[2]
        return self.context.take_upload(path), name[:1000]

    def ask(self, documents: list[str], question: str, mode: str = "single", model: str = "") -> dict[str, Any]:
        """Answer a question about documents of the library. Returns the object of `longdoc ask --json`."""
        if mode not in MODES:
            raise UserError(f"There is no mode {mode!r}.", next_step=f"Use one of {', '.join(MODES)}.")
        return self._answered(documents, question, [mode], model)

    def compare(self, documents: list[str], question: str, model: str = "") -> dict[str, Any]:
        """Answer in single pass, chunked and without a document. Adds what differs to the object of `ask`."""
        return self._answered(documents, question, list(MODES), model)

    def _answered(self, documents: list[str], question: str, modes: list[str], model: str) -> dict[str, Any]:
        named = isinstance(documents, list) and all(isinstance(document, str) for document in documents)
        if not named or not documents or len(documents) > _MOST_DOCUMENTS:
            raise UserError("Name the documents as a list of the ids that ingest returned.")
        if not isinstance(question, str) or not isinstance(model, str):
            raise UserError("The question and the model are text.")
        self.context.library.require_documents(documents)
        kit = self.context.models.kit(model)
        request = {
            "choices": [{"id": document} for document in dict.fromkeys(documents)],
            "question": checked_question(question, self.context.settings),
            "model": kit.model,
            "modes": modes,
            "top_k": self.context.settings.top_k,
            "api": True,
        }
        job = self._finished(self.context.worker.wait(self.context.worker.submit("compare", request)))
        answers = [from_json(Answer, text) for text in job.result["answers"]]
        made = {"question": question, "model": kit.model, "answers": [_answer_json(answer) for answer in answers]}
        if len(modes) > 1:
            made |= {"share_read": job.result["share_read"], "differences": job.result["differences"]}
        return made

    def _finished(self, job: Job) -> Job:
        if job.state == "done":
            return job
        step = str(job.result.get("next_step", ""))
        raise UserError(
            job.message or f"The work is {job.state}.", code=str(job.result.get("code", "")), next_step=step
        )


def publish(context: Context) -> None:
    """Publish the endpoints on the Gradio app that is being built."""
    from gradio.events import api as publish_one

    api = Api(context)
    for function in (api.ingest, api.transcribe, api.ask, api.compare):
        publish_one(_in_words(function), api_name=function.__name__, concurrency_limit=4)


def _in_words(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return the function with its errors as Gradio shows them to callers: one sentence."""
    import functools

    import gradio as gr

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            return function(*args, **kwargs)
        except LongDocError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return wrapped


def _answer_json(answer: Answer) -> dict[str, Any]:
    return {
        "mode": answer.mode,
        "text": answer.text,
        "stop_reason": answer.stop_reason,
        "plan": {name: getattr(answer.plan, name) for name in _PLAN} if answer.plan else None,
        "citations": [{k: v for k, v in asdict(c).items() if k != "document_id"} for c in answer.citations],
        "omitted": [asdict(omitted) for omitted in answer.omitted],
        "usage": asdict(answer.usage),
    }
