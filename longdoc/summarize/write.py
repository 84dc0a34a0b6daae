"""A summary written by a model that can: one question a section on top of one reading, each point tied to evidence."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace

from longdoc.answer import Desk, How, Kit, prepare
from longdoc.answer.ask import readable
from longdoc.citations import Part, Said, cite, parts_of, quoted
from longdoc.packing import Included
from longdoc.summarize.nouns import NONE_STATED, Item, Section, Summary, none_stated
from longdoc.summarize.templates import SectionForm
from longdoc.types import Generation, Prompt, Usage

_FORM = (
    "Write each point on a line of its own that begins with a dash, and after it, in quotation marks, the words of "
    f'the document that show it. At most {{most}} points. If there is none, write exactly "{NONE_STATED}".'
)
_BULLET = re.compile(r"^\s*(?:[-*•–]|\d+[.)])\s*")
_NOTHING = re.compile(r"\W*(?:none|not) stated\W*|\W*none\W*", re.IGNORECASE)
_QUOTES = re.compile(r"\s*[(\[]?[\"“„«][^\"”“»]{2,1000}[\"”“»][)\]]?\s*\.?")


def write(desk: Desk, kit: Kit, item: Included, name: str, forms: Sequence[SectionForm], how: How) -> Summary:
    """Return the written summary. Raises PromptTooLong, ModelError, Stopped."""
    sections: list[Section] = []
    usage = Usage()
    prompt: Prompt | None = None
    warnings: list[str] = []
    for form in forms:
        began = time.perf_counter()
        question = f"{form.question} {_FORM.format(most=form.most)}"
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
            keep=True,
            constraint=None,
            before_s=time.perf_counter() - began,
        )
        usage = added(usage, generation.usage)
        warnings += generation.warnings
        sections.append(Section(form.title, points(generation, prompt, kit, item, form) or none_stated()))
        if generation.stop_reason == "stopped":
            break
    omitted = prompt.omitted if prompt else ()
    return Summary(name, "written", how.model, tuple(sections), usage, omitted, tuple(dict.fromkeys(warnings)))


def points(generation: Generation, prompt: Prompt, kit: Kit, item: Included, form: SectionForm) -> tuple[Item, ...]:
    """Return the points of one answer, each with its own citations."""
    ranges = [match.span() for match in re.finditer(r"[^\n]+", generation.text)]
    result: list[Item] = []
    for part in parts_of(generation, kit.tokenizer, ranges):
        line = _BULLET.sub("", part.text).strip()
        if not line or _NOTHING.fullmatch(line):
            continue
        text = _QUOTES.sub(" ", line).strip() or line
        said = Said(text, (Part(text, part.tokens),), tuple(quoted(line)))
        citations = cite(said, form.question, readable([item]), prompt=prompt, generation=generation, limit=3)
        result.append(Item(" ".join(text.split()), tuple(citations)))
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
