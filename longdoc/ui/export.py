"""Conversations and comparisons as Markdown and JSON, to keep or to send on.

Text of documents and models goes in with its Markdown and HTML made plain, so that
opening the file shows what was said and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from longdoc.store import Turn
from longdoc.types import Answer
from longdoc.ui.render import STATUS, inert, place
from longdoc.ui.views import MODES, omitted_words, stats

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~&])")


def plain(text: str) -> str:
    """Return text with everything escaped that Markdown or HTML would act on."""
    return _SPECIAL.sub(r"\\\1", inert(text))


def conversation_markdown(title: str, turns: Sequence[Turn]) -> str:
    """Return a conversation as Markdown."""
    parts = [f"# {plain(title)}"]
    for turn in turns:
        parts.append(f"## {plain(turn.answer.question)}")
        parts.append(answer_markdown(turn.answer, turn.deleted))
    return "\n\n".join(parts) + "\n"


def answer_markdown(answer: Answer, deleted: frozenset[str] = frozenset()) -> str:
    """Return one answer with quotes, places and cost."""
    parts = [f"**{MODES[answer.mode]}** ({plain(answer.model)})", plain(answer.text) or "(no text)"]
    if answer.stop_reason == "stopped":
        parts.append("Stopped before its end.")
    rows = []
    for number, citation in enumerate(answer.citations, 1):
        gone = ", source deleted" if citation.document_id in deleted else ""
        rows.append(f"{number}. {plain(place(citation))} ({STATUS[citation.status]}{gone})")
        if citation.quote:
            rows.append(f"   > {plain(' '.join(citation.quote.split()))}")
    if rows:
        parts.append("\n".join(rows))
    if answer.omitted:
        parts.append("Not read:\n" + "\n".join(f"- {plain(omitted_words(item))}" for item in answer.omitted))
    parts.append("; ".join(f"{row['name']}: {row['words']}" for row in stats(answer)) + ".")
    return "\n\n".join(parts)


def conversation_json(title: str, turns: Sequence[Turn]) -> str:
    """Return a conversation as JSON, every field of every answer."""
    rows = [{"at": turn.created_at, **asdict(turn.answer), "deleted": sorted(turn.deleted)} for turn in turns]
    return json.dumps({"title": title, "answers": rows}, indent=1)


def comparison_markdown(question: str, answers: Sequence[Answer], result: Mapping[str, Any]) -> str:
    """Return a comparison as Markdown: both answers, quotes, numbers, differences."""
    parts = [f"# {plain(question)}"]
    for answer in answers:
        parts.append(answer_markdown(answer))
        share = result.get("share_read", {}).get(answer.mode)
        if share is not None:
            parts.append(f"Share of the documents read: {share:.1%}")
    rows = []
    for row in result.get("differences", []):
        cited = row["citation"]
        read = "read it without citing it" if row["other_read_it"] else "did not read it"
        where = f"{cited['source']}, {cited['label']}"
        rows.append(f"- Only {MODES[row['mode']]}: {plain(where)}; {MODES[row['other']]} {read}.")
    if rows:
        parts.append("## Differences\n\n" + "\n".join(rows))
    vote = result.get("vote")
    if vote:
        parts.append(f"Vote: {plain(str(vote))}")
    return "\n\n".join(parts) + "\n"
