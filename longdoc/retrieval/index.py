"""The index of passages: full text in SQLite (FTS5, BM25), vectors where an embedder is present.

A search asks the full-text index for candidate passages within the chosen
documents and hands them with their neighbours to `windows.py`, which says
where to cite and in which order. With an embedder, passages near in meaning
are candidates too, and both orders are fused by reciprocal rank.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from longdoc.retrieval.chunk import MAX_CHARACTERS, units_of
from longdoc.retrieval.embed import Embedder
from longdoc.retrieval.structure import BLOCK, Structure
from longdoc.retrieval.terms import MAX_TERMS, Query, parse
from longdoc.retrieval.windows import Floats, Stretch, rank
from longdoc.store.codec import storable
from longdoc.store.connection import Connection
from longdoc.store.migrations import migrate
from longdoc.types import Document, Passage

FORM = "1"  # rises whenever passages or what is stored of them change; older ones are made again
CANDIDATES = 48  # passages that are looked at closely
_LEAST_GUESSED, _MOST_COMPARED, _ALIKE = 5, 3000, 0.8  # letters, terms, share of equal letters (difflib)
_MAX_CONTEXT = 500  # characters; the columns of a wide table would outweigh its rows
_UNIT_FIELDS = 3  # start and end within the passage, level


class Index:
    """Passages of documents. Without a library it lives in memory."""

    def __init__(self, library: Connection | None = None, *, embedder: Embedder | None = None) -> None:
        self._embedder = embedder
        self._own = library is None
        if library is None:
            library = Connection(None)
            migrate(library)
            with library.reading() as db:
                db.execute("PRAGMA foreign_keys = OFF")  # no documents table to refer to
        self._store = library

    def close(self) -> None:
        """Close what this index opened itself."""
        if self._own:
            self._store.close()

    def has(self, document_id: str) -> bool:
        """Return whether a document's passages are here, in today's form and with this embedder's vectors."""
        with self._store.reading() as db:
            row = db.execute("SELECT form FROM indexed_documents WHERE document_id = ?", [document_id]).fetchone()
        return row is not None and row[0] == self._form()

    def add(self, document: Document, passages: Sequence[Passage]) -> None:
        """Store a document's passages in place of earlier ones, all or none. Raises StoreError."""
        units = units_of(document)
        rows = list(_rows(document, passages, units))
        vectors = self._embedder.embed([f"{row[4]}\n{row[3]}" for row in rows]) if self._embedder and rows else None
        with self._store.writing() as db:
            db.execute("DELETE FROM passages WHERE document_id = ?", [document.id])
            top = db.execute("SELECT coalesce(max(id), 0) FROM passages").fetchone()[0]
            db.conn.executemany(
                "INSERT INTO passages(id, document_id, start, end, text, context, units) VALUES (?, ?, ?, ?, ?, ?, ?)",
                ((top + number, *row) for number, row in enumerate(rows, 1)),
            )
            if vectors is not None and self._embedder is not None:
                db.conn.executemany(
                    "INSERT INTO vectors(passage_id, embedder, vector) VALUES (?, ?, ?)",
                    (
                        (top + number, self._embedder.fingerprint, vector.astype(np.float32).tobytes())
                        for number, vector in enumerate(vectors, 1)
                    ),
                )
            db.execute("INSERT OR REPLACE INTO indexed_documents VALUES (?, ?)", [document.id, self._form()])

    def remove(self, document_id: str) -> None:
        """Forget a document's passages; no error if there are none."""
        with self._store.writing() as db:
            db.execute("DELETE FROM passages WHERE document_id = ?", [document_id])
            db.execute("DELETE FROM indexed_documents WHERE document_id = ?", [document_id])

    def search(
        self, question: str, document_ids: Sequence[str], top_k: int = 5, *, max_characters: int = MAX_CHARACTERS
    ) -> list[Passage]:
        """Return at most `top_k` passages of the documents, best first, each at most `max_characters` long.

        Any text is a question. Nothing is returned when no passage has a word of it (or, with an
        embedder, when there is no passage). They may overlap by a sentence or two.
        """
        scope = json.dumps(list(dict.fromkeys(document_ids)))
        with self._store.reading() as db:
            total = db.execute(f"SELECT count(*) FROM passages WHERE {_IN_SCOPE}", [scope]).fetchone()[0]
            if not total or top_k < 1:
                return []
            query = _known_terms(db, parse(question))
            candidates = _candidates(db, query, scope)
            near = self._near(db, question, scope)
            wanted = set(candidates) | set(sorted(near, key=lambda p: -near[p])[:CANDIDATES])
            stretches = _stretches(db, wanted)
            rarity = _rarity(db, query, scope, total)
        windows = rank(stretches, query, rarity, max_characters, top_k, near or None)
        return [Passage(w.document_id, w.start, w.end, w.text, score=w.score) for w in windows]

    def _form(self) -> str:
        return FORM if self._embedder is None else f"{FORM}+{self._embedder.fingerprint}"

    def _near(self, db: Any, question: str, scope: str) -> dict[int, float]:
        """Return cosine by passage id for all passages in scope; empty without an embedder."""
        if self._embedder is None:
            return {}
        rows = db.execute(
            "SELECT v.passage_id, v.vector FROM vectors v JOIN passages p ON p.id = v.passage_id "
            "WHERE v.embedder = ? AND p.document_id IN (SELECT value FROM json_each(?))",
            [self._embedder.fingerprint, scope],
        ).fetchall()
        if not rows:
            return {}
        matrix = np.frombuffer(b"".join(row[1] for row in rows), dtype=np.float32).reshape(len(rows), -1)
        cosines = matrix @ self._embedder.embed([question])[0].astype(np.float32)
        return {row[0]: float(cosine) for row, cosine in zip(rows, cosines, strict=True)}


def in_document_order(passages: Sequence[Passage], document_ids: Sequence[str]) -> list[Passage]:
    """Return passages in the order in which a reader meets them: documents as listed, then by place."""
    place = {document_id: number for number, document_id in enumerate(document_ids)}
    return sorted(passages, key=lambda p: (place.get(p.document_id, len(place)), p.start, p.end))


_IN_SCOPE = "document_id IN (SELECT value FROM json_each(?))"
_MATCHING = (
    "FROM passages_fts CROSS JOIN passages p ON p.id = passages_fts.rowid "
    "WHERE passages_fts MATCH ? AND p.document_id IN (SELECT value FROM json_each(?))"
)


def _rows(document: Document, passages: Sequence[Passage], units: Structure) -> Iterator[tuple[Any, ...]]:
    """Yield (document id, start, end, text up to the next passage, context, units) for each passage."""
    unit = heading = 0
    above = ""
    for number, passage in enumerate(passages):
        following = passages[number + 1].start if number + 1 < len(passages) else passage.end
        while heading < len(units.headings) and units.headings[heading][0] <= passage.start:
            above = units.headings[heading][1]
            heading += 1
        held: list[int] = []
        while unit < len(units.starts) and units.starts[unit] < passage.end:
            if units.starts[unit] >= passage.start:
                held += [units.starts[unit] - passage.start, units.ends[unit] - passage.start, units.levels[unit]]
            unit += 1
        packed = np.array(held or [0, passage.end - passage.start, BLOCK], dtype=np.int32).tobytes()
        context = storable(f"{document.title}\n{above}".strip()[:_MAX_CONTEXT])
        text = storable(document.text[passage.start : following])
        yield document.id, passage.start, passage.end, text, context, packed


def _known_terms(db: Any, query: Query) -> Query:
    """Return the query without words that no passage has; of very many words the rarest are kept.

    A word that no passage has may be misspelled: a word of the passages that is nearly the same stands for it.
    """
    if len(query.terms) <= MAX_TERMS:
        unknown = [n for n, term in enumerate(query.terms) if _holding(db, term) is None]
        near = {number: _nearly(db, query.terms[number]) for number in unknown}
        query = query.respelled({number: term for number, term in near.items() if term})
    counts = {n: held for n, term in enumerate(query.terms) if (held := _holding(db, term)) is not None}
    return query.keep(sorted(counts, key=lambda n: (counts[n] / query.weights[n], n))[:MAX_TERMS])


def _holding(db: Any, term: str) -> int | None:
    """Return how many passages of the whole library have a term."""
    row = db.execute("SELECT doc FROM passages_terms WHERE term = ?", [term]).fetchone()
    return None if row is None else int(row[0])


def _nearly(db: Any, term: str) -> str | None:
    """Return the term of the index most like one that is not there, with the same first two letters, or None."""
    if len(term) < _LEAST_GUESSED or not term.isalpha():
        return None
    rows = db.execute(
        "SELECT term FROM passages_terms WHERE term >= ? AND term < ? ORDER BY doc DESC LIMIT ?",
        [term[:2], term[:2] + chr(0x10FFFF), _MOST_COMPARED],
    ).fetchall()
    alike = [row[0] for row in rows if abs(len(row[0]) - len(term)) <= 1]
    return next(iter(difflib.get_close_matches(term, alike, n=1, cutoff=_ALIKE)), None)


def _candidates(db: Any, query: Query, scope: str) -> list[int]:
    """Return ids of the passages that BM25 puts first."""
    meant = [n for n, yes in enumerate(query.meant) if yes] or list(range(len(query.terms)))
    if not meant:
        return []
    match = " OR ".join(_quoted(query.words[n]) for n in meant)
    rows = db.execute(f"SELECT p.id {_MATCHING} ORDER BY bm25(passages_fts) LIMIT ?", [match, scope, CANDIDATES])
    return [row[0] for row in rows.fetchall()]


def _rarity(db: Any, query: Query, scope: str, total: int) -> Floats:
    """Return the weight of each term, shape (n_terms,): its count in the question by its rarity in the scope."""
    everywhere = db.execute("SELECT count(*) FROM passages").fetchone()[0]
    weights = np.zeros(len(query.terms))
    for number, term in enumerate(query.terms):
        if query.meant[number]:
            holding = db.execute(f"SELECT count(*) {_MATCHING}", [_quoted(query.words[number]), scope]).fetchone()[0]
        else:  # function words are as common everywhere, and counting them is slow
            holding = (_holding(db, term) or 0) * total / everywhere
        weights[number] = query.weights[number] * np.log(1 + (total - holding + 0.5) / (holding + 0.5))
    return weights


def _stretches(db: Any, wanted: set[int]) -> list[Stretch]:
    """Return the wanted passages with all that lies within a window's length of them, in document order."""
    spans: list[list[Any]] = []  # document, from, to
    for document_id, start, end in db.execute(
        "SELECT document_id, start, end FROM passages WHERE id IN (SELECT value FROM json_each(?)) "
        "ORDER BY document_id, start",
        [json.dumps(sorted(wanted))],
    ).fetchall():
        low, high = start - 2 * MAX_CHARACTERS, end + MAX_CHARACTERS  # a neighbour begins up to its length before
        if spans and spans[-1][0] == document_id and low <= spans[-1][2]:
            spans[-1][2] = high
        else:
            spans.append([document_id, low, high])
    found: list[Stretch] = []
    for span in spans:
        rows = db.execute(
            "SELECT id, start, text, context, units FROM passages WHERE document_id = ? AND start > ? AND start < ? "
            "ORDER BY start",
            span,
        ).fetchall()
        for place, (identity, start, text, context, packed) in enumerate(rows):
            units = np.frombuffer(packed, dtype=np.int32).reshape(-1, _UNIT_FIELDS).astype(np.int64)
            found.append(Stretch(identity, span[0], start, text, context, units, identity in wanted, joined=place > 0))
    return found


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'
