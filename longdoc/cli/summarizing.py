"""`summarize`: one document, one template, sections printed with their places."""

from __future__ import annotations

import argparse
import textwrap
import threading
from typing import Any

from longdoc.cli import output
from longdoc.cli.session import how, opened, tell_where_documents_go
from longdoc.settings import Settings
from longdoc.summarize import NO_PROSE, NONE_STATED, Item, Summary
from longdoc.summarize import summarize as make_summary
from longdoc.summarize.tasks import shown

_METHODS = {
    "extractive": "Made of the document's own sentences, chosen by LexRank; no model read them.",
    "written": "Written by the model; quotes were checked against the document.",
}


def summarize(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Summarize a document."""
    chosen = how(args, settings)
    with opened(args, settings, stop) as session:
        session.desk.engine.info(chosen.model)
        (item,) = session.sources(args)
        if args.mode != "extractive":
            tell_where_documents_go(session, chosen.model)
        session.line.show("summarize", "Summarizing")
        found = make_summary(session.desk, item, args.template, chosen, args.mode)
        for warning in found.warnings:
            session.warn(warning)
        session.line.done()
        if args.json:
            output.print_json(
                {
                    "sections": [
                        {
                            "title": section.title,
                            "items": [_item_json(one, section.tasks) for one in section.items],
                        }
                        for section in found.sections
                    ],
                    "usage": output.usage_json(found.usage),
                    "method": found.method,
                    "mode": found.way,
                    "parts": found.parts,
                    "template": found.template,
                    "model": found.model,
                    "omitted": output.omitted_json(found.omitted),
                    "warnings": session.warnings,
                }
            )
        else:
            output.print_text(_text(found))
    return 0


def _item_json(item: Item, is_task: bool) -> dict[str, Any]:
    """Return a point; a task has an owner and a due date as well, and what no place shows says so."""
    row: dict[str, Any] = {"text": item.text, "citations": [output.citation_json(c) for c in item.citations]}
    if item.stated and is_task:
        row |= {"owner": item.owner or None, "due": item.due or None}
    if item.stated and not item.supported:
        row["evidence"] = "none"
    return row


def _text(summary: Summary) -> str:
    by_reader = summary.method == "extractive" and summary.way == "single"
    lines = [textwrap.fill(NO_PROSE, 96) if by_reader else _METHODS[summary.method]]
    for section in summary.sections:
        lines += ["", section.title]
        for item in section.items:
            places = ", ".join(f"{output.place(c)}, {output.STATUS[c.status]}" for c in item.citations)
            text = item.text if item.text == NONE_STATED else f"{item.text} [{places or 'no evidence found'}]"
            if item.stated and section.tasks:
                text += f" (owner: {shown(item.owner)}; due: {shown(item.due)})"
            lines.append(textwrap.fill(text, 96, initial_indent="  - ", subsequent_indent="    "))
    if summary.omitted:
        lines += ["", "Not read: " + "; ".join(output.omitted_text(item) for item in summary.omitted)]
    return "\n".join(lines)
