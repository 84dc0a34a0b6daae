"""Everything in the library as one .zip that other programs can read.

`library.json` lists documents, collections and conversations; `texts/` holds
what was read, `sources/` the files as they came.
"""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longdoc.errors import UserError
from longdoc.files import atomic_writer

if TYPE_CHECKING:
    from longdoc.store.readings import Readings

_UNSAFE = re.compile(r"[^\w.\- ]+")


def export_library(library: Readings, path: Path) -> None:
    """Write the export to `path`, whole or not at all. Raises UserError if it exists."""
    if path.exists():
        raise UserError(f"{path.name} exists already.", next_step="Choose another name.")
    items = library.documents()
    listed: list[dict[str, Any]] = []
    with atomic_writer(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        written: set[str] = set()
        for number, item in enumerate(items, 1):
            document = library.document(item.document_id)
            text_name = f"texts/{number:04d} {_safe(item.title)}.txt"
            archive.writestr(text_name, document.text.encode("utf-8", "replace"))
            entry: dict[str, Any] = asdict(item) | {"text": text_name, "file": None}
            entry["segments"] = [asdict(segment) for segment in document.segments]
            kept = Path(item.source.path)
            if kept.parent.parent == library.blobs.folder and kept.exists():
                entry["file"] = f"sources/{item.source.id[:12]} {_safe(item.source.name)}"
                if entry["file"] not in written:
                    archive.write(kept, entry["file"])
                    written.add(entry["file"])
            del entry["source"]["path"]
            listed.append(entry)
        threads = [
            asdict(thread) | {"deleted": sorted(thread.deleted), "turns": [_turn(t) for t in library.turns(thread.id)]}
            for thread in library.threads()
        ]
        content = {
            "format": 1,
            "documents": listed,
            "collections": [asdict(collection) for collection in library.collections()],
            "conversations": threads,
        }
        archive.writestr("library.json", json.dumps(content, indent=1))


def _turn(turn: Any) -> dict[str, Any]:
    return asdict(turn) | {"deleted": sorted(turn.deleted)}


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name).strip(" .")[:80] or "unnamed"
