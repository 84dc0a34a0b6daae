"""Adding to the cache: checkpoints of one reading while it goes on.

Every save writes only the tokens read since the last one, as new extent files,
and then replaces the manifest: a kill at any moment leaves the last whole
checkpoint. A new entry is made under a temporary name and appears with its
first checkpoint. Beginnings that another entry holds already are shared with it
by hard link.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from longdoc.cache import evict, persist, snapshots
from longdoc.cache.disk import DiskCache, Match
from longdoc.cache.layout import FILE_BYTES
from longdoc.cache.locks import Lock, take
from longdoc.cache.manifest import Extent, Manifest, Snapshot
from longdoc.cache.segment import Reading
from longdoc.errors import CacheError
from longdoc.files import sync_folder


def plan_entry(
    cache: DiskCache,
    fingerprint: str,
    token_ids: Sequence[int],
    reading: Reading,
    documents: Sequence[str] = (),
    about: Mapping[str, str] | None = None,
) -> Manifest:
    """Return the manifest, still without extents, of a reading of `token_ids`."""
    return Manifest(
        cache.owner,
        fingerprint,
        persist.tokens_sha256(token_ids),
        len(token_ids),
        persist.dtype_name(reading),
        persist.layer_shapes(reading),
        tuple(documents),
        dict(about or {}),
        time.time(),
        state_bytes=0 if reading.states is None else reading.states.state_bytes,
    )


class Writer:
    """One entry being written. Call `save` as often as wanted, then `close`; a failed save undoes itself.

    `new` says that this writer began the entry: a failure then removes all of it.
    """

    def __init__(self, cache: DiskCache, folder: Path, manifest: Manifest, locks: list[Lock], new: bool) -> None:
        self._cache, self._folder, self._locks, self._new = cache, folder, locks, new
        self._published = not new
        self.manifest = manifest

    def save(self, reading: Reading, n_tokens: int) -> None:
        """Write tokens up to `n_tokens` of the reading, durable on return.

        Raises CacheError: `disk` when the disk refuses. The entry is then as before this writer
        (removed, or cut back to its last checkpoint) and the writer is closed.
        """
        start = self.manifest.n_tokens
        if not self._locks or n_tokens <= start:
            return
        try:
            ranges = persist.cut_extents(reading, start, n_tokens)
            extents = tuple(persist.write_extent(self._folder, reading, a, b) for a, b in ranges)
            states = snapshots.write(self._folder, self.manifest, reading, n_tokens)
            manifest = replace(self.manifest.extended(extents), snapshots=states)
            persist.write_manifest(self._folder, manifest)
            if not self._published:
                self._publish(manifest.key)
            snapshots.drop(self._folder, self.manifest, manifest)
            self.manifest = manifest
        except OSError as error:
            self._undo()
            raise CacheError(
                f"the disk refuses ({error.strerror or error})", code="disk", next_step="Free some space."
            ) from error
        except BaseException:
            self._undo()
            raise
        self._cache.touch(self._folder)

    def close(self) -> None:
        """Give the locks back; an entry without a checkpoint is removed."""
        if self._locks and not self._published:
            evict.delete(self._folder)
        self._release()

    def _publish(self, key: str) -> None:
        final = self._cache.readings / key
        try:
            os.rename(self._folder, final)
        except OSError:
            if not final.exists():
                raise
            # Another program has just saved the same reading: one of the two is enough.
            evict.delete(self._folder)
            self._release()
            return
        self._folder, self._published = final, True
        sync_folder(self._cache.readings)

    def _undo(self) -> None:
        with contextlib.suppress(OSError, CacheError):
            if self._new:
                evict.delete(self._folder)
            else:
                evict.sweep_entry(self._folder, _names(persist.read_manifest(self._folder)))
        self._release()

    def _release(self) -> None:
        for lock in self._locks:
            lock.release()
        self._locks = []


def open_writer(
    cache: DiskCache, planned: Manifest, token_ids: Sequence[int], *, linked: bool = False
) -> Writer | None:
    """Return a writer for the entry of `token_ids`: a new one, or the interrupted one to go on with.

    `linked`: the reading lies in files already, which saving links, so hardly any more of the disk is taken.
    None when nothing is to be done: the entry is whole already, or another program writes it.
    Raises CacheError: `budget` when it does not fit, `disk` when the disk refuses.
    """
    try:
        cache.readings.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (cache.folder, cache.readings):
            folder.chmod(0o700)
        evict.sweep(cache.readings)
        evict.sweep_working(cache.working)
        if (cache.readings / planned.key).exists():
            return _resume(cache, planned, linked)
        return _begin(cache, planned, token_ids, linked)
    except OSError as error:
        raise CacheError(
            f"the disk refuses ({error.strerror or error})", code="disk", next_step="Free some space."
        ) from error


def _resume(cache: DiskCache, planned: Manifest, linked: bool) -> Writer | None:
    folder = cache.readings / planned.key
    locks = [lock for lock in (cache.use(folder), take(folder / evict.WRITER, exclusive=True)) if lock is not None]
    try:
        if len(locks) == 2 and not cache.refuses(planned.key):
            # Whoever opens it has loaded it just before, so its bytes are known to be good.
            manifest = persist.read_manifest(folder)
            if not manifest.whole:
                evict.sweep_entry(folder, _names(manifest))
                _make_room(cache, manifest, linked)
                writer = Writer(cache, folder, manifest, locks, new=False)
                locks = []
                return writer
            cache.touch(folder)
    finally:
        for lock in locks:
            lock.release()
    return None


def _begin(cache: DiskCache, planned: Manifest, token_ids: Sequence[int], linked: bool) -> Writer:
    folder = cache.readings / f"{evict.NEW}{os.getpid()}-{planned.key[:16]}{os.urandom(4).hex()}"
    base = cache.find(planned.fingerprint, token_ids).match
    base_lock = cache.use(base.folder) if base else None  # it must not be evicted to make room
    locks: list[Lock] = []
    try:
        shared = _shareable(base) if base and base_lock else ()
        _make_room(cache, planned.extended(shared), linked)
        folder.mkdir(mode=0o700)
        for name, exclusive in ((evict.LOCK, False), (evict.WRITER, True)):
            lock = take(folder / name, exclusive=exclusive)
            if lock is None:
                raise OSError(errno.ENOLCK, "its folder cannot be locked")
            locks.append(lock)
        persist.write_file(folder / persist.TOKENS, persist.token_bytes(token_ids))
        extents = _link(base.folder, folder, shared) if base else ()
        return Writer(cache, folder, planned.extended(extents), locks, new=True)
    except BaseException:
        evict.delete(folder)
        for lock in locks:
            lock.release()
        raise
    finally:
        if base_lock is not None:
            base_lock.release()


def _shareable(base: Match) -> tuple[Extent, ...]:
    """Return the extents of another entry that lie wholly in the common beginning."""
    return tuple(extent for extent in base.manifest.extents if extent.end <= base.n_tokens)


def _link(source: Path, target: Path, extents: tuple[Extent, ...]) -> tuple[Extent, ...]:
    """Share extents by hard link, as many as the file system allows; the others are written from memory."""
    for done, extent in enumerate(extents):
        try:
            os.link(source / extent.file, target / extent.file)
        except OSError:
            return extents[:done]
    return extents


def _make_room(cache: DiskCache, manifest: Manifest, linked: bool) -> None:
    tokens = (manifest.n_planned - manifest.n_tokens) * manifest.token_bytes
    states = 2 * manifest.state_bytes
    new = min(tokens, FILE_BYTES) if linked else tokens  # at most one file is copied
    evict.make_room(cache.readings, cache.damaged, tokens + states, cache.budget_bytes, new + states)


def _names(manifest: Manifest) -> set[str]:
    parts: tuple[Extent | Snapshot, ...] = (*manifest.extents, *manifest.snapshots)
    return {persist.MANIFEST, persist.TOKENS, evict.LOCK, evict.WRITER, *(part.file for part in parts)}
