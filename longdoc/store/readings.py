"""The index of saved readings: which are there, how large, when last used, of which documents.

The files belong to `longdoc/cache/disk.py`; an entry without its files is a
miss there, so the order of writes is files first, entry last.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from longdoc.store.jobs import Jobs


@dataclass(frozen=True)
class CacheEntry:
    """A saved reading."""

    key: str
    fingerprint: str
    n_tokens: int
    n_bytes: int
    path: str
    created_at: float = 0.0
    last_used_at: float = 0.0
    document_ids: tuple[str, ...] = field(default=())


class Readings(Jobs):
    """The part of the library that knows saved readings."""

    def put_cache_entry(self, entry: CacheEntry) -> None:
        """Add or replace an entry; times of 0 mean now."""
        now = time.time()
        with self.writing() as db:
            db.execute("DELETE FROM readings WHERE key = ?", [entry.key])
            db["readings"].insert(
                {
                    "key": entry.key,
                    "fingerprint": entry.fingerprint,
                    "n_tokens": entry.n_tokens,
                    "n_bytes": entry.n_bytes,
                    "path": entry.path,
                    "created_at": entry.created_at or now,
                    "last_used_at": entry.last_used_at or now,
                }
            )
            for document_id in dict.fromkeys(entry.document_ids):
                db["reading_documents"].insert({"key": entry.key, "document_id": document_id})

    def cache_entries(self, document_id: str | None = None) -> list[CacheEntry]:
        """Return entries, the longest unused first; with `document_id` those that hold text of it."""
        with self.reading() as db:
            rows = db.execute(
                "SELECT key, fingerprint, n_tokens, n_bytes, path, created_at, last_used_at FROM readings "
                "ORDER BY last_used_at, key"
            ).fetchall()
            links: Sequence[tuple[str, str]] = db.execute(
                "SELECT key, document_id FROM reading_documents ORDER BY rowid"
            ).fetchall()
        held: dict[str, list[str]] = {}
        for key, held_id in links:
            held.setdefault(key, []).append(held_id)
        entries = [
            CacheEntry(row[0], row[1], row[2], row[3], row[4], row[5], row[6], tuple(held.get(row[0], ())))
            for row in rows
        ]
        return [e for e in entries if document_id is None or document_id in e.document_ids]

    def delete_cache_entry(self, key: str) -> None:
        """Forget an entry; no error if it is not there."""
        with self.writing() as db:
            db.execute("DELETE FROM readings WHERE key = ?", [key])

    def touch_cache_entry(self, key: str) -> None:
        """Note that an entry was used now."""
        with self.writing() as db:
            db.execute("UPDATE readings SET last_used_at = ? WHERE key = ?", [time.time(), key])
