"""A look into zip and gzip files before anything is read from them: what they are, how much they list.

Used by sniff.py to tell office files from other zips and by archives.py before it opens one.
"""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from longdoc.errors import SourceError
from longdoc.settings import Settings

try:
    from lzma import LZMAError
except ImportError:  # a Python built without it; zipfile then refuses such members by itself
    LZMAError = zlib.error  # type: ignore[misc,assignment]

_END_OF_DIRECTORY = b"PK\x05\x06"
_DIRECTORY_ENTRY = b"PK\x01\x02"
_MAX_DIRECTORY_BYTES = 32 << 20
_MAX_CONTENT_TYPES_BYTES = 1 << 20

# What the standard library raises on damaged archives, found by cutting and flipping bytes of good ones.
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    LZMAError,
    gzip.BadGzipFile,
    EOFError,
    struct.error,
    ValueError,
    IndexError,
    KeyError,
    OverflowError,
    OSError,
    RuntimeError,  # and NotImplementedError, of versions yet to come
)


@dataclass(frozen=True)
class ZipMarkers:
    """What tells office files and e-books from other zips."""

    names: frozenset[str]
    mimetype: str
    content_types: bytes


def zip_markers(path: Path, name: str) -> ZipMarkers:
    """Read a zip's directory and, bounded, its members `mimetype` and `[Content_Types].xml`.

    Raises SourceError damaged or bomb.
    """
    check_zip_directory(path, name, Settings.max_archive_entries)
    with explained(name), zipfile.ZipFile(path) as archive:
        names = frozenset(archive.namelist())

        def beginning(member: str, limit: int) -> bytes:
            if member not in names or archive.getinfo(member).flag_bits & 0x1:
                return b""
            try:
                with archive.open(member) as file:
                    return file.read(limit)
            except (NotImplementedError, RuntimeError):
                return b""

        mimetype = beginning("mimetype", 200).decode("ascii", "replace").strip()
        return ZipMarkers(names, mimetype, beginning("[Content_Types].xml", _MAX_CONTENT_TYPES_BYTES))


def gzip_holds_tar(path: Path, name: str) -> bool:
    """Return whether a gzip file unpacks to a tar. Raises SourceError damaged."""
    with explained(name), gzip.open(path) as file:
        block = file.read(512)
    if len(block) < 512:
        return False
    if not any(block):
        return True  # an empty tar
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def check_zip_directory(path: Path, name: str, max_entries: int) -> None:
    """Refuse a zip whose directory alone would take much memory, before zipfile reads it all.

    Raises SourceError damaged or bomb.
    """
    with explained(name), path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        tail_at = max(0, size - 22 - 65_535 - 76)
        file.seek(tail_at)
        tail = file.read()
        at = tail.rfind(_END_OF_DIRECTORY)
        if at < 0 or len(tail) - at < 22:
            raise zipfile.BadZipFile("no end of directory")
        n_bytes, offset = struct.unpack_from("<LL", tail, at + 12)
        if n_bytes == 0xFFFFFFFF or offset == 0xFFFFFFFF:  # zip64 keeps the true numbers before
            wide = tail.rfind(b"PK\x06\x06", 0, at)
            if wide < 0 or len(tail) - wide < 56:
                raise zipfile.BadZipFile("no zip64 end of directory")
            (n_bytes,) = struct.unpack_from("<Q", tail, wide + 40)
        start = tail_at + at - n_bytes
        if n_bytes > _MAX_DIRECTORY_BYTES:
            raise too_many(name, max_entries)
        # Every entry that zipfile will build begins with this mark, whatever the counters claim.
        file.seek(max(0, start - 256))
        if file.read(n_bytes + 256).count(_DIRECTORY_ENTRY) > max_entries:
            raise too_many(name, max_entries)


def too_many(name: str, max_entries: int) -> SourceError:
    """Return the error for an archive that lists too many members."""
    return SourceError(
        f"{name} lists more than {max_entries:,} files.",
        code="bomb",
        next_step="Add a part of it, or raise LONGDOC_MAX_ARCHIVE_ENTRIES.",
    )


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what the standard library raises on a damaged archive into one SourceError."""
    try:
        yield
    except DAMAGE as error:
        raise SourceError(
            f"{name} is a damaged archive.", code="damaged", next_step="Download or pack it again, then add it again."
        ) from error
