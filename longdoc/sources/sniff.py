"""What a file is, by its content. A name never decides against the bytes.

Magic bytes choose among containers and refuse what cannot be read, with a sentence
that helps. Only among text files, where nothing but the name tells Markdown from
plain text, does the extension choose, and only if the content agrees. Text under the
name of a recording is refused: whoever adds a recording wants to know that it is none.
Reads the first 64 KiB and, of a zip, the directory.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.decode import decode
from longdoc.sources.languages import extension_of
from longdoc.sources.magic import REFUSED, SOUND_NAMES, sound_form
from longdoc.sources.sniff_text import text_format

_HEAD_BYTES = 1 << 16
_OLE_SEARCH_BYTES = 8 << 20


@dataclass(frozen=True)
class Stamp:
    """What would change if a file were written to."""

    size_bytes: int
    modified_ns: int


def require_readable(path: Path, name: str, settings: Settings) -> Stamp:
    """Return the stamp of an ordinary file or folder.

    Raises SourceError not_found, too_large, empty, unsupported (a device, a pipe) or unreadable.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SourceError(f"{name} was not found.", code="not_found", next_step="Check the path.") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SourceError(f"{name} could not be opened: {why}.", next_step="Check its path and permissions.") from error
    if stat.S_ISDIR(status.st_mode):
        return Stamp(0, status.st_mtime_ns)
    if not stat.S_ISREG(status.st_mode):
        raise SourceError(
            f"{name} is not an ordinary file.", code="unsupported", next_step="Save its content to a file first."
        )
    if status.st_size == 0:
        raise SourceError(f"{name} is empty.", code="empty", next_step="Check that it was saved or copied completely.")
    if status.st_size > settings.max_source_bytes:
        raise SourceError(
            f"{name} has {status.st_size / 1e6:,.0f} MB; the limit is {settings.max_source_bytes / 1e6:,.0f} MB.",
            code="too_large",
            next_step="Split it, or raise LONGDOC_MAX_SOURCE_BYTES.",
        )
    return Stamp(status.st_size, status.st_mtime_ns)


def sniff(path: Path, name: str) -> str:
    """Return the format's name, a key of FORMATS.

    Raises SourceError: empty, encrypted (a protected office file), bomb, damaged, or unsupported
    with a sentence on what the file is and what to do.
    """
    if path.is_dir():
        return "codebase"
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError as error:
        raise SourceError(f"{name} was not found.", code="not_found", next_step="Check the path.") from error
    except OSError as error:
        raise SourceError(
            f"{name} could not be opened: {error.strerror or error}.", next_step="Check its path and permissions."
        ) from error
    if not head:
        raise SourceError(f"{name} is empty.", code="empty", next_step="Check that it was saved or copied completely.")
    is_text = decode(head, partial=size > len(head)) is not None
    if head.lstrip().startswith(b"%PDF-") or (b"%PDF-" in head[:1024] and not is_text):
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _zip_format(path, name)
    if head.startswith(b"\x1f\x8b"):
        return _gzip_format(path, name)
    if head[257:262] == b"ustar":
        return "codebase"
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise _old_office(path, name)
    for kind in REFUSED:
        if kind.matches(head) and not (is_text and kind.could_begin_text):
            raise _unsupported(name, kind.what, kind.advice)
    if not is_text and sound_form(head):
        return "audio"
    found = text_format(head, size > len(head), name)
    if found is None:
        raise _unsupported(
            name, "a binary file without readable text", "Add the document it was made from, as PDF, DOCX or text."
        )
    if extension_of(name) in SOUND_NAMES:
        raise not_sound(name, "it holds text", "If it is to be read as text, give it a name that ends in .txt.")
    return found


def not_sound(name: str, why: str, advice: str) -> SourceError:
    """Return the error of a file that is given as a recording and is none."""
    return SourceError(f"{name} is not a recording that can be read: {why}.", code="unsupported", next_step=advice)


def container_media_type(path: Path) -> str:
    """Return the media type of what holds a code base: a folder, a zip or a tar."""
    if path.is_dir():
        return "inode/directory"
    with path.open("rb") as file:
        magic = file.read(2)
    return {b"PK": "application/zip", b"\x1f\x8b": "application/gzip"}.get(magic, "application/x-tar")


def _unsupported(name: str, what: str, advice: str) -> SourceError:
    return SourceError(f"{name} is {what}, which LongDoc does not read.", code="unsupported", next_step=advice)


def _zip_format(path: Path, name: str) -> str:
    """Tell e-books and office files from other zips by what their own directory holds."""
    from longdoc.sources.containers import zip_markers

    markers = zip_markers(path, name)
    if markers.mimetype == "application/epub+zip" or "META-INF/container.xml" in markers.names:
        return "epub"
    if markers.mimetype.startswith("application/vnd.oasis.opendocument"):
        raise _unsupported(name, "an OpenDocument file", "Save it as DOCX, PPTX, XLSX or PDF and add that.")
    if "[Content_Types].xml" in markers.names:
        for part, found in (("wordprocessingml", "docx"), ("presentationml", "pptx"), ("spreadsheetml", "xlsx")):
            if f".{part}.".encode() in markers.content_types:
                return found
        if b"ms-word" in markers.content_types:
            return "docx"
        if b"ms-powerpoint" in markers.content_types:
            return "pptx"
        if b"ms-excel.sheet.binary" in markers.content_types:
            raise _unsupported(name, "a binary Excel file (XLSB)", "Save it as XLSX and add that.")
        if b"ms-excel" in markers.content_types:
            return "xlsx"
    return "codebase"


def _gzip_format(path: Path, name: str) -> str:
    from longdoc.sources.containers import gzip_holds_tar

    if gzip_holds_tar(path, name):
        return "codebase"
    raise _unsupported(name, "a compressed single file (gzip)", "Unpack it and add the file inside.")


def _old_office(path: Path, name: str) -> SourceError:
    """Explain an OLE container: a protected office file, or one of the formats before 2007."""
    with path.open("rb") as file:
        content = file.read(_OLE_SEARCH_BYTES)
    if "EncryptedPackage".encode("utf-16-le") in content:
        return SourceError(
            f"{name} is protected by a password.",
            code="encrypted",
            next_step="Save a copy without a password and add that.",
        )
    for stream, what in (
        ("WordDocument", "an old Word document (DOC)"),
        ("PowerPoint Document", "an old PowerPoint file (PPT)"),
        ("Workbook", "an old Excel file (XLS)"),
    ):
        if stream.encode("utf-16-le") in content:
            return _unsupported(name, what, "Save it as DOCX, PPTX, XLSX or PDF and add that.")
    return _unsupported(name, "an old Microsoft container file", "Save it as DOCX, PPTX, XLSX or PDF and add that.")
