"""The child's side of worker.py: apply the limits, run one loader, send what it returned.

Imports little, so that it starts in a few hundredths of a second. The limits guard
against accidents and hostile files; they are no sandbox against hostile code, which
loaders never run.
"""

from __future__ import annotations

import importlib
import json
import os
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from longdoc.errors import LongDocError, SourceError
from longdoc.settings import Settings

HEADER = struct.Struct(">cQ")  # kind of frame, payload bytes
REQUEST = struct.Struct(">Q")  # request bytes
PROGRESS, ERROR, DETAILS, TEXT = b"p", b"e", b"d", b"t"

_ADDRESS_SPACE_SLACK_BYTES = 1 << 30  # mapped libraries, thread stacks
_MAX_FILE_BYTES = 16 << 20  # a loader has nothing to write but bytecode
_PROGRESS_EVERY_S = 0.05


Work = Callable[[dict[str, Any], Settings, int], list[tuple[bytes, bytes]]]  # request, settings, output -> last frames


def main() -> None:
    """Serve one request from standard input and end."""
    serve(_load)


def serve(work: Work) -> None:
    """Do one request from standard input under its limits, send what comes of it, and end the process."""
    output = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    (size,) = REQUEST.unpack(_read(REQUEST.size))
    request = json.loads(_read(size))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    settings = _settings(request["settings"])
    _limit(settings)
    sys.addaudithook(_refuse_network)
    try:
        with _translated(request["name"], settings):
            frames = work(request, settings, output)
    except LongDocError as error:
        frames = [_error(error)]
    send(output, frames)
    os._exit(0)  # no time spent on taking large structures apart


def _load(request: dict[str, Any], settings: Settings, output: int) -> list[tuple[bytes, bytes]]:
    name = request["name"]
    module, _, function = request["loader"].partition(":")
    loader = getattr(importlib.import_module(module), function)
    loaded = loader(Path(request["path"]), name, settings, _Reporter(output), request["options"])
    from longdoc.sources.loaded import check

    path = Path(request["path"])
    check(loaded, name, settings, None if path.is_dir() else path.stat().st_size)
    details = {
        "segments": [astuple(segment) for segment in loaded.segments],
        "warnings": [astuple(warned) for warned in loaded.warnings],
        "title": loaded.title,
        "details": loaded.details,
    }
    return [(DETAILS, json.dumps(details).encode()), (TEXT, loaded.text.encode("utf-8"))]


@contextmanager
def _translated(name: str, settings: Settings) -> Iterator[None]:
    """Turn whatever a library raises into one clear error."""
    try:
        yield
    except LongDocError:
        raise
    except MemoryError as error:
        from longdoc.sources.worker import too_much_memory

        raise too_much_memory(name, settings.loader_memory_bytes) from error
    except RecursionError as error:
        raise SourceError(
            f"{name} could not be read: it is nested too deeply.",
            code="damaged",
            next_step="Simplify it and try again.",
        ) from error
    except Exception as error:
        # Measured on 971 odd PDFs: libraries raise far more than their documented exceptions.
        raise SourceError(
            f"{name} could not be read: it is damaged or of an unusual kind ({type(error).__name__}).",
            code="damaged",
            next_step="Open and save it in its own program, then try again.",
        ) from error


class _Reporter:
    """Sends progress, at most 20 times a second, and always the last step."""

    def __init__(self, output: int) -> None:
        self._output = output
        self._next_s = 0.0

    def __call__(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if now >= self._next_s or done >= total > 0:
            self._next_s = now + _PROGRESS_EVERY_S
            send(self._output, [(PROGRESS, json.dumps([done, total, what[:200]]).encode())])


def _error(error: LongDocError) -> tuple[bytes, bytes]:
    message = {"message": error.message, "code": error.code, "next_step": error.next_step}
    return ERROR, json.dumps(message).encode()


def send(output: int, frames: list[tuple[bytes, bytes]]) -> None:
    """Write frames to the parent."""
    for kind, payload in frames:
        _write(output, HEADER.pack(kind, len(payload)))
        _write(output, payload)


def _write(output: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(output, view[: 1 << 20]) :]


def _read(size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = os.read(0, size - len(data))
        if not piece:
            os._exit(1)  # the parent went before it had asked for anything
        data += piece
    return data


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


def _settings(values: dict[str, Any]) -> Settings:
    paths = {f.name for f in fields(Settings) if f.type in ("Path", Path)}
    typed: dict[str, Any] = {key: Path(value) if key in paths else value for key, value in values.items()}
    return Settings(**typed)


def _limit(settings: Settings) -> None:
    """Cap address space, processor time, written files and core dumps where the system knows such limits."""
    try:
        import resource
    except ImportError:
        return  # Windows: the parent's watch is the only limit
    wanted = {
        "RLIMIT_AS": settings.loader_memory_bytes + _ADDRESS_SPACE_SLACK_BYTES,
        "RLIMIT_CPU": int(settings.loader_timeout_s) + 10,  # in case the parent is stopped, too
        "RLIMIT_FSIZE": _MAX_FILE_BYTES,
        "RLIMIT_CORE": 0,
    }
    for limit_name, value in wanted.items():
        kind = getattr(resource, limit_name, None)
        if kind is None:
            continue
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (value, value))
        except (ValueError, OSError):
            continue  # macOS refuses RLIMIT_AS; the parent watches


def _refuse_network(event: str, _arguments: tuple[object, ...]) -> None:
    """Document text never becomes a network request, whatever a library thinks of a link in it."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"):
        raise PermissionError("loaders have no network")


if __name__ == "__main__":
    main()
