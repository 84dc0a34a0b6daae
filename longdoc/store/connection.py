"""One SQLite file, opened safely: two connections, one writer at a time, errors in plain words.

Every write, checkpoint, open and close of any process happens under one lock
file. SQLite before 3.51.3 can lose pages when a checkpoint meets another
writer at the wrong moment (the WAL-reset bug); with automatic checkpoints off
and everything that touches the log behind the lock, that moment cannot come.
Readers take no lock: they see the last committed state while a write runs.
Tables and their meaning belong to the other files of this package.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from longdoc.errors import StoreError
from longdoc.files import disk_error

BUSY_S = 30.0  # how long a write waits for another process before it says "busy"
_CHECKPOINT_BYTES = 8 << 20  # log size after which a writer copies it into the database


class Connection:
    """A database file with one writing and one reading connection, or a database in memory.

    `path` None means memory. Raises StoreError with code `damaged`, `busy` or `disk`.
    """

    def __init__(self, path: Path | None, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self.refusal: StoreError | None = None  # why it cannot be written
        self._write_lock = threading.RLock()
        self._read_lock = threading.RLock()
        self._depth = 0  # of nested writing() blocks
        self._lock_depth = 0  # of holders of the lock file in this process
        self._closed = False
        self._lock_file: int | None = None
        if path is not None and not read_only:
            try:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._lock_file = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                raise disk_error(path, error) from error
        with self.exclusive():
            self._writer = self._connect()
            self._reader = self._writer if path is None else self._connect()
            if path is None:
                self._read_lock = self._write_lock
        self._finalizer = weakref.finalize(self, _shut, self._lock_file, self._writer, self._reader)

    def close(self) -> None:
        """Copy the log into the database and close. Safe to call twice."""
        self._closed = True
        with self._write_lock, self._read_lock:
            self._finalizer()

    @property
    def notice(self) -> str:
        """Why the library is open for reading only, for people; empty if it is not."""
        return str(self.refusal) if self.refusal else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """One transaction (`BEGIN IMMEDIATE`), yielded as a sqlite_utils Database; nested blocks join it.

        All of the block is stored or, after any exception, nothing.
        """
        if self._closed:
            raise StoreError("The library was closed.", code="closed", next_step="Open it again.")
        if self.read_only:
            why = self.refusal or StoreError("The library is open for reading only.", code="read_only")
            raise StoreError(why.message, code=why.code, next_step=why.next_step)
        with self._write_lock, self.translated():
            if self._depth:
                yield self._writer
                return
            with self.exclusive():
                self._writer.conn.execute("BEGIN IMMEDIATE")
                self._depth += 1
                try:
                    yield self._writer
                    self._writer.conn.execute("COMMIT")
                except BaseException:
                    self._writer.rollback()
                    raise
                finally:
                    self._depth -= 1
                self._checkpoint()

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """A sqlite_utils Database for reads. Inside a write of the same thread it sees that write."""
        if self._closed:
            raise StoreError("The library was closed.", code="closed", next_step="Open it again.")
        if self._write_lock.acquire(blocking=False):
            # Nobody else writes through this object, so asking about our own depth is safe.
            try:
                if self._depth:
                    with self.translated():
                        yield self._writer
                    return
            finally:
                self._write_lock.release()
        with self._read_lock, self.translated():
            yield self._reader

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the lock that every writer of every process takes, without a transaction."""
        with self._write_lock, self.translated(), _file_lock(None if self._lock_depth else self._lock_file):
            self._lock_depth += 1
            try:
                yield
            finally:
                self._lock_depth -= 1

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn errors of SQLite into StoreError; damage found while running ends all further writing."""
        try:
            yield
        except sqlite3.Error as error:
            translated = self._explain(error)
            if translated.code == "damaged" and not self.read_only:
                self.read_only = True
                self.refusal = translated
            raise translated from error

    def _connect(self) -> Any:
        import sqlite_utils  # imports pandas where that is installed: 0.3 s that `--help` must not pay

        if self.path is None:
            connection = sqlite3.connect(":memory:", check_same_thread=False)
        elif self.read_only:
            connection = _connect_read_only(self.path)
        else:
            connection = sqlite3.connect(self.path, timeout=BUSY_S, check_same_thread=False)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA cache_size = -32000")
            if self.path is not None and not self.read_only:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA wal_autocheckpoint = 0")
            return sqlite_utils.Database(connection)
        except BaseException:
            connection.close()
            raise

    def _checkpoint(self) -> None:
        if self.path is None:
            return
        log = self.path.with_name(self.path.name + "-wal")
        with suppress(OSError, sqlite3.Error):  # the data is safe in the log; the next write tries again
            if log.stat().st_size > _CHECKPOINT_BYTES:
                self._writer.conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _explain(self, error: sqlite3.Error) -> StoreError:
        name = self.path.name if self.path else "The database in memory"
        where = str(self.path) if self.path else "memory"
        code = getattr(error, "sqlite_errorcode", None)
        primary = code & 0xFF if isinstance(code, int) else None
        text = str(error)
        if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "malformed" in text:
            return StoreError(
                f"The library database {where} is damaged ({text}). It was left as it is.",
                code="damaged",
                next_step="Restore it from a backup, or move it to another folder and LongDoc starts a new one; "
                "your original files are still in the library folder.",
            )
        if primary in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return StoreError(
                f"{name} could not be saved: {'the disk is full' if primary == sqlite3.SQLITE_FULL else text}.",
                code="disk",
                next_step="Free some space or choose another folder with LONGDOC_HOME, then try again.",
            )
        if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return busy_error()
        if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            return StoreError(
                f"The library database {where} cannot be written: {text}.",
                code="read_only",
                next_step="Give yourself write permission there, or choose another folder with LONGDOC_HOME.",
            )
        return StoreError(f"The library database refused: {text}.", next_step="Run it again; if it stays, report it.")


def busy_error() -> StoreError:
    """Return the error of a write that another process held up for too long."""
    return StoreError(
        "Another LongDoc process is writing to the library and did not finish in time.",
        code="busy",
        next_step="Wait until it is done, then try again.",
    )


@contextmanager
def _file_lock(descriptor: int | None) -> Iterator[None]:
    """Hold an advisory lock that ends with the process, however that ends. None: no lock."""
    if descriptor is None:
        yield
        return
    deadline = time.monotonic() + BUSY_S
    pause = 0.001
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise busy_error() from error
            time.sleep(pause)
            pause = min(pause * 2, 0.05)
        except OSError:  # a network disk without locks: SQLite's own locks remain
            yield
            return
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _connect_read_only(path: Path) -> sqlite3.Connection:
    """Open without writing anything; `immutable` where the folder admits no shared-memory file."""
    uri = path.absolute().as_uri()
    connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, check_same_thread=False)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return connection
    except sqlite3.OperationalError:
        connection.close()
        return sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, check_same_thread=False)


def _shut(lock_file: int | None, writer: Any, reader: Any) -> None:
    """Close both connections under the lock: the last one to go checkpoints."""
    try:
        with suppress(StoreError), _file_lock(lock_file):
            for connection in (reader, writer):
                with suppress(sqlite3.Error):
                    connection.close()
    finally:
        if lock_file is not None:
            os.close(lock_file)
