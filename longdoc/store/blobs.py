"""Uploaded bytes, kept once by their SHA-256 under the library folder.

A file's name is its hash, so nothing a person or a file says becomes a path.
Which files are still needed is known to the tables, not here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from longdoc.errors import SourceError, StoreError
from longdoc.files import atomic_writer, disk_error, free_bytes

_READ_BYTES = 1 << 20
_RESERVE_BYTES = 32 << 20  # left free, so that the database can still write
_HASH = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """Files below `folder`, as `ab/abcdef...`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Return where the bytes of a hash lie. Raises StoreError for anything that is not a SHA-256."""
        if not _HASH.fullmatch(digest):
            raise StoreError(f"{digest[:20]!r} is not the identity of a stored file.", code="not_found")
        return self.folder / digest[:2] / digest

    def keep(self, digest: str, file: Path) -> bool:
        """Copy a file in unless it is here already; return whether it was copied.

        Raises SourceError if its bytes are not those of `digest` (it changed meanwhile), StoreError
        with code `disk` if it does not fit.
        """
        target = self.path(digest)
        try:
            size = file.stat().st_size
            if target.exists() and target.stat().st_size == size:
                return False
            if free_bytes(self.folder) < size + _RESERVE_BYTES:
                raise StoreError(
                    f"{file.name} needs {size / 1e6:,.0f} MB and the disk is nearly full.",
                    code="disk",
                    next_step="Free some space or choose another folder with LONGDOC_HOME, then try again.",
                )
            seen = hashlib.sha256()
            with file.open("rb") as source, atomic_writer(target) as copy:
                while block := source.read(_READ_BYTES):
                    seen.update(block)
                    copy.write(block)
                if seen.hexdigest() != digest:
                    raise SourceError(
                        f"{file.name} changed while it was added.", code="damaged", next_step="Add it again."
                    )
        except OSError as error:
            raise disk_error(file, error) from error
        return True

    def drop(self, digest: str) -> None:
        """Delete the bytes of a hash; no error if they are gone."""
        with suppress(OSError):
            self.path(digest).unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            self.path(digest).parent.rmdir()

    def leftovers(self, needed: frozenset[str]) -> Iterator[Path]:
        """Yield files that no source needs: of an add that was killed, or whose deletion was."""
        if self.folder.is_dir():
            for file in self.folder.glob("??/*"):
                if file.is_file() and file.name not in needed:
                    yield file
