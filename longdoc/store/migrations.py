"""The library's tables, as ordered steps that are each applied once.

A step and the record of it are stored in one transaction, so a kill leaves it
done or not begun. Steps are never changed after a release: a new need is a new
step at the end.
"""

from __future__ import annotations

from typing import Any

from longdoc.errors import StoreError
from longdoc.store.connection import Connection

SET_NAME = "longdoc"
TOKENIZER = "porter unicode61 remove_diacritics 2"


def first_tables(db: Any) -> None:
    """Sources, documents, collections, conversations, jobs, readings."""
    db.executescript(
        """
        CREATE TABLE sources (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, media_type TEXT NOT NULL, size_bytes INTEGER NOT NULL,
            path TEXT NOT NULL, kept INTEGER NOT NULL
        );
        CREATE TABLE documents (
            id TEXT PRIMARY KEY, source_id TEXT NOT NULL REFERENCES sources(id), title TEXT NOT NULL,
            kind TEXT NOT NULL, loader TEXT NOT NULL, n_characters INTEGER NOT NULL, n_segments INTEGER NOT NULL,
            warnings TEXT NOT NULL, marker TEXT NOT NULL, added_at REAL NOT NULL
        );
        CREATE INDEX documents_by_source ON documents(source_id);
        CREATE TABLE bodies (
            document_id TEXT PRIMARY KEY REFERENCES documents(id) ON DELETE CASCADE,
            text BLOB NOT NULL, segments BLOB NOT NULL, details BLOB NOT NULL
        );
        CREATE TABLE origins (
            document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
            source_id TEXT NOT NULL REFERENCES sources(id),
            PRIMARY KEY (document_id, source_id)
        );
        CREATE INDEX origins_by_source ON origins(source_id);
        CREATE TABLE token_counts (
            document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
            tokenizer TEXT NOT NULL, n_tokens INTEGER NOT NULL,
            PRIMARY KEY (document_id, tokenizer)
        );
        CREATE TABLE collections (
            id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created_at REAL NOT NULL
        );
        CREATE TABLE collection_documents (
            collection_id INTEGER NOT NULL REFERENCES collections(id) ON DELETE CASCADE,
            document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            PRIMARY KEY (collection_id, document_id)
        );
        CREATE TABLE threads (
            id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL,
            created_at REAL NOT NULL, updated_at REAL NOT NULL
        );
        -- No reference to documents here and in citations: a conversation outlives its sources.
        CREATE TABLE thread_documents (
            thread_id INTEGER NOT NULL REFERENCES threads(id) ON DELETE CASCADE,
            document_id TEXT NOT NULL, title TEXT NOT NULL, position INTEGER NOT NULL,
            PRIMARY KEY (thread_id, document_id)
        );
        CREATE TABLE turns (
            id INTEGER PRIMARY KEY AUTOINCREMENT, thread_id INTEGER NOT NULL REFERENCES threads(id) ON DELETE CASCADE,
            answer TEXT NOT NULL, created_at REAL NOT NULL
        );
        CREATE INDEX turns_by_thread ON turns(thread_id);
        CREATE TABLE citations (
            turn_id INTEGER NOT NULL REFERENCES turns(id) ON DELETE CASCADE,
            number INTEGER NOT NULL, document_id TEXT NOT NULL,
            PRIMARY KEY (turn_id, number)
        );
        CREATE INDEX citations_by_document ON citations(document_id);
        CREATE TABLE jobs (
            id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, state TEXT NOT NULL, request TEXT NOT NULL,
            progress TEXT NOT NULL, result TEXT NOT NULL, message TEXT NOT NULL, cancel INTEGER NOT NULL DEFAULT 0,
            owner TEXT NOT NULL, created_at REAL NOT NULL, updated_at REAL NOT NULL
        );
        CREATE INDEX jobs_by_state ON jobs(state);
        CREATE TABLE readings (
            key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, n_tokens INTEGER NOT NULL, n_bytes INTEGER NOT NULL,
            path TEXT NOT NULL, created_at REAL NOT NULL, last_used_at REAL NOT NULL
        );
        CREATE TABLE reading_documents (
            key TEXT NOT NULL REFERENCES readings(key) ON DELETE CASCADE, document_id TEXT NOT NULL,
            PRIMARY KEY (key, document_id)
        );
        """
    )


def passages(db: Any) -> None:
    """Passages for Chunked with their full-text index, and vectors where an embedder is present."""
    db.executescript(
        """
        CREATE TABLE passages (
            id INTEGER PRIMARY KEY, document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
            start INTEGER NOT NULL, end INTEGER NOT NULL, text TEXT NOT NULL, context TEXT NOT NULL,
            units BLOB NOT NULL
        );
        CREATE INDEX passages_by_document ON passages(document_id, start);
        CREATE TABLE indexed_documents (
            document_id TEXT PRIMARY KEY REFERENCES documents(id) ON DELETE CASCADE, form TEXT NOT NULL
        );
        CREATE TABLE vectors (
            passage_id INTEGER NOT NULL REFERENCES passages(id) ON DELETE CASCADE,
            embedder TEXT NOT NULL, vector BLOB NOT NULL,
            PRIMARY KEY (passage_id, embedder)
        );
        """
    )
    db["passages"].enable_fts(["text", "context"], tokenize=TOKENIZER, create_triggers=True)
    db.execute("CREATE VIRTUAL TABLE passages_terms USING fts5vocab(passages_fts, 'row')")


def transcripts(db: Any) -> None:
    """What was heard in recordings, utterance by utterance, and how far."""
    db.executescript(
        """
        CREATE TABLE transcripts (
            id INTEGER PRIMARY KEY AUTOINCREMENT, source_id TEXT NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
            engine TEXT NOT NULL, engine_note TEXT NOT NULL, language TEXT NOT NULL, duration_s REAL NOT NULL,
            until_s REAL NOT NULL, complete INTEGER NOT NULL, options TEXT NOT NULL, document_id TEXT NOT NULL,
            warnings TEXT NOT NULL, created_at REAL NOT NULL, updated_at REAL NOT NULL
        );
        CREATE INDEX transcripts_by_source ON transcripts(source_id);
        CREATE TABLE utterances (
            transcript_id INTEGER NOT NULL REFERENCES transcripts(id) ON DELETE CASCADE, number INTEGER NOT NULL,
            start_s REAL NOT NULL, end_s REAL NOT NULL, text TEXT NOT NULL, speaker TEXT NOT NULL,
            confidence REAL, words TEXT NOT NULL, edited INTEGER NOT NULL, named INTEGER NOT NULL,
            PRIMARY KEY (transcript_id, number)
        );
        """
    )


def collection_plans(db: Any) -> None:
    """How a collection is to be read: what a person chose in place of the planner."""
    db.executescript(
        """
        CREATE TABLE collection_plans (
            collection_id INTEGER PRIMARY KEY REFERENCES collections(id) ON DELETE CASCADE, plan TEXT NOT NULL
        );
        """
    )


STEPS = (first_tables, passages, transcripts, collection_plans)


def unknown_steps(connection: Connection) -> list[str]:
    """Return the names of applied steps that this version does not know: a newer version made them."""
    with connection.reading() as db:
        return [step.name for step in _migrations().applied(db) if step.name not in {f.__name__ for f in STEPS}]


def migrate(connection: Connection) -> None:
    """Bring the tables up to date. Raises StoreError if a newer version wrote this database."""
    if unknown_steps(connection):
        raise newer_error()
    with connection.reading() as db:
        if not _migrations().pending(db):
            return
    with connection.writing() as db:
        _migrations().apply(db)


def newer_error() -> StoreError:
    """Return the error of writing to a database of a newer LongDoc."""
    return StoreError(
        "This library was made by a newer version of LongDoc and is open for reading only.",
        code="newer",
        next_step="Update LongDoc, or choose another folder with LONGDOC_HOME.",
    )


def _migrations() -> Any:
    from sqlite_utils.migrations import Migrations

    steps = Migrations(SET_NAME)
    for step in STEPS:
        steps()(step)
    return steps
