"""What ends a command early: Ctrl-C, errors for people, faults of our own.

The log of faults holds types and places in our code, never text of documents.
"""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from longdoc.settings import Settings


@contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C sets, so that work ends cleanly; the second one interrupts at once."""
    stop = threading.Event()

    def interrupted(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop  # signals belong to the main thread
        return
    former = signal.signal(signal.SIGINT, interrupted)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, former)


def one_line(message: str) -> str:
    """Return a message as one line without control characters that a file name may have brought in."""
    clean = "".join(ch if ch.isprintable() else " " if ch.isspace() else "\N{REPLACEMENT CHARACTER}" for ch in message)
    return " ".join(clean.split()).encode("utf-8", "replace").decode("utf-8")


def record(error: BaseException, settings: Settings | None) -> Path | None:
    """Add a fault to the log and return its path; None if it cannot be written."""
    if settings is None:
        return None
    path = settings.home / "errors.log"
    lines = [f"{time.strftime('%Y-%m-%d %H:%M:%S')} {type(error).__module__}.{type(error).__qualname__}"]
    link: BaseException | None = error
    while link is not None:
        # No messages: an exception may quote the text it failed on.
        lines.append(f"  {type(link).__name__}")
        lines.extend(
            f"    {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(link.__traceback__)
        )
        link = link.__cause__ or link.__context__
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="replace") as file:
            file.write("\n".join(lines) + "\n")
    except OSError:
        return None
    return path
