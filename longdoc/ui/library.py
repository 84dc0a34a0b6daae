"""The Library column: cards of sources, adding, the tree of a code base, renaming, deleting.

Reading a file is `work.py`'s; what a card says is `views.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from longdoc.errors import LongDocError, SourceError, UserError
from longdoc.files import display_name
from longdoc.sources.sniff import sniff
from longdoc.store import Job
from longdoc.ui.context import Context
from longdoc.ui.models import overrides_of
from longdoc.ui.render import inert
from longdoc.ui.selection import Choice
from longdoc.ui.suggesting import ordered, suggested
from longdoc.ui.views import card, job_view

SAMPLES = {
    "contract": ("lease.pdf", "Contract", "What notice must the tenant give?"),
    "meeting": ("meeting.vtt", "Meeting", "What was decided about the budget?"),
    "code": ("shop.zip", "Code base", "Where is the order total rounded?"),
    "book": ("chronicle.txt", "Book", "Who kept the lighthouse?"),
}
_MAX_NAME = 1_000
_MAX_TEXT = 4_000_000
_MAX_TICKED = 20_000
_SUGGEST_FROM = 6


class LibraryCalls:
    """What the Library column may ask of the server."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def library(self, model: str = "") -> dict[str, Any]:
        """Return cards, unfinished and failed additions, samples, and the notice of a read-only library."""
        context = self.context
        kit = context.models.kit(model)
        cards = [
            card(item, context.counter.known(Choice(item.document_id), kit)) for item in context.library.documents()
        ]
        return {
            "cards": cards,
            "adding": self.adding(),
            "samples": [] if cards else self._samples(),
            "collections": [
                {"id": c.id, "name": inert(c.name), "documents": list(c.document_ids), "how": dict(c.plan)}
                for c in context.library.collections()
            ],
            "notice": context.library.notice,
            "local": context.local,
        }

    def adding(self) -> list[dict[str, Any]]:
        """Return additions that a person should see: waiting, running, failed, interrupted, or to be chosen from."""
        library = self.context.library
        rows = []
        for job in library.jobs(limit=300):
            dismissed = bool(job.result.get("dismissed"))
            shown = job.state in ("queued", "running", "failed", "interrupted") or (
                job.state == "done" and (job.kind == "look" or job.result.get("duplicate"))
            )
            here = job.kind in ("ingest", "look") or bool(job.request.get("card"))
            if here and shown and not dismissed:
                rows.append(job_view(job, self.context.worker.progress(job), 0))
        return rows

    def count(self, document: str, model: str = "") -> int:
        """Return a document's tokens for a model, counted now if need be."""
        return self.context.counter.count(Choice(document), self.context.models.kit(model))

    def add_upload(self, path: str, name: str, model: str = "") -> int:
        """Take over an uploaded file and begin to read it; return the job."""
        shown = display_name(name[:_MAX_NAME])
        key = self.context.take_upload(path)
        return self._begin({"upload": key, "name": shown, "model": model}, self.context.upload(key), shown)

    def add_text(self, text: str, name: str = "Pasted text.txt", model: str = "") -> int:
        """Make a source of pasted text."""
        if not text.strip() or len(text) > _MAX_TEXT:
            raise UserError("There is no text to add, or too much of it.", next_step="Save it as a file and add that.")
        path = self.context.received / "pasted"
        path.write_text(text, encoding="utf-8", errors="replace")
        return self.add_upload(str(path), name, model)

    def add_path(self, path: str, model: str = "") -> int:
        """Add a file or folder of this computer by its path; only where nobody else can reach the server."""
        if not self.context.local:
            raise UserError(
                "Folders can be named only on the computer that LongDoc runs on.", next_step="Upload a .zip."
            )
        given = Path(path.strip().strip("\"'")[:4096]).expanduser()
        if not path.strip() or not given.is_absolute():
            raise UserError("Write the whole path, from the root of the disk.", next_step="For example ~/project.")
        if not given.exists():
            raise SourceError(f"There is nothing at {given}.", code="not_found", next_step="Check the path.")
        return self._begin({"path": str(given), "name": display_name(given.name), "model": model}, given, given.name)

    def ask_sample(self, sample: str, model: str = "") -> dict[str, int]:
        """Add one of the samples that come with LongDoc and ask its first question; return job and conversation."""
        path = sample_path(SAMPLES[sample][0]) if sample in SAMPLES else Path()
        if not path.is_file():
            raise UserError("This sample is not here.", next_step="Add a file of your own.")
        question = SAMPLES[sample][2]
        thread = self.context.library.add_thread(question)
        request = {"path": str(path), "name": path.name, "model": model}
        then = {"question": question, "thread": thread}
        # Known files: there is no choosing from a tree.
        job = self.context.worker.submit("ingest", {**request, "then_ask": then})
        return {"job": job, "thread": thread}

    def suggestions(self, documents: list[str]) -> list[str]:
        """Return up to three questions that the first of these documents answer."""
        self.context.library.require_documents(documents)
        return suggested([self.context.library.document(document) for document in documents[:_SUGGEST_FROM]])

    def relevance(self, question: str) -> dict[str, Any]:
        """Return all documents, the most relevant for a question first, and how many are still to be indexed."""
        ids = [item.document_id for item in self.context.library.documents()]
        if not any(ch.isalnum() for ch in question):
            return {"order": ids, "left": 0}
        order, left = ordered(self.context.library, self.context.settings, question[:2_000], ids)
        return {"order": order, "left": left}

    def tree(self, job: int) -> dict[str, Any]:
        """Return the tree of a code base that was looked at."""
        looked = self._job(job, "look")
        if looked.state != "done":
            raise UserError("The files are still being listed.")
        return dict(looked.result)

    def add_tree(self, job: int, paths: list[str], replace: bool = False, model: str = "") -> int:
        """Add the ticked files of a code base that was looked at."""
        looked = self._job(job, "look")
        rows = {row["path"]: row for row in looked.result.get("rows", []) if not row["locked"]}
        chosen = [path for path in dict.fromkeys(paths[:_MAX_TICKED]) if path in rows]
        if not chosen:
            raise UserError("No file is ticked.", next_step="Tick at least one.")
        kept = ("upload", "path", "name")
        request: dict[str, Any] = {key: looked.request[key] for key in kept if key in looked.request}
        if set(chosen) != {path for path, row in rows.items() if row["ticked"]}:
            request["options"] = {"include": [_as_glob(path) for path in chosen]}
        if replace and looked.result.get("earlier"):
            request["replaces"] = looked.result["earlier"]["id"]
        self._dismiss(looked)
        return self.context.worker.submit("ingest", {**request, "model": model})

    def retry(self, job: int) -> int:
        """Read a failed or interrupted source again."""
        failed = self._job(job)
        if failed.state not in ("failed", "interrupted", "stopped"):
            raise UserError("This source has not failed.")
        if failed.request.get("upload"):
            self.context.upload(failed.request["upload"])
        self._dismiss(failed)
        return self.context.worker.submit(failed.kind, failed.request)

    def dismiss(self, job: int) -> bool:
        """Take a failed, doubled or unwanted addition off the list, and its upload off the disk."""
        ended = self._job(job)
        if ended.state in ("queued", "running"):
            self.context.worker.cancel(job)
        else:
            self._dismiss(ended)
        self.context.drop_upload(str(ended.request.get("upload", "")))
        return True

    def rename(self, document: str, title: str) -> bool:
        self.context.library.rename(document, title)
        return True

    def citing(self, document: str) -> dict[str, Any]:
        """Return what a person should know before deleting a source."""
        title = self.context.library.item(document).title
        return {"title": inert(title), "threads": [inert(name) for name in self.context.library.citing(document)]}

    def save_collection(self, name: str, documents: list[str]) -> int:
        """Keep a named set of sources; one of the same name gives way."""
        library = self.context.library
        library.require_documents(documents)
        plan: Mapping[str, str] = {}
        for collection in library.collections():
            if collection.name == " ".join(name.split()):
                plan = collection.plan
                library.remove_collection(collection.id)
        made = library.add_collection(name, documents)
        library.set_collection_plan(made, plan)
        return made

    def plan_collection(self, collection: int, how: dict[str, Any]) -> dict[str, str]:
        """Keep how a collection is to be read; nothing chosen leaves it to the planner."""
        chosen = overrides_of(how)
        self.context.library.set_collection_plan(collection, chosen)
        return chosen

    def delete_collection(self, collection: int) -> bool:
        """Forget a named set; its sources stay."""
        self.context.library.remove_collection(collection)
        return True

    def delete(self, document: str) -> bool:
        """Delete a source with its readings; quotes in conversations stay."""
        self.context.library.remove(document)
        self.context.engine.forget(document)
        return True

    def _begin(self, request: dict[str, Any], path: Path, name: str) -> int:
        try:
            found = "codebase" if path.is_dir() else sniff(path, name)
        except LongDocError:  # the card will say why
            found = ""
        if found == "audio":  # its lines arrive on the page of recordings; a card here says how far it is
            return self.context.worker.submit("transcribe", {**request, "card": True})
        return self.context.worker.submit("look" if found == "codebase" else "ingest", request)

    def _job(self, job_id: int, kind: str | None = None) -> Job:
        job = self.context.library.job(job_id)
        is_ours = job.kind in ("ingest", "look") or bool(job.request.get("card"))
        if not is_ours or (kind and job.kind != kind):
            raise UserError("This is not a source that is being added.", next_step="Reload the page.")
        return job

    def _dismiss(self, job: Job) -> None:
        # The tree of a large code base is not kept once it was chosen from.
        kept = {key: value for key, value in job.result.items() if key not in ("rows", "earlier")}
        self.context.library.update_job(job.id, result={**kept, "dismissed": True})

    def _samples(self) -> list[dict[str, str]]:
        return [
            {"key": key, "label": label, "file": name, "question": question}
            for key, (name, label, question) in SAMPLES.items()
            if sample_path(name).is_file()
        ]


def sample_path(name: str) -> Path:
    return Path(__file__).resolve().parents[2] / "assets" / "samples" / name


def _as_glob(path: str) -> str:
    """Return a path as a pattern that matches it alone: rooted, its special characters plain."""
    return "/" + "".join(f"\\{ch}" if ch in "*?[]\\!# " else ch for ch in path)
