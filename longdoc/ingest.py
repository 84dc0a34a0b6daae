"""Add files and folders: read once, keep, and hand out what packing needs.

A file that is already in the library is not read again. A library that cannot
take a document (disk full, opened read-only) does not keep it from being
asked: it is used from memory and the reason is passed on.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from longdoc.errors import LongDocError, SourceError, StoreError
from longdoc.files import display_name, sha256_file, sha256_text
from longdoc.packing import Included
from longdoc.settings import Settings
from longdoc.sources import FORMATS, load
from longdoc.sources.sniff import require_readable, sniff
from longdoc.store.db import Library
from longdoc.types import Document, Source

Report = Callable[[int, int, str], None]  # done, total, "page 41 of 212"


@dataclass(frozen=True)
class Added:
    """A source that can be asked."""

    document: Document
    source: Source
    name: str  # as the person calls it
    marker: str
    is_new: bool  # False: it was in the library already
    warning: str = ""  # why it was not stored, for people

    def included(self) -> Included:
        """Return the whole document as a prompt takes it."""
        return Included(self.document, self.name, self.marker)


@dataclass(frozen=True)
class Failed:
    """A source that could not be read; the others go on."""

    path: str
    error: LongDocError


def add(
    path: Path,
    library: Library | None,
    settings: Settings,
    *,
    name: str | None = None,
    on_progress: Report | None = None,
    stop: threading.Event | None = None,
    options: Mapping[str, Any] | None = None,
) -> Added:
    """Read a file or folder, or find it in the library. Raises SourceError or Stopped.

    Without a library nothing is kept.
    """
    shown = display_name(name or path.resolve().name)
    if library is not None and not library.read_only and _is_recording(path, shown, settings):
        return _heard(path, shown, library, settings, on_progress, stop)
    known = None if library is None or options else _known(path, shown, library, settings)
    if known is not None and library is not None:
        source, document = known
        return Added(document, source, shown, library.marker(document.id), is_new=False)
    source, document = load(
        path, name=shown, settings=settings, on_progress=on_progress, stop=stop, options=options or {}
    )
    if library is None:
        return Added(document, source, shown, secrets.token_hex(4), is_new=True)
    try:
        is_new = library.add_document(source, document, path if path.is_file() else None)
        return Added(document, source, shown, library.marker(document.id), is_new)
    except StoreError as error:
        warning = f"{shown} was not kept in the library. {error}"
        return Added(document, source, shown, secrets.token_hex(4), is_new=True, warning=warning)


def add_all(
    paths: Sequence[str],
    library: Library | None,
    settings: Settings,
    *,
    on_progress: Callable[[str, int, int, str], None] | None = None,
    stop: threading.Event | None = None,
) -> tuple[list[Added], list[Failed]]:
    """Add several sources in order; one that fails does not hold up the others. Raises Stopped.

    The same content given twice is taken once; two sources of one name are told apart by their folders.
    """
    added: list[tuple[Path, Added]] = []
    failed: list[Failed] = []
    for text in paths:
        path = Path(text).expanduser()
        shown = display_name(str(path.resolve()) if path.name in ("", "..") else path.name)

        def report(done: int, total: int, what: str, shown: str = shown) -> None:
            if on_progress:
                on_progress(shown, done, total, what)

        try:
            item = add(path, library, settings, on_progress=report, stop=stop)
        except SourceError as error:
            failed.append(Failed(text, error))
            continue
        except (OSError, ValueError) as error:  # a name that no file system takes
            why = getattr(error, "strerror", None) or "its name is not one that a file can have"
            failed.append(Failed(text, SourceError(f"{shown} could not be opened: {why}.", code="not_found")))
            continue
        if all(item.document.id != other.document.id for _, other in added):
            added.append((path, item))
    return _told_apart(added), failed


def _is_recording(path: Path, name: str, settings: Settings) -> bool:
    require_readable(path, name, settings)
    return path.is_file() and FORMATS[sniff(path, name)].own_child


def _heard(
    path: Path,
    name: str,
    library: Library,
    settings: Settings,
    on_progress: Report | None,
    stop: threading.Event | None,
) -> Added:
    """Transcribe a recording, or take the transcript that is in the library."""
    from longdoc.speech.progress import Listening, in_words
    from longdoc.transcribe import transcribe

    def tell(step: Listening) -> None:
        if on_progress is not None:
            on_progress(int(step.done_s), int(step.total_s), in_words(step))

    found = transcribe(path, library, settings, name=name, on_progress=tell, stop=stop)
    if found.transcript_id is None:
        return Added(found.document, found.source, name, secrets.token_hex(4), is_new=True, warning=found.warning)
    return Added(found.document, found.source, name, library.marker(found.document.id), found.is_new)


def _known(path: Path, name: str, library: Library, settings: Settings) -> tuple[Source, Document] | None:
    """Return source and document if the library has what today's loader would make of these bytes."""
    if not path.is_file():
        return None
    require_readable(path, name, settings)
    row = FORMATS[sniff(path, name)]
    try:
        source_id = sha256_file(path)
        document = library.find_source(source_id)
        if document is None or document.id != sha256_text(row.name, str(row.version), document.text):
            return None
        if _with_options(document):
            return None
        return library.source(source_id), document
    except StoreError:  # damaged there: read it again
        return None


def _with_options(document: Document) -> bool:
    """Say whether a person's choice of files made this document of a code base; the plain one is another."""
    tree = document.details.get("tree", ())
    return any(
        row.get("reason") == "left out by choice" or (row.get("status") == "included" and row.get("line") is not None)
        for row in tree
    )


def _told_apart(added: Sequence[tuple[Path, Added]]) -> list[Added]:
    """Return the sources, with the folder put before names that occur twice."""
    counts = Counter(item.name for _, item in added)
    return [
        replace(item, name=f"{display_name(path.resolve().parent.name)}/{item.name}") if counts[item.name] > 1 else item
        for path, item in added
    ]
