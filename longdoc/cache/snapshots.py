"""Recurrent states of a saved reading: one file for each place the reading can be cut back to.

    cache/readings/<key>/000004096.state

A file holds the state after that many tokens, is flushed before the manifest names
it, with its checksum, and is never changed. Kept for good are the places that end
a document; of the checkpoints between them only the newest. Keys and values of
hybrid models lie beside them as of any reading (`persist.py`).
"""

from __future__ import annotations

import contextlib
import zlib
from pathlib import Path

from longdoc.cache import persist
from longdoc.cache.manifest import Manifest, Snapshot
from longdoc.cache.segment import Reading
from longdoc.cache.state import State
from longdoc.errors import CacheError


def write(folder: Path, manifest: Manifest, reading: Reading, n_tokens: int) -> tuple[Snapshot, ...]:
    """Save the states of a reading up to `n_tokens`; return all that the next manifest is to name. Raises OSError."""
    if reading.states is None:
        return ()
    lasting = reading.states.marks | {n_tokens}
    named = {snapshot.n_tokens: snapshot for snapshot in manifest.snapshots if snapshot.n_tokens in lasting}
    for at, state in sorted(reading.states.kept.items()):
        if at in lasting and at <= n_tokens and at not in named:
            data = state.to_bytes()
            snapshot = Snapshot(at, len(data), _checksum(data))
            persist.write_file(folder / snapshot.file, data)
            named[at] = snapshot
    return tuple(named[at] for at in sorted(named))


def drop(folder: Path, before: Manifest, after: Manifest) -> None:
    """Delete the states that the manifest on the disk names no more."""
    for snapshot in set(before.snapshots) - set(after.snapshots):
        with contextlib.suppress(OSError):  # what stays is swept later
            (folder / snapshot.file).unlink()


def check(folder: Path, snapshot: Snapshot) -> bytes:
    """Return the bytes of one state after checking them. Raises CacheError."""
    try:
        data = (folder / snapshot.file).read_bytes()
    except FileNotFoundError as error:
        raise CacheError(f"its state {snapshot.file} is missing", code="damaged") from error
    except OSError as error:
        raise CacheError(f"its state {snapshot.file} cannot be read ({error.strerror or error})", code="io") from error
    if len(data) != snapshot.n_bytes:
        raise CacheError(
            f"its state {snapshot.file} has {len(data):,} bytes instead of {snapshot.n_bytes:,}", code="damaged"
        )
    if _checksum(data) != snapshot.checksum:
        raise CacheError(f"its state {snapshot.file} is damaged", code="damaged")
    return data


def load(folder: Path, manifest: Manifest, n_tokens: int, reading: Reading) -> None:
    """Give a reading, its tokens loaded, the state after them. Raises CacheError; the reading is then of no use."""
    if reading.states is None:
        return
    snapshot = next((each for each in manifest.snapshots if each.n_tokens == n_tokens), None)
    if snapshot is None:
        raise CacheError(f"it holds no state after {n_tokens:,} tokens", code="gone")
    reading.states.restore(State.from_bytes(check(folder, snapshot), reading.device), n_tokens)


def _checksum(data: bytes) -> str:
    return f"{zlib.crc32(data):08x}"
