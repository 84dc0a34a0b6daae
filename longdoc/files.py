"""Files: atomic writes, hashing, safe names, free space.

A write goes to a temporary name in the same folder, is flushed to the disk and
renamed, and the folder is flushed as well: after a kill at any moment the old or
the new file is there, whole.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from longdoc.errors import StoreError

_READ_BYTES = 1 << 20


def sha256_file(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def sha256_text(*parts: str) -> str:
    """Return the hexadecimal SHA-256 of strings, each preceded by its length so that no two lists collide."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries, so that a rename in it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for writing; it appears whole at the end of the block or not at all.

    Raises StoreError with code `disk` when the disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".tmp")
    except OSError as error:
        raise disk_error(path, error) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        Path(temporary).unlink(missing_ok=True)


def atomic_write(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with atomic_writer(path) as file:
        file.write(data)


def disk_error(path: Path, error: OSError) -> StoreError:
    """Translate an OSError of a write into one clear sentence."""
    why = error.strerror or str(error)
    return StoreError(
        f"{path.name} could not be saved: {why}.",
        code="disk",
        next_step="Free some space or choose another folder with LONGDOC_HOME, then try again.",
    )


def free_bytes(folder: Path) -> int:
    """Return the free space of the disk that holds `folder` (its nearest existing parent)."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def display_name(name: str, limit: int = 120) -> str:
    """Return a file's name for showing: no folders, control or direction characters, bounded length."""
    base = re.split(r"[/\\]", name.replace("\0", ""))[-1]
    clean = "".join(ch if ch.isprintable() and ch not in _DIRECTION else "\N{REPLACEMENT CHARACTER}" for ch in base)
    clean = clean.strip() or "unnamed"
    return clean if len(clean) <= limit else f"{clean[: limit - 12]}…{clean[-11:]}"


_DIRECTION = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")
