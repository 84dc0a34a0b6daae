"""The library as people handle it: list, find by name or id, remove with everything that hangs on it."""

from __future__ import annotations

from typing import Any

from longdoc.cache.disk import DiskCache
from longdoc.errors import UserError
from longdoc.files import display_name
from longdoc.store import Library
from longdoc.store.documents import LibraryItem

_MIN_ID = 6  # characters of an id that may stand for it


def overview(library: Library) -> list[dict[str, Any]]:
    """Return every document as JSON, in the order of adding."""
    return [
        {
            "id": item.document_id,
            "name": item.source.name,
            "title": item.title,
            "kind": item.kind,
            "media_type": item.source.media_type,
            "size_bytes": item.source.size_bytes,
            "n_characters": item.n_characters,
            "n_segments": item.n_segments,
            "added_at": item.added_at,
            "warnings": [{"code": w.code, "message": w.message, "where": w.where} for w in item.warnings],
        }
        for item in library.documents()
    ]


def find(library: Library, name: str) -> list[LibraryItem]:
    """Return the document of an id (or its beginning), a file name or a title.

    Raises UserError if there is none, or several of one name.
    """
    items = library.documents()
    by_id = [item for item in items if len(name) >= _MIN_ID and item.document_id.startswith(name.lower())]
    found = by_id or [item for item in items if name in (item.source.name, item.title)]
    if not found:
        raise UserError(
            f"There is no document {display_name(name)} in the library.",
            code="not_found",
            next_step="`longdoc library list` shows what is there.",
        )
    if len(found) > 1:
        ids = ", ".join(item.document_id[:12] for item in found)
        raise UserError(f"{len(found)} documents are called {display_name(name)}.", next_step=f"Name one by id: {ids}.")
    return found


def remove(library: Library, item: LibraryItem, cache: DiskCache) -> dict[str, Any]:
    """Delete a document, what was kept of reading it, and its file.

    Readings go first: if something fails in between, the document is still there to be removed again.
    """
    readings = cache.remove_document(item.document_id)
    for entry in library.cache_entries(item.document_id):
        library.delete_cache_entry(entry.key)
    cited = library.remove(item.document_id)
    return {"id": item.document_id, "name": item.source.name, "readings": readings, "cited_in": cited}
