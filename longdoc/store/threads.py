"""Conversations: threads of turns, each turn one answer with its citations and cost.

Answers are stored whole, as JSON, so quotes outlive the documents they come
from; whether a cited document is still here is looked up when turns are read.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from longdoc.errors import StoreError
from longdoc.store.codec import from_json, storable, to_json
from longdoc.store.collections import Collections
from longdoc.store.documents import MAX_TITLE
from longdoc.types import Answer


@dataclass(frozen=True)
class Thread:
    """A conversation over a set of documents."""

    id: int
    title: str
    created_at: float
    updated_at: float
    documents: tuple[tuple[str, str], ...]  # (document id, title when the conversation began)
    deleted: frozenset[str]  # ids of those that are no longer in the library


@dataclass(frozen=True)
class Turn:
    """One answer in a conversation."""

    id: int
    thread_id: int
    answer: Answer
    created_at: float
    deleted: frozenset[str]  # ids of cited documents that are no longer in the library


class Threads(Collections):
    """The part of the library that holds conversations."""

    def add_thread(self, title: str, document_ids: Sequence[str] = ()) -> int:
        """Begin a conversation and return its id. Raises StoreError `not_found` for an unknown document."""
        now = time.time()
        with self.writing() as db:
            self.require_documents(list(document_ids))
            row = {"title": _title(title), "created_at": now, "updated_at": now}
            identity = int(db["threads"].insert(row).last_pk)
            for place, document_id in enumerate(dict.fromkeys(document_ids)):
                db["thread_documents"].insert(
                    {
                        "thread_id": identity,
                        "document_id": document_id,
                        "title": self.item(document_id).title,
                        "position": place,
                    }
                )
        return identity

    def threads(self) -> list[Thread]:
        """Return all conversations, the last used first."""
        with self.reading() as db:
            rows = db.execute(
                "SELECT id, title, created_at, updated_at FROM threads ORDER BY updated_at DESC, id DESC"
            ).fetchall()
            members = db.execute(
                "SELECT t.thread_id, t.document_id, t.title, d.id IS NULL FROM thread_documents t "
                "LEFT JOIN documents d ON d.id = t.document_id ORDER BY t.thread_id, t.position"
            ).fetchall()
        held: dict[int, list[tuple[str, str]]] = {}
        gone: dict[int, set[str]] = {}
        for thread_id, document_id, title, missing in members:
            held.setdefault(thread_id, []).append((document_id, title))
            if missing:
                gone.setdefault(thread_id, set()).add(document_id)
        return [
            Thread(row[0], row[1], row[2], row[3], tuple(held.get(row[0], ())), frozenset(gone.get(row[0], ())))
            for row in rows
        ]

    def thread(self, thread_id: int) -> Thread:
        """Return one conversation. Raises StoreError `not_found`."""
        for thread in self.threads():
            if thread.id == thread_id:
                return thread
        raise _no_thread()

    def rename_thread(self, thread_id: int, title: str) -> None:
        """Change a conversation's title."""
        with self.writing() as db:
            self._require_thread(thread_id)
            db.execute("UPDATE threads SET title = ? WHERE id = ?", [_title(title), thread_id])

    def remove_thread(self, thread_id: int) -> None:
        """Delete a conversation with its answers; its documents stay."""
        with self.writing() as db:
            self._require_thread(thread_id)
            db.execute("DELETE FROM threads WHERE id = ?", [thread_id])

    def add_turn(self, thread_id: int, answer: Answer) -> int:
        """Add an answer to a conversation and return the turn's id. Raises StoreError `not_found`."""
        now = time.time()
        with self.writing() as db:
            self._require_thread(thread_id)
            row = {"thread_id": thread_id, "answer": to_json(answer), "created_at": now}
            identity = int(db["turns"].insert(row).last_pk)
            self._cite(db, identity, answer)
            db.execute("UPDATE threads SET updated_at = ? WHERE id = ?", [now, thread_id])
        return identity

    def replace_turn(self, turn_id: int, answer: Answer) -> None:
        """Put another answer in the place of a stored one. Raises StoreError `not_found`."""
        with self.writing() as db:
            if not db.execute("UPDATE turns SET answer = ? WHERE id = ?", [to_json(answer), turn_id]).rowcount:
                raise StoreError("This answer is no longer in the library.", code="not_found")
            db.execute("DELETE FROM citations WHERE turn_id = ?", [turn_id])
            self._cite(db, turn_id, answer)

    def turns(self, thread_id: int) -> list[Turn]:
        """Return a conversation's answers in order; quotes of deleted sources are kept and marked."""
        with self.reading() as db:
            self._require_thread(thread_id)
            rows = db.execute(
                "SELECT id, answer, created_at FROM turns WHERE thread_id = ? ORDER BY id", [thread_id]
            ).fetchall()
            missing = db.execute(
                "SELECT c.turn_id, c.document_id FROM citations c JOIN turns u ON u.id = c.turn_id "
                "LEFT JOIN documents d ON d.id = c.document_id WHERE u.thread_id = ? AND d.id IS NULL",
                [thread_id],
            ).fetchall()
        gone: dict[int, set[str]] = {}
        for turn_id, document_id in missing:
            gone.setdefault(turn_id, set()).add(document_id)
        turns = []
        for turn_id, answer, created_at in rows:
            try:
                turns.append(
                    Turn(turn_id, thread_id, from_json(Answer, answer), created_at, frozenset(gone.get(turn_id, ())))
                )
            except ValueError as error:
                raise StoreError(
                    f"Answer {turn_id} of this conversation cannot be read.",
                    code="damaged",
                    next_step="Export the library, then delete the conversation.",
                ) from error
        return turns

    @staticmethod
    def _cite(db: Any, turn_id: int, answer: Answer) -> None:
        for number, citation in enumerate(answer.citations):
            db["citations"].insert({"turn_id": turn_id, "number": number, "document_id": citation.document_id})

    def _require_thread(self, thread_id: int) -> None:
        with self.reading() as db:
            if not db.execute("SELECT 1 FROM threads WHERE id = ?", [thread_id]).fetchone():
                raise _no_thread()


def _title(title: str) -> str:
    return " ".join(storable(title).split())[:MAX_TITLE] or "Conversation"


def _no_thread() -> StoreError:
    return StoreError("There is no such conversation in the library.", code="not_found")
