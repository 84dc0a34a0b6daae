"""Zip and tar as streams of members. Nothing is ever extracted; a member's name is only a label.

Limits: number of entries, size of the zip directory, bytes given out, bytes out per
byte in, entries that overlap (CVE-2024-0450), one member's size. What a member is for
stays with codebase.py.
"""

from __future__ import annotations

import gzip
import io
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, cast

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.clean import clean
from longdoc.sources.containers import DAMAGE, check_zip_directory, explained, too_many

_MAX_LABEL_CHARACTERS = 1000
_CONTROL_SPACE = re.compile(r"[\t\n\v\f\x85\u2028\u2029]")
_RATIO_FREE_BYTES = 64 << 20  # below this an archive may unfold as much as it likes
_MAX_RATIO = 100
_READ_BYTES = 1 << 16


@dataclass(frozen=True)
class Entry:
    """One member as the archive lists it. `problem` says why it cannot be read, if it cannot."""

    label: str  # relative path with "/", cleaned for showing
    size_bytes: int  # as declared
    key: int  # position in the archive
    problem: str = ""


class Archive(Protocol):
    """What codebase.py reads from: a zip or a tar."""

    def entries(self, keep: Callable[[str], bool]) -> tuple[list[Entry], dict[int, bytes]]:
        """List all members, and return by key the bytes of those whose label `keep` accepts."""
        ...

    def read(self, keys: set[int]) -> Iterator[tuple[int, bytes | str]]:
        """Yield (key, bytes) of the members asked for, or (key, problem), in the archive's own order."""
        ...


def safe_label(raw: str) -> tuple[str, str]:
    """Return a member's name as a label with "/", and what is wrong with it ("" if nothing).

    Names that lead elsewhere (absolute, drives, "..") keep a readable label and are never read.
    """
    cut = raw.split("\0", 1)[0]
    parts = [part for part in re.split(r"[/\\]", cut) if part not in ("", ".")]
    label = "/".join(_CONTROL_SPACE.sub(" ", clean(part)[0]) or "_" for part in parts)
    label = label.encode("utf-8", "replace").decode("utf-8")
    if not label:
        return "unnamed", "its name is empty"
    if len(label) > _MAX_LABEL_CHARACTERS:
        return label[:100] + "…" + label[-20:], "its name is too long"
    if "\0" in raw:
        return label, "its name holds a NUL"
    if raw.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", raw):
        return label, "its name is an absolute path"
    if ".." in parts:
        return label, "its name leads outside the archive"
    return label, ""


def open_archive(path: Path, name: str, settings: Settings) -> Archive:
    """Open a zip, a tar or a tar.gz by its magic bytes. Raises SourceError damaged or bomb."""
    with explained(name), path.open("rb") as file:
        magic = file.read(2)
    if magic == b"PK":
        return ZipArchive(path, name, settings)
    return TarArchive(path, name, settings, compressed=magic == b"\x1f\x8b")


class ZipArchive:
    """A zip, read through its directory."""

    def __init__(self, path: Path, name: str, settings: Settings) -> None:
        self._name = name
        self._settings = settings
        self._budget = _Budget(name, path, settings)
        check_zip_directory(path, name, settings.max_archive_entries)
        with explained(name):
            self._zip = zipfile.ZipFile(path)
        self._infos = self._zip.infolist()
        _check_overlap(self._zip, self._infos, name)

    def entries(self, keep: Callable[[str], bool]) -> tuple[list[Entry], dict[int, bytes]]:
        """See Archive. Folders are not listed; of members with one name the last counts, as when unpacking."""
        found: dict[str, Entry] = {}
        kept: dict[int, bytes] = {}
        for key, info in enumerate(self._infos):
            if info.orig_filename.endswith("/"):  # is_dir() fails on an empty name
                continue
            # zipfile cuts at NUL; the name as it stands in the directory shows it.
            label, problem = safe_label(info.orig_filename)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if not problem and kind not in (0, stat.S_IFREG):
                problem = "it is a link" if kind == stat.S_IFLNK else "it is not an ordinary file"
            if not problem and info.flag_bits & 0x1:
                problem = ENCRYPTED
            if label in found and problem:
                label = f"{label} ({key})"
            found[label] = Entry(label, info.file_size, key, problem)
        for entry in found.values():
            if not entry.problem and keep(entry.label):
                data = self._member(self._infos[entry.key])
                if isinstance(data, bytes):
                    kept[entry.key] = data
        return list(found.values()), kept

    def read(self, keys: set[int]) -> Iterator[tuple[int, bytes | str]]:
        """See Archive."""
        for key in sorted(keys, key=lambda k: self._infos[k].header_offset):
            yield key, self._member(self._infos[key])

    def _member(self, info: zipfile.ZipInfo) -> bytes | str:
        limit = self._settings.max_code_file_bytes
        pieces: list[bytes] = []
        try:
            with self._zip.open(info) as file:
                total = 0
                while piece := file.read(_READ_BYTES):
                    total += len(piece)
                    self._budget.spend(len(piece))
                    pieces.append(piece)
                    if total > limit:
                        return TOO_LARGE
        except NotImplementedError:
            return "it is packed by a method that cannot be unpacked here"
        except RuntimeError:
            return ENCRYPTED
        except DAMAGE:
            return "it is damaged"
        return b"".join(pieces)


class TarArchive:
    """A tar or tar.gz, streamed: one pass to list it, one to read from it."""

    def __init__(self, path: Path, name: str, settings: Settings, *, compressed: bool) -> None:
        self._path = path
        self._name = name
        self._settings = settings
        self._compressed = compressed

    def entries(self, keep: Callable[[str], bool]) -> tuple[list[Entry], dict[int, bytes]]:
        """See Archive."""
        found: dict[str, Entry] = {}
        kept: dict[int, bytes] = {}
        for key, (tar, member) in enumerate(self._members()):
            if key >= self._settings.max_archive_entries:
                raise too_many(self._name, self._settings.max_archive_entries)
            if member.isdir():
                continue
            label, problem = safe_label(member.name)
            if not problem and not member.isfile():
                problem = "it is a link" if member.issym() or member.islnk() else "it is not an ordinary file"
            if label in found and problem:
                label = f"{label} ({key})"
            found[label] = Entry(label, member.size, key, problem)
            if not problem and keep(label):
                data = self._content(tar, member)
                if isinstance(data, bytes):
                    kept[key] = data
        return list(found.values()), kept

    def read(self, keys: set[int]) -> Iterator[tuple[int, bytes | str]]:
        """See Archive."""
        left = len(keys)
        for key, (tar, member) in enumerate(self._members()):
            if not left:
                return
            if key in keys:
                left -= 1
                yield key, self._content(tar, member)

    def _content(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes | str:
        if member.size > self._settings.max_code_file_bytes:
            return TOO_LARGE
        with explained(self._name):
            file = tar.extractfile(member)
            data = file.read() if file else b""
        return data if len(data) == member.size else "it is damaged"

    def _members(self) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
        budget = _Budget(self._name, self._path, self._settings)
        with explained(self._name), self._path.open("rb") as packed:
            stream = gzip.GzipFile(fileobj=packed) if self._compressed else packed
            metered = cast("IO[bytes]", _Metered(stream, budget))
            with tarfile.open(fileobj=metered, mode="r|") as tar:
                for member in tar:
                    yield tar, member
                    tar.members.clear()  # type: ignore[attr-defined]  # read once; the list would only grow


class _Metered(io.RawIOBase):
    """A stream that charges every byte it gives out to a budget."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, budget: _Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._budget.spend(len(data))
        return data


class _Budget:
    """Bytes that may still come out of an archive."""

    def __init__(self, name: str, path: Path, settings: Settings) -> None:
        packed = path.stat().st_size
        self._name = name
        self._left = min(settings.max_archive_bytes, max(_RATIO_FREE_BYTES, _MAX_RATIO * packed))

    def spend(self, n_bytes: int) -> None:
        self._left -= n_bytes
        if self._left < 0:
            raise SourceError(
                f"{self._name} unfolds into far more than its own size and was given up.",
                code="bomb",
                next_step="If it is genuine, unpack it and add the folder.",
            )


ENCRYPTED = "it is protected by a password"
TOO_LARGE = "it is larger than the limit for one file"


def _check_overlap(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo], name: str) -> None:
    """Refuse members that share packed bytes: how 26 KB can declare 500 MB."""
    position = 0
    for info in sorted(infos, key=lambda i: i.header_offset):
        # 30 bytes and the name come before the data; the local extra field can only add to that.
        if info.header_offset < position or info.header_offset > archive.start_dir:
            raise SourceError(
                f"{name} holds members that overlap each other, as archives made to do harm do.",
                code="bomb",
                next_step="If you trust it, unpack it and add the folder.",
            )
        position = info.header_offset + 30 + len(info.orig_filename) + info.compress_size
