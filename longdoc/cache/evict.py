"""Room on the disk: what the cache takes, what goes first, what a killed program left behind.

Works on folders, locks and times only. The least recently used entry goes first,
damaged ones before all, and an entry that someone uses stays.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from longdoc.cache.locks import take
from longdoc.errors import CacheError
from longdoc.files import free_bytes

LOCK = "lock"  # held shared by users of an entry; its time of change is the time of last use
WRITER = "writer"  # held by the one program that adds to an entry
NEW, OLD = ".new-", ".old-"  # folders being made and being deleted
_SPARE_BYTES = 256 << 20
_SPARE_SHARE = 0.05


def folders(root: Path) -> list[Path]:
    """Return the entries' folders, least recently used first."""
    try:
        found = [path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]
    except OSError:  # no folder yet, or none that can be read: nothing is stored
        return []
    return sorted(found, key=lambda path: (last_used_at(path), path.name))


def last_used_at(folder: Path) -> float:
    try:
        return (folder / LOCK).stat().st_mtime
    except OSError:
        return 0.0


def used_bytes(roots: Iterable[Path]) -> int:
    """Return the bytes of all files below `roots`; a file shared by several entries counts once."""
    sizes: dict[tuple[int, int], int] = {}
    for root in roots:
        for file in _files(root):
            try:
                status = file.stat(follow_symlinks=False)
            except OSError:
                continue  # just deleted
            sizes[status.st_dev, status.st_ino] = status.st_size
    return sum(sizes.values())


def folder_bytes(folder: Path) -> int:
    """Return the bytes of one entry's files, shared ones included."""
    return used_bytes([folder])


def delete(folder: Path) -> None:
    """Delete an entry at once for everyone, whoever uses it; what cannot be unlinked now is swept later."""
    doomed = folder.with_name(f"{OLD}{os.getpid()}-{uuid.uuid4().hex[:8]}")
    try:
        os.rename(folder, doomed)
    except FileNotFoundError:
        return
    except OSError:
        doomed = folder
    shutil.rmtree(doomed, ignore_errors=True)


def delete_unused(folder: Path) -> bool:
    """Delete an entry that nobody uses or writes; False when someone does."""
    lock = take(folder / LOCK, exclusive=True)
    if lock is None:
        return False
    with lock:
        writer = take(folder / WRITER, exclusive=True)
        if writer is None:
            return False
        with writer:
            delete(folder)
    return True


def make_room(
    readings: Path, damaged: Path, n_bytes: int, budget_bytes: int, disk_bytes: int | None = None
) -> list[str]:
    """Delete unused entries until `n_bytes` more fit the budget and the disk; return the names deleted.

    disk_bytes: what of them the disk does not hold yet, where that is less.
    Raises CacheError `budget` when they do not fit even so. Nothing is deleted for a reading that never fits.
    """
    new = n_bytes if disk_bytes is None else disk_bytes
    if n_bytes > budget_bytes:
        raise _no_room(n_bytes, f"the cache may take {size(budget_bytes)}", "Raise LONGDOC_CACHE_BUDGET_BYTES.")
    gone: list[str] = []
    candidates = [*folders(damaged), *folders(readings)]
    while True:
        over_budget = used_bytes([readings, damaged]) + n_bytes > budget_bytes
        if not over_budget and new + spare_bytes(readings) <= free_bytes(readings):
            return gone
        if not candidates:
            if over_budget:
                raise _no_room(n_bytes, "the readings in use leave less than that of the cache's budget", "")
            raise _no_room(n_bytes, f"the disk has {size(free_bytes(readings))} free", "Free some space.")
        folder = candidates.pop(0)
        if delete_unused(folder):
            gone.append(folder.name)


def sweep(readings: Path) -> None:
    """Delete what killed programs left: folders half made or half deleted."""
    try:
        leftovers = [path for path in readings.iterdir() if path.name.startswith((NEW, OLD))]
    except OSError:
        return
    for path in leftovers:
        process = path.name.split("-")[1]
        if path.name.startswith(OLD) or not (process.isdigit() and alive(int(process))):
            shutil.rmtree(path, ignore_errors=True)


def sweep_working(working: Path) -> None:
    """Delete the slabs of programs that were killed while reading on the disk."""
    with contextlib.suppress(OSError):
        for folder in working.iterdir():
            process = folder.name.split("-")[0]
            if not (process.isdigit() and alive(int(process))):
                shutil.rmtree(folder, ignore_errors=True)


def sweep_entry(folder: Path, named: Iterable[str]) -> None:
    """Delete files of an entry that its manifest does not name."""
    keep = set(named)
    for path in folder.iterdir():
        if path.name not in keep:
            path.unlink(missing_ok=True)


def _files(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        yield from (Path(folder) / name for name in names)


def spare_bytes(folder: Path) -> int:
    """Return the bytes of the disk that stay free for others: 256 MiB, on a small disk a twentieth of it."""
    while not folder.exists():
        folder = folder.parent
    return min(_SPARE_BYTES, int(shutil.disk_usage(folder).total * _SPARE_SHARE))


def alive(process: int) -> bool:
    """Tell whether a process runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _no_room(n_bytes: int, why: str, next_step: str) -> CacheError:
    return CacheError(f"it takes {size(n_bytes)} and {why}", code="budget", next_step=next_step)


def size(n_bytes: int) -> str:
    """Return bytes as people read them."""
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e8 else f"{n_bytes / 1e6:.1f} MB"
