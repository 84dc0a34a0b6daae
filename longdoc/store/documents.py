"""Sources and documents: add once, list, read back, rename, remove.

The bytes of a source are in `blobs.py`; passages belong to retrieval and go
with their document. Conversations are told nothing: they find out by looking.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longdoc.errors import StoreError, UserError
from longdoc.files import display_name
from longdoc.store.blobs import Blobs
from longdoc.store.codec import build, pack_text, storable, to_json, unpack_text
from longdoc.store.connection import Connection
from longdoc.types import Document, Segment, Source, Warned

MAX_TITLE = 200


@dataclass(frozen=True)
class LibraryItem:
    """What a list shows of a document, without its text."""

    source: Source
    document_id: str
    title: str
    kind: str  # kind of its segments: "page", "file", ...; "text" without segments
    n_characters: int
    n_segments: int
    marker: str
    added_at: float  # seconds since 1970
    warnings: tuple[Warned, ...]
    loader: str


class Documents(Connection):
    """The part of the library that holds what was read."""

    blobs: Blobs

    def add_document(self, source: Source, document: Document, copy_from: Path | None = None) -> bool:
        """Store a document and, with `copy_from`, the bytes of its source; False if it was here already.

        Raises StoreError (`disk`, `busy`), SourceError if the file no longer has the bytes of `source.id`.
        """
        if document.source_id != source.id:
            raise StoreError(f"{source.name}: the document belongs to another source.", code="bad_reference")
        now = time.time()
        kind = document.segments[0].kind if document.segments else "text"
        with self.exclusive():  # copying inside the lock: a sweep elsewhere never meets bytes without their row
            copied = copy_from is not None and self.blobs.keep(source.id, copy_from)
            try:
                with self.writing() as db:
                    row = {
                        "id": source.id,
                        "name": storable(source.name),
                        "media_type": source.media_type,
                        "size_bytes": source.size_bytes,
                        "path": storable(source.path),
                        "kept": int(copy_from is not None),
                    }
                    db["sources"].insert(row, ignore=True)
                    if copy_from is not None:
                        db.execute("UPDATE sources SET kept = 1 WHERE id = ?", [source.id])
                    new = not _one(db, "SELECT 1 FROM documents WHERE id = ?", document.id)
                    if new:
                        db["documents"].insert(
                            {
                                "id": document.id,
                                "source_id": source.id,
                                "title": storable(document.title)[:MAX_TITLE] or display_name(source.name),
                                "kind": kind,
                                "loader": document.loader,
                                "n_characters": len(document.text),
                                "n_segments": len(document.segments),
                                "warnings": to_json(document.warnings),
                                "marker": secrets.token_hex(4),
                                "added_at": now,
                            }
                        )
                        db["bodies"].insert(
                            {
                                "document_id": document.id,
                                "text": pack_text(document.text),
                                "segments": pack_text(to_json(document.segments)),
                                "details": pack_text(to_json(document.details)),
                            }
                        )
                    db["origins"].insert({"document_id": document.id, "source_id": source.id}, ignore=True)
            except BaseException:
                if copied:
                    self.blobs.drop(source.id)
                raise
        return new

    def documents(self) -> list[LibraryItem]:
        """Return all documents in the order in which they were added."""
        with self.reading() as db:
            rows = db.execute(_ITEMS + " ORDER BY d.added_at, d.rowid").fetchall()
        return [self._item(row) for row in rows]

    def item(self, document_id: str) -> LibraryItem:
        """Return one document's entry. Raises StoreError `not_found`."""
        with self.reading() as db:
            row = db.execute(_ITEMS + " WHERE d.id = ?", [document_id]).fetchone()
        if row is None:
            raise _no_document(document_id)
        return self._item(row)

    def document(self, document_id: str) -> Document:
        """Return a document with its text. Raises StoreError `not_found`, `damaged`."""
        with self.reading() as db:
            row = db.execute(
                "SELECT d.source_id, d.title, b.text, b.segments, d.warnings, d.loader, b.details "
                "FROM documents d JOIN bodies b ON b.document_id = d.id WHERE d.id = ?",
                [document_id],
            ).fetchone()
        if row is None:
            raise _no_document(document_id)
        try:
            return Document(
                id=document_id,
                source_id=row[0],
                title=row[1],
                text=unpack_text(row[2]),
                segments=build(tuple[Segment, ...], json.loads(unpack_text(row[3]))),
                warnings=build(tuple[Warned, ...], json.loads(row[4])),
                loader=row[5],
                details=json.loads(unpack_text(row[6])),
            )
        except (ValueError, TypeError) as error:
            raise StoreError(
                f"The stored text of {row[1]} is damaged.",
                code="damaged",
                next_step="Remove it and add the file again.",
            ) from error

    def source(self, source_id: str) -> Source:
        """Return a source; its path points into the library where the bytes are kept."""
        with self.reading() as db:
            row = db.execute(
                "SELECT id, name, media_type, size_bytes, path, kept FROM sources WHERE id = ?", [source_id]
            ).fetchone()
        if row is None:
            raise StoreError("This source is no longer in the library.", code="not_found")
        return self._source(*row)

    def find_source(self, source_id: str) -> Document | None:
        """Return the newest document read from a source, or None."""
        with self.reading() as db:
            row = db.execute(
                "SELECT o.document_id FROM origins o JOIN documents d ON d.id = o.document_id "
                "WHERE o.source_id = ? ORDER BY d.added_at DESC, d.rowid DESC LIMIT 1",
                [source_id],
            ).fetchone()
        return None if row is None else self.document(row[0])

    def marker(self, document_id: str) -> str:
        """Return the random value around a document in chat prompts: unknown to its author, stable for the cache."""
        with self.reading() as db:
            row = db.execute("SELECT marker FROM documents WHERE id = ?", [document_id]).fetchone()
        if row is None:
            raise _no_document(document_id)
        return str(row[0])

    def rename(self, document_id: str, title: str) -> None:
        """Change a document's title. Raises UserError for an empty one."""
        title = " ".join(storable(title).split())[:MAX_TITLE]
        if not title:
            raise UserError("A title needs at least one character.")
        with self.writing() as db:
            if not db.execute("UPDATE documents SET title = ? WHERE id = ?", [title, document_id]).rowcount:
                raise _no_document(document_id)

    def citing(self, document_id: str) -> list[str]:
        """Return the titles of conversations with answers that cite a document."""
        with self.reading() as db:
            rows = db.execute(
                "SELECT DISTINCT t.id, t.title FROM citations c JOIN turns u ON u.id = c.turn_id "
                "JOIN threads t ON t.id = u.thread_id WHERE c.document_id = ? ORDER BY t.id",
                [document_id],
            ).fetchall()
        return [row[1] for row in rows]

    def remove(self, document_id: str) -> list[str]:
        """Delete a document, its passages, and the bytes that no other document needs.

        Returns the titles of conversations citing it; their quotes stay. Raises StoreError `not_found`.
        """
        with self.exclusive():
            titles = self.citing(document_id)
            with self.writing() as db:
                if not _one(db, "SELECT 1 FROM documents WHERE id = ?", document_id):
                    raise _no_document(document_id)
                origins = [
                    row[0] for row in db.execute("SELECT source_id FROM origins WHERE document_id = ?", [document_id])
                ]
                # Explicit, so that the triggers of the full-text index run for every passage.
                db.execute("DELETE FROM passages WHERE document_id = ?", [document_id])
                db.execute("DELETE FROM documents WHERE id = ?", [document_id])
                unused = [s for s in origins if not _one(db, "SELECT 1 FROM origins WHERE source_id = ?", s)]
                kept = [s for s in unused if self.source(s).path == str(self.blobs.folder / s[:2] / s)]
                for source_id in unused:
                    db.execute("DELETE FROM sources WHERE id = ?", [source_id])
            for source_id in kept:  # after the rows are gone: a kill between leaves bytes for the sweep, no dead row
                self.blobs.drop(source_id)
        return titles

    def token_count(self, document_id: str, tokenizer_fingerprint: str) -> int | None:
        """Return a document's length in a tokenizer's tokens if it was counted."""
        with self.reading() as db:
            row = db.execute(
                "SELECT n_tokens FROM token_counts WHERE document_id = ? AND tokenizer = ?",
                [document_id, tokenizer_fingerprint],
            ).fetchone()
        return None if row is None else int(row[0])

    def set_token_count(self, document_id: str, tokenizer_fingerprint: str, n_tokens: int) -> None:
        """Remember a document's length in tokens."""
        with self.writing() as db:
            self.require_documents([document_id])
            db["token_counts"].upsert(
                {"document_id": document_id, "tokenizer": tokenizer_fingerprint, "n_tokens": n_tokens},
                pk=("document_id", "tokenizer"),
            )

    def require_documents(self, document_ids: list[str]) -> None:
        """Raise StoreError `not_found` unless all documents are here."""
        with self.reading() as db:
            for document_id in document_ids:
                if not isinstance(document_id, str) or not _one(
                    db, "SELECT 1 FROM documents WHERE id = ?", document_id
                ):
                    raise _no_document(document_id)

    def sweep(self) -> int:
        """Delete bytes that no source needs, left by a kill; return how many files went."""
        with self.exclusive():
            with self.reading() as db:
                needed = frozenset(row[0] for row in db.execute("SELECT id FROM sources WHERE kept").fetchall())
            files = list(self.blobs.leftovers(needed))
            for file in files:
                file.unlink(missing_ok=True)
        return len(files)

    def _item(self, row: tuple[Any, ...]) -> LibraryItem:
        return LibraryItem(
            source=self._source(*row[:6]),
            document_id=row[6],
            title=row[7],
            kind=row[8],
            n_characters=row[9],
            n_segments=row[10],
            marker=row[11],
            added_at=row[12],
            warnings=build(tuple[Warned, ...], json.loads(row[13])),
            loader=row[14],
        )

    def _source(self, identity: str, name: str, media_type: str, size_bytes: int, path: str, kept: int) -> Source:
        return Source(identity, name, media_type, size_bytes, str(self.blobs.path(identity)) if kept else path)


_ITEMS = (
    "SELECT s.id, s.name, s.media_type, s.size_bytes, s.path, s.kept, d.id, d.title, d.kind, d.n_characters, "
    "d.n_segments, d.marker, d.added_at, d.warnings, d.loader FROM documents d JOIN sources s ON s.id = d.source_id"
)


def _one(db: Any, sql: str, value: Any) -> bool:
    return db.execute(sql, [value]).fetchone() is not None


def _no_document(document_id: object) -> StoreError:
    shown = str(document_id)[:12]
    return StoreError(
        f"There is no document {shown} in the library.",
        code="not_found",
        next_step="`longdoc library list` shows what is there.",
    )
