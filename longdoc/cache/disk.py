"""Readings on disk: find the longest common beginning, load it checked, delete, verify.

    cache/readings/<key>/manifest   written last, replaced whole
                        /tokens     the planned token ids, int32
                        /000000000-000004096.kv ...   extents, never changed
                        /lock /writer
    cache/damaged/<key>.<n>/        set aside, never used again
    cache/working/<process>-<n>/    slabs of readings on the disk tier, gone with them (`mapped.py`)

A stored reading only ever makes an answer faster: whatever does not match is a
miss that says why, and whatever is damaged is set aside. Adding to an entry is
left to `writer.py`, the bytes to `persist.py`, room to `evict.py`.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longdoc.cache import evict, persist, snapshots
from longdoc.cache.locks import Lock, take
from longdoc.cache.manifest import Manifest
from longdoc.cache.segment import Reading
from longdoc.errors import CacheError
from longdoc.files import free_bytes

MIN_SHARED_TOKENS = 64  # every prompt of a model begins alike; less than this is not worth a load


@dataclass(frozen=True)
class CacheEntry:
    """One folder of the cache, as shown to people. `problem` is empty for a usable entry."""

    key: str
    path: Path
    n_bytes: int  # files shared with other entries included
    last_used_at: float  # seconds since 1970
    fingerprint: str = ""
    n_tokens: int = 0
    n_planned: int = 0  # more than n_tokens: an interrupted reading, resumed when asked again
    documents: tuple[str, ...] = ()
    about: dict[str, str] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class Match:
    """The first `n_tokens` tokens of a stored reading are those of the prompt."""

    folder: Path
    manifest: Manifest
    n_tokens: int


@dataclass(frozen=True)
class Lookup:
    """What a search found; `reasons` say in words why a stored reading is not used."""

    match: Match | None
    reasons: tuple[str, ...] = ()


class DiskCache:
    """All saved readings of one owner below one folder, within a budget of bytes."""

    def __init__(self, folder: Path, budget_bytes: int, owner: str = "local") -> None:
        self.folder = folder
        self.readings = folder / "readings"
        self.damaged = folder / "damaged"
        self.working = folder / "working"  # readings on the disk tier while they are used
        self.budget_bytes = budget_bytes
        self.owner = owner
        self._refused: set[str] = set()  # damaged, but in use elsewhere and so still in place

    def find(self, fingerprint: str, token_ids: Sequence[int], skip: Collection[str] = ()) -> Lookup:
        """Return the stored reading with the longest beginning in common with `token_ids`, compared token by token.

        Keys in `skip` are passed over: they have just failed to load.
        """
        wanted = np.asarray(token_ids, np.int32)
        own = persist.entry_key(self.owner, fingerprint, token_ids)
        best: Match | None = None
        reasons: list[str] = []
        others: list[tuple[Path, Manifest]] = []
        for folder in reversed(evict.folders(self.readings)):  # of two alike the one used last
            if folder.name in self._refused or folder.name in skip:
                continue
            try:
                manifest = persist.read_manifest(folder)
                if manifest.owner != self.owner:
                    continue
                if manifest.fingerprint != fingerprint:
                    others.append((folder, manifest))
                    continue
                n_common = min(_common(persist.read_tokens(folder, manifest), wanted), manifest.n_tokens)
                n_tokens = manifest.usable(n_common)
            except CacheError as error:
                self._set_aside(folder, error)
                if folder.name == own:
                    reasons.append(f"The stored reading of these documents was not used: {error}.")
                elif error.code == "damaged":
                    reasons.append(f"A damaged stored reading was set aside: {error}.")
                continue
            if n_tokens >= min(MIN_SHARED_TOKENS, len(wanted)) and n_tokens > (best.n_tokens if best else 0):
                best = Match(folder, manifest, n_tokens)
        if best is None:
            reasons.extend(self._read_otherwise(others, wanted))
        return Lookup(best, tuple(reasons))

    def load(self, match: Match, reading: Reading, stop: threading.Event | None = None) -> None:
        """Fill an empty reading with what matched; on an error the reading is to be thrown away.

        Raises CacheError, whose message ends the sentence "it was not used: ...", and Stopped.
        """
        lock = self.use(match.folder)
        if lock is None:
            raise CacheError("it is being deleted or cannot be locked", code="gone")
        with contextlib.ExitStack() as using:
            using.callback(lock.release)
            try:
                # Another program may have replaced the entry since it was found.
                manifest = persist.read_manifest(match.folder)
                if manifest.n_tokens < match.n_tokens:
                    raise CacheError("it has just been replaced", code="gone")
                persist.load(match.folder, manifest, match.n_tokens, reading, stop)
                snapshots.load(match.folder, manifest, match.n_tokens, reading)
            except CacheError as error:
                lock.release()
                self._set_aside(match.folder, error)
                raise
            if reading.store is not None:  # the files are in use as long as the reading is
                reading.store.at_end(using.pop_all().close)
        self.touch(match.folder)

    def refuses(self, key: str) -> bool:
        """Tell whether an entry was found damaged and could not be moved away because another uses it."""
        return key in self._refused

    def use(self, folder: Path) -> Lock | None:
        """Keep an entry from being evicted while the lock is held; None when it is being deleted."""
        return take(folder / evict.LOCK, exclusive=False)

    def touch(self, folder: Path) -> None:
        """Mark an entry as used now."""
        with contextlib.suppress(OSError):  # a time of use that is too old costs at most an eviction too early
            os.utime(folder / evict.LOCK)

    def clear(self, n_bytes: int) -> None:
        """Make way on the disk for a reading that is made there; sweep what killed programs left of theirs.

        Entries in use stay, and so do all where even without them there is no room.
        """
        evict.sweep_working(self.working)
        if n_bytes > free_bytes(self.folder) + self.used_bytes():
            return
        with contextlib.suppress(CacheError, OSError):
            evict.make_room(self.readings, self.damaged, 0, 1 << 62, n_bytes)

    def entries(self) -> list[CacheEntry]:
        """Return what is stored, most recently used first, damaged folders last."""
        found = [self._entry(folder) for folder in reversed(evict.folders(self.readings))]
        aside = [self._entry(folder, "damaged, set aside") for folder in reversed(evict.folders(self.damaged))]
        return [entry for entry in found if entry is not None] + [entry for entry in aside if entry is not None]

    def verify(self, stop: threading.Event | None = None) -> list[CacheEntry]:
        """Check every byte of every entry; what is damaged is set aside. Returns all entries checked."""
        result = []
        for folder in evict.folders(self.readings):
            if stop is not None and stop.is_set():
                break
            lock = self.use(folder)
            if lock is None:
                continue
            with lock:
                entry = self._entry(folder)
                if entry is None:
                    continue
                try:
                    manifest = persist.read_manifest(folder)
                    persist.read_tokens(folder, manifest)
                    for extent in manifest.extents:
                        persist.map_extent(folder, extent)
                    for snapshot in manifest.snapshots:
                        snapshots.check(folder, snapshot)
                except CacheError as error:
                    lock.release()
                    self._set_aside(folder, error)
                    entry = CacheEntry(entry.key, folder, entry.n_bytes, entry.last_used_at, problem=str(error))
            result.append(entry)
        return result

    def prune(self, keep_bytes: int | None = None) -> tuple[int, int]:
        """Delete leftovers, damaged folders, and the oldest unused entries beyond `keep_bytes` (default: the budget).

        Returns (folders deleted, bytes freed).
        """
        before = self.used_bytes()
        evict.sweep(self.readings)
        evict.sweep_working(self.working)
        gone = sum(evict.delete_unused(folder) for folder in evict.folders(self.damaged))
        limit = self.budget_bytes if keep_bytes is None else keep_bytes
        for folder in evict.folders(self.readings):
            if self.used_bytes() <= limit:
                break
            gone += evict.delete_unused(folder)
        return gone, before - self.used_bytes()

    def remove_document(self, document_id: str) -> int:
        """Delete every reading that holds a document, in use or not, and all damaged folders; return how many."""
        gone = 0
        for folder in evict.folders(self.readings):
            try:
                doomed = document_id in persist.read_manifest(folder).documents
            except CacheError:
                doomed = True  # what it holds cannot be known
            if doomed:
                evict.delete(folder)
                gone += 1
        for folder in evict.folders(self.damaged):
            evict.delete(folder)
            gone += 1
        return gone

    def used_bytes(self) -> int:
        """Return the bytes on disk; what entries share counts once."""
        return evict.used_bytes([self.readings, self.damaged])

    def _entry(self, folder: Path, problem: str = "") -> CacheEntry | None:
        size, used_at = evict.folder_bytes(folder), evict.last_used_at(folder)
        if problem:
            return CacheEntry(folder.name, folder, size, used_at, problem=problem)
        try:
            found = persist.read_manifest(folder)
        except CacheError as error:
            return CacheEntry(folder.name, folder, size, used_at, problem=str(error)) if folder.exists() else None
        if found.owner != self.owner:
            return None
        return CacheEntry(
            found.key,
            folder,
            size,
            used_at,
            found.fingerprint,
            found.n_tokens,
            found.n_planned,
            found.documents,
            found.about,
        )

    def _set_aside(self, folder: Path, error: CacheError) -> None:
        """Move a damaged entry out of the way; one in use elsewhere stays, not to be used again by us."""
        if error.code != "damaged":
            return
        self._refused.add(folder.name)
        lock = take(folder / evict.LOCK, exclusive=True)
        if lock is None:
            return
        with lock:
            try:
                self.damaged.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.rename(folder, self.damaged / f"{folder.name}.{os.urandom(4).hex()}")
                self._refused.discard(folder.name)
            except OSError:
                evict.delete(folder)

    def _read_otherwise(self, others: list[tuple[Path, Manifest]], wanted: NDArray[np.int32]) -> list[str]:
        """Say when the same documents were read with another model or method."""
        for folder, manifest in others:
            try:
                if manifest.n_tokens and _common(persist.read_tokens(folder, manifest), wanted) == len(wanted):
                    model, method = manifest.about.get("model", "another model"), manifest.about.get("method", "")
                    how = f"{model}, positions {method}" if method else model
                    return [f"These documents were read before, with {how}; that does not serve this setting."]
            except CacheError:
                continue
        return []


def _common(stored: NDArray[np.int32], wanted: NDArray[np.int32]) -> int:
    """Return the length of the longest common beginning."""
    n = min(len(stored), len(wanted))
    different = np.nonzero(stored[:n] != wanted[:n])[0]
    return int(different[0]) if len(different) else n
