"""`summarize`: one document, one template, sections printed with their places."""

from __future__ import annotations

import argparse
import textwrap
import threading

from longdoc.cli import output
from longdoc.cli.session import how, opened, tell_where_documents_go
from longdoc.settings import Settings
from longdoc.summarize import NONE_STATED, Summary
from longdoc.summarize import summarize as make_summary

_METHODS = {
    "extractive": "Made of the document's own sentences, not written by a model.",
    "written": "Written by the model; quotes were checked against the document.",
}


def summarize(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Summarize a document."""
    chosen = how(args, settings)
    with opened(args, settings, stop) as session:
        session.desk.engine.info(chosen.model)
        (item,) = session.sources(args)
        tell_where_documents_go(session, chosen.model)
        session.line.show("summarize", "Summarizing")
        found = make_summary(session.desk, item, args.template, chosen)
        for warning in found.warnings:
            session.warn(warning)
        session.line.done()
        if args.json:
            output.print_json(
                {
                    "sections": [
                        {
                            "title": section.title,
                            "items": [
                                {"text": one.text, "citations": [output.citation_json(c) for c in one.citations]}
                                for one in section.items
                            ],
                        }
                        for section in found.sections
                    ],
                    "usage": output.usage_json(found.usage),
                    "method": found.method,
                    "template": found.template,
                    "model": found.model,
                    "omitted": output.omitted_json(found.omitted),
                    "warnings": session.warnings,
                }
            )
        else:
            output.print_text(_text(found))
    return 0


def _text(summary: Summary) -> str:
    lines = [_METHODS[summary.method]]
    for section in summary.sections:
        lines += ["", section.title]
        for item in section.items:
            places = ", ".join(f"{output.place(c)}, {output.STATUS[c.status]}" for c in item.citations)
            text = item.text if item.text == NONE_STATED else f"{item.text} [{places or 'no place found'}]"
            lines.append(textwrap.fill(text, 96, initial_indent="  - ", subsequent_indent="    "))
    if summary.omitted:
        lines += ["", "Not read: " + "; ".join(output.omitted_text(item) for item in summary.omitted)]
    return "\n".join(lines)
