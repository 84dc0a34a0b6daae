"""Collections: named sets of documents, in the order in which a person put them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from longdoc.errors import StoreError, UserError
from longdoc.store.codec import storable
from longdoc.store.documents import MAX_TITLE, Documents


@dataclass(frozen=True)
class Collection:
    """A named set of documents."""

    id: int
    name: str
    created_at: float
    document_ids: tuple[str, ...]
    plan: Mapping[str, str] = field(default_factory=dict)  # what a person chose in place of the planner


class Collections(Documents):
    """The part of the library that groups documents."""

    def add_collection(self, name: str, document_ids: Sequence[str] = ()) -> int:
        """Create a collection and return its id. Raises UserError for an empty or used name."""
        name = _name(name)
        with self.writing() as db:
            if db.execute("SELECT 1 FROM collections WHERE name = ?", [name]).fetchone():
                raise UserError(f"There is a collection named {name} already.", next_step="Choose another name.")
            identity = int(db["collections"].insert({"name": name, "created_at": time.time()}).last_pk)
            self.add_to_collection(identity, document_ids)
        return identity

    def collections(self) -> list[Collection]:
        """Return all collections, oldest first."""
        with self.reading() as db:
            rows = db.execute("SELECT id, name, created_at FROM collections ORDER BY id").fetchall()
            members = db.execute(
                "SELECT collection_id, document_id FROM collection_documents ORDER BY collection_id, position"
            ).fetchall()
            # An older library that is open for reading only lacks the table.
            rows_of_plans = db.query("SELECT * FROM collection_plans") if "collection_plans" in db.table_names() else ()
            plans = {row["collection_id"]: json.loads(row["plan"]) for row in rows_of_plans}
        held: dict[int, list[str]] = {}
        for collection_id, document_id in members:
            held.setdefault(collection_id, []).append(document_id)
        return [Collection(row[0], row[1], row[2], tuple(held.get(row[0], ())), plans.get(row[0], {})) for row in rows]

    def collection(self, collection_id: int) -> Collection:
        """Return one collection. Raises StoreError `not_found`."""
        for collection in self.collections():
            if collection.id == collection_id:
                return collection
        raise _no_collection()

    def add_to_collection(self, collection_id: int, document_ids: Sequence[str]) -> None:
        """Put documents at the end of a collection; those in it already keep their place."""
        with self.writing() as db:
            self._require_collection(collection_id)
            self.require_documents(list(document_ids))
            row = db.execute(
                "SELECT coalesce(max(position), -1) FROM collection_documents WHERE collection_id = ?", [collection_id]
            ).fetchone()
            for place, document_id in enumerate(document_ids, row[0] + 1):
                db["collection_documents"].insert(
                    {"collection_id": collection_id, "document_id": document_id, "position": place}, ignore=True
                )

    def remove_from_collection(self, collection_id: int, document_ids: Sequence[str]) -> None:
        """Take documents out of a collection; they stay in the library."""
        with self.writing() as db:
            self._require_collection(collection_id)
            for document_id in document_ids:
                db.execute(
                    "DELETE FROM collection_documents WHERE collection_id = ? AND document_id = ?",
                    [collection_id, document_id],
                )

    def set_collection_plan(self, collection_id: int, plan: Mapping[str, str]) -> None:
        """Keep how a collection is to be read; an empty plan leaves it to the planner."""
        with self.writing() as db:
            self._require_collection(collection_id)
            db.execute("DELETE FROM collection_plans WHERE collection_id = ?", [collection_id])
            if plan:
                db["collection_plans"].insert({"collection_id": collection_id, "plan": json.dumps(dict(plan))})

    def rename_collection(self, collection_id: int, name: str) -> None:
        """Change a collection's name. Raises UserError for an empty or used name."""
        name = _name(name)
        with self.writing() as db:
            self._require_collection(collection_id)
            if db.execute("SELECT 1 FROM collections WHERE name = ? AND id <> ?", [name, collection_id]).fetchone():
                raise UserError(f"There is a collection named {name} already.", next_step="Choose another name.")
            db.execute("UPDATE collections SET name = ? WHERE id = ?", [name, collection_id])

    def remove_collection(self, collection_id: int) -> None:
        """Delete a collection; its documents stay in the library."""
        with self.writing() as db:
            self._require_collection(collection_id)
            db.execute("DELETE FROM collections WHERE id = ?", [collection_id])

    def _require_collection(self, collection_id: int) -> None:
        with self.reading() as db:
            if not db.execute("SELECT 1 FROM collections WHERE id = ?", [collection_id]).fetchone():
                raise _no_collection()


def _name(name: str) -> str:
    name = " ".join(storable(name).split())[:MAX_TITLE]
    if not name:
        raise UserError("A collection needs a name.")
    return name


def _no_collection() -> StoreError:
    return StoreError("There is no such collection in the library.", code="not_found")
