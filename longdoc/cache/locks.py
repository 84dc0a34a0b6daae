"""Locks on folders of the cache, held by open files and given back by the kernel at a kill.

Users of an entry hold its lock shared, whoever deletes it exclusively, whoever
writes to it a second one. Two holders in one process exclude each other as two
processes do.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType


class Lock:
    """An advisory lock that is held; give it back with `release` or a `with` block."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)  # closing the only descriptor drops the lock
            self._descriptor = None

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def take(path: Path, *, exclusive: bool) -> Lock | None:
    """Lock the file `path` without waiting; None when another holds it, it has been deleted, or the disk refuses."""
    try:
        descriptor = _open(path)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        # The folder may have been renamed away between opening and locking: that lock guards nothing.
        opened, named = os.fstat(descriptor), os.stat(path)
        if (opened.st_dev, opened.st_ino) == (named.st_dev, named.st_ino):
            return Lock(descriptor)
    except OSError:
        pass
    os.close(descriptor)
    return None


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # enough for a lock, and works on a disk that is full
    except FileNotFoundError:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
