"""The library: everything LongDoc keeps, in one SQLite file and a folder of bytes.

Opening brings the tables up to date, marks jobs of dead processes and sweeps
leftovers of a kill. A database of a newer version is opened for reading only;
a damaged one is explained. Neither is ever deleted or rewritten.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from longdoc.errors import StoreError
from longdoc.settings import Settings
from longdoc.store.blobs import Blobs
from longdoc.store.connection import Connection
from longdoc.store.export import export_library
from longdoc.store.migrations import migrate, newer_error, unknown_steps
from longdoc.store.transcripts import Transcripts


class Library(Transcripts):
    """The store of one `settings.home`. Usable from any thread, by several processes at once.

    Raises StoreError: `damaged` (explained, left as it is), `disk`, `busy`.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.blobs = Blobs(settings.library)
        newer = settings.database.exists() and _is_newer(settings.database)
        super().__init__(settings.database, read_only=newer)
        try:
            if newer:
                self.refusal = newer_error()
                return
            with suppress(OSError):  # a disk without permissions
                os.chmod(settings.database, 0o600)
            migrate(self)
            self.interrupt_orphans()
            self.sweep()
        except BaseException:
            self.close()
            raise

    def check(self) -> list[str]:
        """Return what is wrong with the database and the kept bytes, in words; empty: nothing. Reads everything."""
        with self.reading() as db:
            found = [row[0] for row in db.execute("PRAGMA integrity_check(20)").fetchall() if row[0] != "ok"]
            found += [
                f"{row[0]} refers to a missing {row[2]}" for row in db.execute("PRAGMA foreign_key_check").fetchall()
            ]
            kept = db.execute("SELECT id, name, size_bytes FROM sources WHERE kept").fetchall()
        for identity, name, size in kept:
            file = self.blobs.path(identity)
            if not file.exists():
                found.append(f"the kept file of {name} is missing")
            elif file.stat().st_size != size:
                found.append(f"the kept file of {name} has another size")
        if not self.read_only:
            try:
                with self.writing() as db:
                    db.execute("INSERT INTO passages_fts(passages_fts, rank) VALUES ('integrity-check', 1)")
            except StoreError as error:
                found.append(f"the full-text index: {error.message}")
        return found

    def export(self, path: Path) -> None:
        """Write everything to one .zip: texts, original files, conversations and a list of it all as JSON.

        Raises UserError if `path` exists, StoreError if the disk refuses.
        """
        export_library(self, path)


def _is_newer(path: Path) -> bool:
    """Return whether a newer version wrote a database, without writing to it."""
    with Connection(path, read_only=True) as look:
        return bool(unknown_steps(look))
