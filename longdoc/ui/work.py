"""What each kind of job does: the verbs of the terminal, with a page watching.

`ingest` adds a file, `look` shows a code base before it is added, `ask` answers in a
conversation, `compare` answers one question in several ways, `evaluate` measures
(`measuring.py`), `download` fetches a model.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longdoc import ingest
from longdoc.answer import Desk, How, ask
from longdoc.backends import hub
from longdoc.compare import ask_each, differences, share_read
from longdoc.errors import LongDocError, Stopped, UserError
from longdoc.packing import Included
from longdoc.store import Job
from longdoc.store.codec import from_json, to_json
from longdoc.types import Answer, Mode, Progress
from longdoc.ui.jobs import Handler, Live
from longdoc.ui.measuring import Measuring
from longdoc.ui.recordings_work import recording_handlers
from longdoc.ui.selection import Choice, included, parse_choices
from longdoc.ui.tree import tree_of

if TYPE_CHECKING:
    from longdoc.ui.context import Context

Report = Callable[[Mapping[str, Any]], None]
MODES: dict[str, Mode] = {"single": "single", "chunked": "chunked", "none": "none"}


def handlers(context: Context) -> dict[str, Handler]:
    """Return what does each kind of job."""
    work = _Work(context)
    return {
        "ingest": work.ingest,
        "look": work.look,
        "ask": work.ask,
        "compare": work.compare,
        "evaluate": Measuring(context).run,
        "download": work.download,
        **recording_handlers(context),
    }


class _Work:
    def __init__(self, context: Context) -> None:
        self.context = context

    def ingest(self, job: Job, live: Live, report: Report) -> dict[str, Any]:
        request = job.request
        path, name = self._file(request)

        def on_progress(done: int, total: int, what: str) -> None:
            report({"stage": "reading", "done": done, "total": total, "what": what})

        added = ingest.add(
            path,
            self.context.library,
            self.context.settings,
            name=name,
            on_progress=on_progress,
            stop=live.stop,
            options=request.get("options") or None,
        )
        if added.warning:
            raise UserError(added.warning, code="not_kept", next_step="Then add the file again.")
        if live.stop.is_set():  # nothing of a cancelled add remains
            if added.is_new:
                self.context.library.remove(added.document.id)
            self.context.drop_upload(str(request.get("upload", "")))
            raise Stopped
        new = added.document.id if added.is_new else ""  # its card waits until it is counted
        report({"stage": "counting", "done": 0, "total": 0, "what": "", "document": new})
        kit = self.context.models.kit(str(request.get("model", "")))
        self.context.counter.count(Choice(added.document.id), kit)
        replaced = str(request.get("replaces", ""))
        if replaced and replaced != added.document.id:
            self.context.library.remove(replaced)
        self.context.drop_upload(str(request.get("upload", "")))
        title = self.context.library.item(added.document.id).title
        self._then_ask(request, added.document.id)
        return {"document": added.document.id, "title": title, "duplicate": not added.is_new}

    def download(self, job: Job, live: Live, report: Report) -> dict[str, Any]:
        name = str(job.request["model"])

        def on_progress(done: int, total: int) -> None:
            report({"stage": "downloading", "done": done, "total": total})

        info = hub.fetch(hub.look_up(name, self.context.settings), self.context.settings, on_progress, live.stop)
        return {"model": info.name}

    def _then_ask(self, request: Mapping[str, Any], document: str) -> None:
        """Ask the question that was to be asked of a source as soon as it is here."""
        from longdoc.ui.conversation import ConversationCalls

        then = request.get("then_ask")
        if not then:
            return
        with suppress(LongDocError):  # the source is here; why it cannot be asked, the page says itself
            talk = ConversationCalls(self.context)
            talk.ask([{"id": document}], then["question"], thread=then["thread"], model=str(request.get("model", "")))

    def look(self, job: Job, live: Live, report: Report) -> dict[str, Any]:
        path, name = self._file(job.request)

        def on_progress(done: int, total: int, what: str) -> None:
            report({"stage": "reading", "done": done, "total": total, "what": what})

        added = ingest.add(
            path,
            None,
            self.context.settings,
            name=name,
            on_progress=on_progress,
            stop=live.stop,
            options={"with_secrets": True},  # so that a flagged file can be counted; it stays unticked
        )
        report({"stage": "counting", "done": 0, "total": 0, "what": ""})
        kit = self.context.models.kit(str(job.request.get("model", "")))
        return tree_of(added.document, kit, self.context.library)

    def ask(self, job: Job, live: Live, report: Report) -> dict[str, Any]:
        request = job.request
        watch = _Watch(report, str(request["mode"]))
        desk = self._desk(live.stop, watch)
        items = self._included(request)
        try:
            answer = ask(desk, items, request["question"], MODES[request["mode"]], how_of(request, self.context))
        except Stopped as stopped:
            raise Stopped(watch.stopped_in_words()) from stopped
        turn, continued = self._kept(request, answer)
        return {"turn": turn, "continued": continued, "stopped": answer.stop_reason == "stopped"}

    def _kept(self, request: Mapping[str, Any], answer: Answer) -> tuple[int, bool]:
        """Store an answer and return its turn: in the place of the stopped one that it continues, or behind all."""
        library, earlier = self.context.library, request.get("continues")
        if earlier is None:
            return library.add_turn(request["thread"], answer), False
        stopped = next((t.answer for t in library.turns(request["thread"]) if t.id == earlier), None)
        if stopped is None:  # deleted since
            return library.add_turn(request["thread"], answer), False
        if answer.stop_reason != "stopped" or len(answer.text) > len(stopped.text):
            library.replace_turn(int(earlier), answer)
        return int(earlier), True

    def compare(self, job: Job, live: Live, report: Report) -> dict[str, Any]:
        request = job.request
        items = self._included(request)
        given = [from_json(Answer, text) for text in request.get("given", [])]
        modes = [MODES[mode] for mode in request["modes"] if mode not in [answer.mode for answer in given]]
        watch = _Watch(report, "")
        desk = self._desk(live.stop, watch)
        failed: dict[Mode, Any] = {}
        answers: list[Answer] = []
        message = ""

        def on_mode(mode: Mode) -> None:
            watch.mode = mode
            watch.done = [answer.mode for answer in [*given, *answers]]

        for mode in modes:  # one at a time, so that what is finished survives a stop
            if live.stop.is_set():
                message = "Stopped. What was finished is kept."
                break
            try:
                made, why = ask_each(desk, items, request["question"], [mode], how_of(request, self.context), on_mode)
                answers += made
                failed |= why
            except Stopped:
                message = "Stopped. What was finished is kept."
                break
            except UserError:
                raise
            except Exception as error:
                if not isinstance(error, LongDocError):
                    raise
                failed[mode] = error
                answers.append(Answer(request["question"], mode, str(error), error.code, request["model"], None))
        if not answers and not given:
            raise Stopped(message or "Stopped.")
        everything = [*given, *answers]
        by_mode = {answer.mode: answer for answer in everything}
        return {
            "answers": [to_json(answer) for answer in everything],
            "failed": sorted(failed),
            "share_read": {a.mode: share_read(a, items) for a in everything if a.mode not in failed},
            "differences": [asdict(d) for d in differences(by_mode, items, failed)],
            "stopped": bool(message),
            "message": message,
        }

    def _file(self, request: Mapping[str, Any]) -> tuple[Path, str]:
        if request.get("upload"):
            return self.context.upload(str(request["upload"])), str(request["name"])
        return Path(str(request["path"])), str(request["name"])

    def _included(self, request: Mapping[str, Any]) -> Sequence[Included]:
        return [included(choice, self.context.library) for choice in parse_choices(request["choices"])]

    def _desk(self, stop: threading.Event, on_progress: Callable[[Progress], None]) -> Desk:
        return Desk(self.context.engine, self.context.settings, self.context.library, stop, on_progress)


class _Watch:
    """Turns the engine's progress into JSON for pages."""

    def __init__(self, report: Report, mode: str) -> None:
        self.report, self.mode = report, mode
        self.done: list[str] = []
        self.share: float | None = None  # of the documents read

    def __call__(self, progress: Progress) -> None:
        if progress.stage == "reading" and progress.total:
            self.share = progress.done / progress.total
        if progress.stage == "answering":
            self.share = None
        self.report({**asdict(progress), "mode": self.mode, "modes_done": self.done})

    def stopped_in_words(self) -> str:
        if self.share is None:
            return "Stopped."
        return f"Stopped at {self.share:.0%}. What was read is kept for the next question."


def how_of(request: Mapping[str, Any], context: Context) -> How:
    """Return the choices of a request, within limits."""
    settings = context.settings
    return How(
        model=str(request.get("model") or settings.model),
        window=request.get("window") or None,
        position=request.get("position") or None,
        attention=request.get("attention") or None,
        tier=request.get("tier") or None,
        top_k=min(max(int(request.get("top_k") or settings.top_k), 1), 100),
        max_new_tokens=settings.answer_reserve_tokens,
    )
