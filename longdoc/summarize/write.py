"""A summary written by a model that can: one question a section on top of one reading, each point tied to evidence."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from longdoc.answer import Desk, How, Kit, prepare
from longdoc.answer.ask import readable
from longdoc.citations import Part, Said, cite, parts_of, quoted
from longdoc.packing import Included
from longdoc.summarize.nouns import NONE_STATED, Item, Section, Summary, none_stated
from longdoc.summarize.tasks import task_written
from longdoc.summarize.templates import SectionForm
from longdoc.types import Generation, Omitted, Prompt, Usage

_POINTS = (
    "Write each point on a line of its own that begins with a dash, and after it, in quotation marks, the words of "
    "the document that show it. "
)
_TASKS = (
    "Write each task on a line of its own that begins with a dash, as: owner | task | due date, with "
    f'"{NONE_STATED}" for an owner or a date that nobody says, and after it, in quotation marks, the words of the '
    "document that show it. "
)
_END = 'At most {most} points. If there is none, write exactly "' + NONE_STATED + '".'
_BULLET = re.compile(r"^\s*(?:[-*•–]|\d+[.)])\s*")
_NOTHING = re.compile(r"\W*(?:none|not) stated\W*|\W*none\W*", re.IGNORECASE)
_QUOTES = re.compile(r"\s*[(\[]?[\"“„«][^\"”“»]{2,1000}[\"”“»][)\]]?\s*\.?")


@dataclass(frozen=True)
class Written:
    """What a model wrote for one section of one text."""

    items: tuple[Item, ...]
    usage: Usage
    omitted: tuple[Omitted, ...] = ()
    warnings: tuple[str, ...] = ()
    stopped: bool = False


def write(desk: Desk, kit: Kit, item: Included, name: str, forms: Sequence[SectionForm], how: How) -> Summary:
    """Return the written summary. Raises PromptTooLong, ModelError, Stopped."""
    sections: list[Section] = []
    usage = Usage()
    omitted: tuple[Omitted, ...] = ()
    warnings: list[str] = []
    for form in forms:
        made = section(desk, kit, item, form, how)
        usage = added(usage, made.usage)
        omitted = made.omitted
        warnings += made.warnings
        sections.append(Section(form.title, made.items or none_stated(), form.tasks))
        if made.stopped:
            warnings.append("Stopped. The sections after this one were not written.")
            break
    return Summary(name, "written", how.model, tuple(sections), usage, omitted, tuple(dict.fromkeys(warnings)))


def section(desk: Desk, kit: Kit, item: Included, form: SectionForm, how: How, *, keep: bool = True) -> Written:
    """Return the points of one section of a text. Raises PromptTooLong, ModelError, Stopped."""
    began = time.perf_counter()
    question = question_of(form)
    prompt, plan = prepare(desk, kit, [item], question, how)
    generation = kit.generate(
        prompt,
        plan,
        [item],
        question,
        short=False,
        max_new_tokens=how.max_new_tokens,
        stop=desk.stop,
        on_progress=desk.on_progress,
        evidence=True,
        keep=keep,
        constraint=None,
        before_s=time.perf_counter() - began,
    )
    found = points(generation, prompt, kit, item, form)
    stopped = generation.stop_reason == "stopped"
    warnings = list(generation.warnings)
    if generation.stop_reason == "length":
        warnings.append(f"{form.title}: the model's answer was cut at {how.max_new_tokens} tokens.")
    return Written(found, generation.usage, prompt.omitted, tuple(warnings), stopped)


def question_of(form: SectionForm) -> str:
    """Return what a model that writes is asked for a section."""
    return f"{form.question} {_TASKS if form.tasks else _POINTS}{_END.format(most=form.most)}"


def points(generation: Generation, prompt: Prompt, kit: Kit, item: Included, form: SectionForm) -> tuple[Item, ...]:
    """Return the points of one answer, each with its own citations; a point without any stays and is marked."""
    ranges = [match.span() for match in re.finditer(r"[^\n]+", generation.text)]
    result: list[Item] = []
    for part in parts_of(generation, kit.tokenizer, ranges):
        line = _BULLET.sub("", part.text).strip()
        if not line or _NOTHING.fullmatch(line):
            continue
        text = " ".join((_QUOTES.sub(" ", line).strip() or line).split())
        quotes = tuple(quoted(line))
        owner = due = ""
        if form.tasks:
            task = task_written(text)
            text, owner, due = task.text, task.owner, task.due
        said = Said(text, (Part(text, part.tokens),), quotes)
        citations = cite(said, form.question, readable([item]), prompt=prompt, generation=generation, limit=3)
        result.append(Item(text, tuple(citations), owner, due))
    return tuple(result[: form.most])


def added(a: Usage, b: Usage) -> Usage:
    """Return the cost of two requests together; the first word is that of the first."""
    return replace(
        a,
        prompt_tokens=max(a.prompt_tokens, b.prompt_tokens),
        cached_tokens=b.cached_tokens if not a.prompt_tokens else a.cached_tokens,
        output_tokens=a.output_tokens + b.output_tokens,
        read_s=a.read_s + b.read_s,
        first_token_s=a.first_token_s or b.first_token_s,
        total_s=a.total_s + b.total_s,
        peak_bytes=max(a.peak_bytes, b.peak_bytes),
    )
