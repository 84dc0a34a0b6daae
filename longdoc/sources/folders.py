"""A folder read like an archive. Ignored folders are not entered, links are not followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.archives import TOO_LARGE, Entry, safe_label
from longdoc.sources.ignore import GITIGNORE, IgnoreRules

_READ_BYTES = 1 << 16


class Folder:
    """An Archive (see archives.py) over a folder; feeds `rules` while walking so that it can leave folders out."""

    def __init__(self, path: Path, name: str, settings: Settings, rules: IgnoreRules) -> None:
        self._root = os.fsencode(path)
        self._name = name
        self._settings = settings
        self._rules = rules
        self._paths: list[bytes] = []
        self._left_bytes = settings.max_archive_bytes

    def entries(self, keep: Callable[[str], bool]) -> tuple[list[Entry], dict[int, bytes]]:
        """See Archive. An ignored folder is one entry that ends with "/"."""
        found: list[Entry] = []
        waiting = [(self._root, "")]
        while waiting:
            folder, label = waiting.pop()
            try:
                items = sorted(os.scandir(folder), key=lambda item: item.name)
            except OSError as error:
                if not label:
                    raise SourceError(
                        f"{self._name} could not be opened: {error.strerror}.", next_step="Check its permissions."
                    ) from error
                self._add(found, folder, label + "/", 0, "it may not be opened")
                continue
            own = os.path.join(folder, GITIGNORE.encode())
            data = self._content(own) if any(item.name == GITIGNORE.encode() for item in items) else ""
            if isinstance(data, bytes):
                self._rules.add(label, data)
            below = []
            for item in items:
                below.extend(self._one(item, label, found))
            waiting.extend(reversed(below))
        return found, {}

    def _one(self, item: os.DirEntry[bytes], above: str, found: list[Entry]) -> list[tuple[bytes, str]]:
        """Add a file to `found`, or return a folder to enter."""
        part, problem = safe_label(os.fsdecode(item.name).replace("\\", "_"))
        label = f"{above}/{part}" if above else part
        try:
            status = item.stat(follow_symlinks=False)
        except OSError:
            self._add(found, item.path, label, 0, "it may not be opened")
            return []
        if stat.S_ISDIR(status.st_mode):
            if self._rules.why_folder(label)[0]:
                self._add(found, item.path, label + "/", 0, "")
                return []
            return [(item.path, label)]
        if stat.S_ISLNK(status.st_mode):
            problem = "it is a link"
        elif not stat.S_ISREG(status.st_mode):
            problem = "it is not an ordinary file"
        self._add(found, item.path, label, status.st_size, problem)
        return []

    def _add(self, found: list[Entry], path: bytes, label: str, size_bytes: int, problem: str) -> None:
        if len(found) >= self._settings.max_archive_entries:
            raise SourceError(
                f"{self._name} holds more than {self._settings.max_archive_entries:,} files.",
                code="too_large",
                next_step="Add a part of it, or raise LONGDOC_MAX_ARCHIVE_ENTRIES.",
            )
        found.append(Entry(label, size_bytes, len(self._paths), problem))
        self._paths.append(path)

    def read(self, keys: set[int]) -> Iterator[tuple[int, bytes | str]]:
        """See Archive."""
        for key in sorted(keys):
            yield key, self._content(self._paths[key])

    def _content(self, path: bytes) -> bytes | str:
        limit = self._settings.max_code_file_bytes
        try:
            # A file may have become a link or a pipe since it was listed.
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
            with os.fdopen(descriptor, "rb") as file:
                data = file.read(limit + 1)
        except OSError as error:
            return f"it could not be opened ({error.strerror})"
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise SourceError(
                f"{self._name} holds more than {self._settings.max_archive_bytes / 1e6:,.0f} MB of files.",
                code="too_large",
                next_step="Add a part of it, or exclude folders.",
            )
        return TOO_LARGE if len(data) > limit else data
