"""Ask documents: one question, one mode, one answer with evidence.

The place where packing, plan, engine, retrieval and citations meet. Single reads
the documents whole; chunked reads retrieved passages; none reads nothing and
shows what the model says by itself. Model and prompt format are the same in all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from longdoc.answer.copying import copy_constraint
from longdoc.answer.kit import Kit, kit_of
from longdoc.answer.request import How, checked_question
from longdoc.answer.retrieve import Found, retrieve
from longdoc.citations import Readable, Said, cite, cite_passages, nearest, take_apart
from longdoc.engine import Engine
from longdoc.errors import PromptTooLong, UserError
from longdoc.grounding import CopyConstraint
from longdoc.packing import Included, KeptEncodings, fit, pieces
from longdoc.settings import Settings
from longdoc.store import Library
from longdoc.types import Answer, Document, Generation, Mode, Progress, Prompt, ReadingPlan

NO_PASSAGE = "No passage of the documents has words of the question."


def quiet(progress: Progress) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class Desk:
    """What every request needs: the engine, the limits, the library, and someone who watches."""

    engine: Engine
    settings: Settings
    library: Library | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    on_progress: Callable[[Progress], None] = quiet


def ask(desk: Desk, included: Sequence[Included], question: str, mode: Mode, how: How) -> Answer:
    """Return the answer. Times count from here, a model's loading left out.

    Raises UserError, PromptTooLong (nothing was read), ModelError, Stopped while reading.
    """
    began = time.perf_counter()
    question = checked_question(question, desk.settings)
    if not included and mode != "none":
        raise UserError("There is no document to ask.", next_step="Name at least one file or folder.")
    found: Found | None = None
    read: Sequence[Included] = ()
    if mode == "single":
        read = included
    elif mode == "chunked":
        found = retrieve(desk, included, question, how.top_k)
        if not found.passages:
            return Answer(question, mode, NO_PASSAGE, "not_stated", how.model, None, omitted=found.omitted)
        read = found.included
    kit = kit_of(desk.engine, how.model)
    prompt, plan = prepare(desk, kit, read, question, how)
    if found is not None:
        prompt = replace(prompt, omitted=found.omitted)
    generation = kit.generate(
        prompt,
        plan,
        read,
        question,
        short=how.short,
        max_new_tokens=how.max_new_tokens,
        stop=desk.stop,
        on_progress=desk.on_progress,
        evidence=mode == "single",
        # Passages will not come again in this order; keeping them would push documents out.
        keep=mode == "single",
        constraint=constraint_for(prompt, kit) if read else None,
        before_s=time.perf_counter() - began,
    )
    said = take_apart(generation, kit.tokenizer, kit.frame.special if kit.frame else None)
    return _answer(desk, included, question, mode, how, plan, prompt, generation, said, found)


def prepare(
    desk: Desk, kit: Kit, included: Sequence[Included], question: str | None, how: How
) -> tuple[Prompt, ReadingPlan]:
    """Return prompt and plan. Raises PromptTooLong with the choices where the window is too small."""
    prompt = kit.pack(included, question, short=how.short, encode=KeptEncodings(desk.settings.cache / "tokens"))
    plan = desk.engine.plan(how.model, prompt, **how.overrides())
    try:
        fit(prompt, plan.window, how.max_new_tokens, included)
    except PromptTooLong as error:
        if any(item.title is not None for item in included):
            raise PromptTooLong(
                f"The {len(included)} passages are {error.over_tokens:,} tokens over the window of {plan.window:,}.",
                over_tokens=error.over_tokens,
                next_step="Ask for fewer passages with --top-k.",
            ) from error
        raise
    _remember_counts(desk, kit, included, prompt)
    return prompt, plan


def constraint_for(prompt: Prompt, kit: Kit) -> CopyConstraint | None:
    """Return what keeps the reader's quotes inside the documents; other models quote freely and are checked."""
    if kit.frame is None or kit.tokenizer is None or kit.frame.special is None:
        return None
    return copy_constraint(prompt, kit.frame.special, kit.tokenizer)


def readable(included: Sequence[Included]) -> list[Readable]:
    """Return what the model could see, one entry for each header of the prompt."""
    return [
        Readable(piece.item.document, piece.item.name, piece.ranges, frozenset({number}))
        for number, piece in enumerate(pieces(included), 1)
    ]


def _answer(
    desk: Desk,
    included: Sequence[Included],
    question: str,
    mode: Mode,
    how: How,
    plan: ReadingPlan,
    prompt: Prompt,
    generation: Generation,
    said: Said,
    found: Found | None,
) -> Answer:
    documents: dict[str, tuple[Document, str]] = {item.document.id: (item.document, item.name) for item in included}
    if found is not None:
        citations = cite_passages(said, found.passages, documents, question)
    elif mode == "none":
        citations = []
    elif said.not_stated:
        offered = retrieve(desk, included, question, how.top_k)
        citations = nearest(offered.passages, documents, question)
    else:
        citations = cite(said, question, readable(included), prompt=prompt, generation=generation)
    return Answer(
        question=question,
        mode=mode,
        text=said.text,
        stop_reason="not_stated" if said.not_stated else generation.stop_reason,
        model=how.model,
        plan=plan,
        citations=tuple(citations),
        omitted=prompt.omitted,
        passages=tuple(found.passages) if found is not None else (),
        usage=generation.usage,
        warnings=generation.warnings,
    )


def _remember_counts(desk: Desk, kit: Kit, included: Sequence[Included], prompt: Prompt) -> None:
    """Keep the token counts of whole documents in the library, where budgets and lists read them."""
    if desk.library is None or desk.library.read_only or kit.tokenizer is None:
        return
    for item in included:
        if item.ranges is None and item.title is None:
            count = sum(r.tokens[1] - r.tokens[0] for r in prompt.regions if r.document_id == item.document.id)
            kit.remember_count(desk.library, item.document.id, count)
