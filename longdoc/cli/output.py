"""Answers, plans and lists as JSON objects and as text for people.

The JSON contract of the command line lives here; field names are what people
script against. Where it comes from is decided in the verbs.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from longdoc.cli.progress import duration
from longdoc.files import display_name
from longdoc.types import Answer, Citation, Omitted, ReadingPlan, Usage

MODES = {"single": "Single pass", "chunked": "Chunked", "none": "No document"}
STATUS = {"verified": "Verified", "fuzzy": "Close", "attended": "Read here", "not_found": "Not found"}
ZONES = {
    "native": "within training length",
    "extended_tested": "extended, tested",
    "extended_untested": "extended, untested at this length",
    "over": "over the window",
}
_SHOWN_CHARACTERS = 400  # of a quote in a terminal; JSON holds all of it
_PLAN = ("position_method", "attention", "cache_tier", "n_tokens", "window", "zone")


def print_json(value: Any) -> None:
    """Print one JSON object; lone surrogates of odd file names are escaped, never an error."""
    print(json.dumps(value, ensure_ascii=True, indent=1), file=sys.stdout, flush=True)


def print_text(text: str) -> None:
    """Print for people, on terminals of any encoding, without control characters that a document may hold."""
    clean = "".join(ch if ch.isprintable() or ch in "\n\t" else "\N{REPLACEMENT CHARACTER}" for ch in text)
    encoding = sys.stdout.encoding or "utf-8"
    print(clean.encode(encoding, "replace").decode(encoding), file=sys.stdout, flush=True)


def answer_json(answer: Answer) -> dict[str, Any]:
    return {
        "mode": answer.mode,
        "text": answer.text,
        "stop_reason": answer.stop_reason,
        "plan": {name: getattr(answer.plan, name) for name in _PLAN} if answer.plan else None,
        "citations": [citation_json(citation) for citation in answer.citations],
        "omitted": omitted_json(answer.omitted),
        "usage": usage_json(answer.usage),
    }


def citation_json(citation: Citation) -> dict[str, Any]:
    return {
        "source": citation.source,
        "label": citation.label,
        "page": citation.page,
        "line_start": citation.line_start,
        "line_end": citation.line_end,
        "start_s": citation.start_s,
        "end_s": citation.end_s,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "status": citation.status,
        "origin": citation.origin,
    }


def plan_json(plan: ReadingPlan) -> dict[str, Any]:
    return asdict(plan) | {"reasons": list(plan.reasons)}


def omitted_json(omitted: Sequence[Omitted]) -> list[dict[str, Any]]:
    return [asdict(item) for item in omitted]


def usage_json(usage: Usage) -> dict[str, Any]:
    """Return what scripts read; what sparse attention held is there only where it was used."""
    shown = asdict(usage)
    if usage.attention_recall is None:
        del shown["attention_recall"]
    return shown


def answer_text(answer: Answer) -> str:
    """Return an answer for people: text, numbered citations, what was not read, what it cost."""
    lines = [MODES[answer.mode], "", textwrap.indent(wrapped(answer.text or "(no text)"), "  "), ""]
    if answer.stop_reason == "not_stated" and answer.citations:
        lines.append("  Nearest passages:")
    for number, citation in enumerate(answer.citations, 1):
        lines.append(f"  [{number}] {place(citation)} ({STATUS[citation.status]})")
        lines.append(textwrap.indent(wrapped(_shortened(citation.quote)), "      "))
    if answer.citations:
        lines.append("")
    if answer.omitted:
        lines.append("  Not read: " + "; ".join(omitted_text(item) for item in answer.omitted))
    lines.append("  " + usage_text(answer.usage, answer.plan))
    return "\n".join(lines)


def _shortened(quote: str) -> str:
    """Return a quote as one paragraph, a long one (a passage) by its beginning."""
    text = " ".join(quote.split())
    return text if len(text) <= _SHOWN_CHARACTERS else textwrap.shorten(text, _SHOWN_CHARACTERS, placeholder=" …")


def place(citation: Citation) -> str:
    """Return source and label; a single source file's label already begins with its name."""
    name = display_name(citation.source)
    if citation.label.startswith(f"{name}:"):
        return citation.label
    return ", ".join(part for part in (name, citation.label) if part)


def omitted_text(omitted: Omitted) -> str:
    tokens = f", {omitted.n_tokens:,} tokens" if omitted.n_tokens else ""
    return f"{display_name(omitted.source)}: {omitted.what} ({omitted.reason}{tokens})"


def usage_text(usage: Usage, plan: ReadingPlan | None) -> str:
    reused = f", {usage.cached_tokens:,} of them already read" if usage.cached_tokens else ""
    parts = [
        f"{usage.prompt_tokens:,} tokens{reused}",
        f"first word after {duration(usage.first_token_s)}, {duration(usage.total_s)} in all",
        f"{usage.peak_bytes / 2**20:,.0f} MB of memory",
    ]
    if usage.attention_recall is not None:
        parts.append(f"{plan.attention if plan else 'sparse'} attention held {usage.attention_recall:.0%} on a sample")
    if plan is not None:
        parts.append(ZONES[plan.zone])
    return "; ".join(parts) + "."


def read_text(usage: Usage) -> str:
    """Return what reading cost, for people."""
    if usage.cached_tokens >= usage.prompt_tokens:
        return f"Already read: {usage.prompt_tokens:,} tokens."
    reused = f", {usage.cached_tokens:,} of them already read" if usage.cached_tokens else ""
    return f"Read {usage.prompt_tokens:,} tokens{reused} in {duration(usage.read_s)} and kept them."


def plan_text(plan: ReadingPlan) -> str:
    """Return a plan for people, reasons last."""
    predicted = "not measured yet" if plan.predicted_s is None else f"about {duration(plan.predicted_s)}"
    factor = f" (factor {plan.factor:g})" if plan.factor != 1 else ""
    rows = [
        ("Model", plan.model),
        ("Prompt", f"{plan.n_tokens:,} tokens of a window of {plan.window:,}, {ZONES[plan.zone]}"),
        ("Trained for", f"{plan.native_context:,} tokens"),
        ("Positions", plan.position_method + factor),
        ("Attention", plan.attention + (f" (up to {plan.attention_budget:,} keys)" if plan.attention_budget else "")),
        ("Cache", f"{plan.cache_tier}, {plan.kv_dtype}, {plan.predicted_bytes / 2**20:,.0f} MB"),
        ("Reading", predicted),
    ]
    return "\n".join([*(f"{name + ':':<13}{value}" for name, value in rows), *(f"  - {r}" for r in plan.reasons)])


def table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Return aligned columns; the last one is left to run."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    lines = []
    for row in (header, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines)


def wrapped(text: str, width: int = 96) -> str:
    return "\n".join(textwrap.fill(line, width) if line.strip() else "" for line in text.splitlines())
