"""The conversation column: the budget, asking, progress, answers, earlier conversations, export.

Answers are made by jobs (`work.py`); this file starts, lists and shows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longdoc.answer import Kit, checked_question
from longdoc.errors import UserError
from longdoc.packing import choices as fitting
from longdoc.planning import describe, memory
from longdoc.store import Turn
from longdoc.types import Prompt, ReadingPlan, Region
from longdoc.ui.context import Context
from longdoc.ui.export import conversation_json, conversation_markdown
from longdoc.ui.jobs import LANES
from longdoc.ui.models import count_question, overrides_of, time_in_words
from longdoc.ui.render import inert
from longdoc.ui.selection import Choice, included, parse_choices
from longdoc.ui.views import ZONES, answer_view, job_view

_TURNS_AT_ONCE = 30
_PROMPT_CHARACTERS = 60_000
_MAX_TOP_K = 100


class ConversationCalls:
    """What the conversation column may ask of the server."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def poll(self, thread: int | None = None) -> dict[str, Any]:
        """Return running work and what tells whether library and conversation changed. Watches what runs."""
        library, worker = self.context.library, self.context.worker
        active = library.jobs(("queued", "running"))
        rows, before = [], 0
        for job in active:
            rows.append(job_view(job, worker.progress(job), before if job.kind in LANES["model"] else 0))
            before += job.kind in LANES["model"]
        ended = [job for job in library.jobs(limit=40) if job.state not in ("queued", "running")]
        mine = [job for job in ended if job.kind == "ask" and job.request.get("thread") == thread]
        return {
            "jobs": rows,
            "ended": [job_view(job, job.progress, 0) for job in mine[-3:]],
            "library": f"{len(active)}:" + str(max((job.updated_at for job in ended), default=0)),
        }

    def stop(self, job: int) -> bool:
        """Stop a job, running or waiting."""
        self.context.worker.cancel(job)
        return True

    def budget(
        self,
        choices: list[dict[str, Any]],
        question: str = "",
        model: str = "",
        window: int | None = None,
        how: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return what the ticked sources, the question and the answer take of the window, and what would fit."""
        context = self.context
        kit = context.models.kit(model)
        chosen = parse_choices(choices)
        names = {c.document_id: context.library.item(c.document_id) for c in chosen}
        sizes = [context.counter.count(choice, kit) for choice in chosen]
        asked = count_question(kit, question[: context.settings.max_question_characters])
        reserve = context.settings.answer_reserve_tokens
        total = sum(sizes) + asked
        plan = self._plan(kit.model, total, window, how)
        rows = [
            {
                "id": choice.document_id,
                "name": inert(names[choice.document_id].title),
                "tokens": size,
                "how": choice.how,
                "how_words": self._how(choice),
            }
            for choice, size in zip(chosen, sizes, strict=True)
        ]
        over = total + reserve - plan.window
        return {
            "sources": rows,
            "question": asked,
            "reserve": reserve,
            "total": total + reserve,
            "window": plan.window,
            "zone": plan.zone,
            "zone_words": _zone_words(plan.zone, kit.engine.info(kit.model).tested_context),
            "time": time_in_words(plan.predicted_s),
            "memory": memory.size(plan.predicted_bytes) if plan.predicted_bytes else "",
            "reasons": list(plan.reasons),
            "method": describe(plan.position_method, plan.factor),
            "attention": plan.attention,
            "tier": plan.cache_tier,
            "over": max(over, 0),
            "estimate": kit.remote,
            "offers": self._offers(rows, names, asked, reserve, plan.window) if over > 0 else None,
        }

    def ask(
        self,
        choices: list[dict[str, Any]],
        question: str,
        mode: str = "single",
        thread: int | None = None,
        model: str = "",
        window: int | None = None,
        top_k: int | None = None,
        how: dict[str, Any] | None = None,
        reread: bool = False,
        continues: int | None = None,
    ) -> dict[str, int]:
        """Queue a question; return its job and conversation.

        `continues` is a stopped answer that is made whole. Raises UserError `rereads` where the question
        would have sources read again in another way and `reread` does not allow it.
        """
        context = self.context
        asked = checked_question(question, context.settings)
        kit = context.models.kit(model)
        chosen = parse_choices(choices)
        if mode not in ("single", "chunked") or not (window is None or 0 < window < 1 << 31):
            raise UserError("This way of asking does not exist.", next_step="Reload the page.")
        if not chosen:
            raise UserError("No source is ticked.", next_step="Tick at least one in the Library.")
        ids = [choice.document_id for choice in chosen]
        context.library.require_documents(ids)
        overrides = overrides_of(how)
        if mode == "single":
            if self.budget(choices, question, model, window, how)["over"]:
                raise UserError("The ticked sources are over the window.", next_step="Choose one of the offers.")
            if thread is not None and not reread:
                self._ask_before_reading_again(thread, chosen, kit, asked, window, how)
        if continues is not None and (thread is None or continues not in [t.id for t in self._stopped(thread)]):
            raise UserError("This answer cannot be continued.", next_step="Ask again.")
        if thread is None:
            thread = context.library.add_thread(asked[:120], ids)
        else:
            context.library.thread(thread)
        request = {
            "choices": choices,
            "question": asked,
            "mode": mode,
            "thread": thread,
            "model": kit.model,
            "window": window,
            "top_k": min(max(top_k or context.settings.top_k, 1), _MAX_TOP_K),
            "continues": continues,
            **overrides,
        }
        return {"job": context.worker.submit("ask", request), "thread": thread}

    def threads(self) -> list[dict[str, Any]]:
        """Return conversations, the last used first."""
        return [
            {"id": t.id, "title": inert(t.title), "updated": t.updated_at, "documents": [d for d, _ in t.documents]}
            for t in self.context.library.threads()[:500]
        ]

    def turns(self, thread: int, before: int | None = None) -> dict[str, Any]:
        """Return the last answers of a conversation, or the last before turn `before`."""
        turns = self.context.library.turns(thread)
        if before is not None:
            turns = [turn for turn in turns if turn.id < before]
        shown = turns[-_TURNS_AT_ONCE:]
        replaced = self._replaced() if any(turn.deleted for turn in shown) else frozenset()
        return {"turns": [turn_view(turn, replaced) for turn in shown], "more": len(turns) - len(shown)}

    def rename_thread(self, thread: int, title: str) -> bool:
        self.context.library.rename_thread(thread, title)
        return True

    def delete_thread(self, thread: int) -> bool:
        self.context.library.remove_thread(thread)
        return True

    def export(self, thread: int, form: str = "markdown") -> dict[str, str]:
        """Return a conversation as a file's name and text."""
        title, turns = self.context.library.thread(thread).title, self.context.library.turns(thread)
        if form == "json":
            return {"name": "conversation.json", "text": conversation_json(title, turns)}
        return {"name": "conversation.md", "text": conversation_markdown(title, turns)}

    def prompt(self, choices: list[dict[str, Any]], question: str = "", model: str = "") -> dict[str, Any]:
        """Return the exact prompt by region, the middle of very long regions left out on screen only."""
        kit = self.context.models.kit(model)
        items = [included(choice, self.context.library) for choice in parse_choices(choices)]
        prompt = kit.pack(items, question or None)
        if kit.tokenizer is None:
            return {"tokens": len(prompt.token_ids), "regions": [], "omitted": []}
        texts = {item.document.id: item.document for item in items}
        regions = [_region_view(region, prompt, kit, texts) for region in prompt.regions]
        omitted = [inert(f"{o.source}: {o.what} ({o.reason})") for o in prompt.omitted]
        return {"tokens": len(prompt.token_ids), "regions": regions, "omitted": omitted}

    def _plan(self, model: str, n_tokens: int, window: int | None, how: dict[str, Any] | None) -> ReadingPlan:
        given: dict[str, Any] = {**overrides_of(how), **({"window": window} if window else {})}
        return self.context.engine.plan(model, n_tokens, **given)

    def _stopped(self, thread: int) -> list[Turn]:
        return [turn for turn in self.context.library.turns(thread) if turn.answer.stop_reason == "stopped"]

    def _ask_before_reading_again(
        self,
        thread: int,
        chosen: Sequence[Choice],
        kit: Kit,
        question: str,
        window: int | None,
        how: dict[str, Any] | None,
    ) -> None:
        """Raise UserError `rereads` if sources read for the last answer would be read again in another way."""
        earlier = [
            turn.answer.plan
            for turn in self.context.library.turns(thread)
            if turn.answer.mode == "single" and turn.answer.model == kit.model and turn.answer.plan is not None
        ]
        about = {document for t in self.context.library.threads() if t.id == thread for document, _ in t.documents}
        if not earlier or kit.remote or not about & {choice.document_id for choice in chosen}:
            return
        total = sum(self.context.counter.count(choice, kit) for choice in chosen) + count_question(kit, question)
        before, after = earlier[-1], self._plan(kit.model, total, window, how)
        if _way(before) == _way(after):
            return
        raise UserError(
            f"The sources were read {_way_words(before)}. With this question they would be read again, "
            f"{_way_words(after)}: {total:,} tokens, {time_in_words(after.predicted_s)}.",
            code="rereads",
            next_step="Read them again, or ask in Chunked.",
        )

    def _replaced(self) -> frozenset[str]:
        """Return the documents that a newer version took the place of."""
        jobs = self.context.library.jobs(("done",))
        return frozenset(str(job.request["replaces"]) for job in jobs if job.request.get("replaces"))

    def _how(self, choice: Choice) -> str:
        """Return in words how a document is read when not as a whole."""
        if choice.how != "outline":
            return f"Part: {choice.part}" if choice.how == "part" else ""
        item = included(choice, self.context.library)
        files = sum(segment.kind == "file" for segment in item.document.segments)
        return f"{files - len(item.outline):,} files whole, {len(item.outline):,} as outline"

    def _offers(
        self, rows: list[dict[str, Any]], names: dict[str, Any], asked: int, reserve: int, window: int
    ) -> dict[str, Any]:
        """Return what would make it fit, as the library's own arithmetic says."""
        regions, at = [], 0
        for row in rows:
            regions.append(Region("document", (at, at + row["tokens"]), row["id"]))
            at += row["tokens"]
        prompt = Prompt((0,) * (at + asked), (*regions, Region("question", (at, at + asked))), (), at)
        items = [_Stub(row["id"], names[row["id"]].title) for row in rows]
        found = fitting(prompt, window, reserve, [item.included() for item in items])
        code = [row["id"] for row in rows if names[row["id"]].loader == "codebase" and row["how"] != "outline"]
        longest = max(rows, key=lambda row: int(row["tokens"]), default=None)
        return {
            "remove": [inert(name) for name in found.remove] if found else [],
            "part": {"id": longest["id"], "name": longest["name"]} if longest else None,
            "outline": code,
        }


class _Stub:
    """A document of which only the name matters."""

    def __init__(self, identity: str, title: str) -> None:
        self.identity, self.title = identity, title

    def included(self) -> Any:
        from longdoc.packing import Included
        from longdoc.types import Document

        return Included(Document(self.identity, self.identity, self.title, ""), self.title, "")


def turn_view(turn: Turn, replaced: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return a stored answer for the page."""
    answer = answer_view(turn.answer, str(turn.id), turn.deleted, replaced)
    return {"id": turn.id, "question": inert(turn.answer.question), "at": turn.created_at, **answer}


def _way(plan: ReadingPlan) -> tuple[str, float, str]:
    """Return what of a plan decides whether a reading can be used again."""
    return plan.position_method, plan.factor, plan.attention


def _way_words(plan: ReadingPlan) -> str:
    method = describe(plan.position_method, plan.factor)
    words = "with the model's own positions" if plan.position_method == "none" else f"with {method}"
    return words + (f" and {plan.attention} attention" if plan.attention != "dense" else "")


def _zone_words(zone: str, tested: int) -> str:
    if zone == "extended_untested" and tested:
        return f"extended, untested past {tested:,} tokens"
    return ZONES[zone]


def _region_view(region: Region, prompt: Prompt, kit: Any, texts: dict[str, Any]) -> dict[str, Any]:
    ids = prompt.token_ids[region.tokens[0] : region.tokens[1]]
    if region.role == "document" and region.chars and region.document_id in texts:
        start, end = region.chars[0][0], max(b for _, b in region.chars)
        text = texts[region.document_id].text[start:end]
    else:
        text = kit.tokenizer.raw(ids) if hasattr(kit.tokenizer, "raw") else kit.tokenizer.decode(ids)
    cut = len(text) > _PROMPT_CHARACTERS
    shown = text[: _PROMPT_CHARACTERS // 2] + "\n[…]\n" + text[-_PROMPT_CHARACTERS // 2 :] if cut else text
    return {"role": region.role, "tokens": len(ids), "text": shown, "cut": cut}
