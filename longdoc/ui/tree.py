"""A code base before it is added: which files there are, which are left out and why, what each takes.

Also what a changed code base brings against the one in the library.
"""

from __future__ import annotations

from typing import Any

from longdoc.answer import Kit
from longdoc.backends.remote import estimate_tokens
from longdoc.formats import document_header
from longdoc.store import Library
from longdoc.types import Document

MAX_ROWS = 20_000
_NAMED = 50


def tree_of(document: Document, kit: Kit, library: Library) -> dict[str, Any]:
    """Return rows {path, bytes, lines, tokens, headers, ticked, locked, reason} in path order, as JSON.

    A file that may hold a secret is not ticked and says on which line; the secret is never shown.
    """
    sizes = {s.label: _tokens(document.text[s.start : s.end], kit) for s in document.segments}
    rows = []
    for row in document.details.get("tree", [])[:MAX_ROWS]:
        secret = bool(row.get("line")) and row["status"] in ("included", "possible_secret")
        readable = row["path"] in sizes
        rows.append(
            {
                "path": row["path"],
                "bytes": row["bytes"],
                "lines": row["lines"],
                "tokens": sizes.get(row["path"], 0),
                "headers": _headers(row["path"], kit) if readable else [],
                "ticked": readable and not secret,
                "locked": not readable,
                "secret": row["line"] if secret else None,
                "reason": f"possible secret, line {row['line']}" if secret else row["reason"],
            }
        )
    return {"title": document.title, "rows": rows, "earlier": _earlier(document, library)}


def _tokens(text: str, kit: Kit) -> int:
    return estimate_tokens(text) if kit.tokenizer is None else len(kit.tokenizer.ids(text))


def _headers(label: str, kit: Kit) -> list[int]:
    """Return what a file's header takes when its number has one, two, three or four digits."""
    if kit.tokenizer is None or kit.frame is None or kit.frame.special is None:
        return [0, 0, 0, 0]
    return [1 + len(kit.tokenizer.ids(document_header(number, label))) for number in (1, 10, 100, 1000)]


def _earlier(document: Document, library: Library) -> dict[str, Any] | None:
    """Return what changed against a code base of the same name in the library, or None."""
    for item in library.documents():
        if item.loader != document.loader or item.title != document.title:
            continue
        before = library.document(item.document_id)
        old = {s.label: before.text[s.start : s.end] for s in before.segments}
        new = {s.label: document.text[s.start : s.end] for s in document.segments}
        tree = {row["path"]: row for row in document.details.get("tree", [])}
        safe = {label for label in new if not tree.get(label, {}).get("line")}
        changes = {
            "new": sorted(safe - old.keys()),
            "changed": sorted(label for label in safe & old.keys() if old[label] != new[label]),
            "gone": sorted(old.keys() - new.keys()),
        }
        if any(changes.values()):
            return {
                "id": item.document_id,
                "title": item.title,
                **{kind: labels[:_NAMED] for kind, labels in changes.items()},
                "counts": {kind: len(labels) for kind, labels in changes.items()},
            }
    return None
