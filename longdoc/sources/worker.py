"""Runs one loader in a child process with limits on time, memory and output.

The child (child.py) is a fresh interpreter that imports the one loader it needs; it
speaks frames of one letter, a length and a payload on its private copy of standard
output, while whatever libraries print goes nowhere. It ends when its standard input
closes, so it never outlives a killed parent. Knows nothing of formats.

Memory is limited twice: the parent watches what the child really occupies, and the
child's address space is capped a little higher, for what grows between two looks.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from longdoc.errors import SourceError, Stopped
from longdoc.settings import Settings
from longdoc.sources.child import DETAILS, ERROR, HEADER, REQUEST, TEXT
from longdoc.types import Segment, Warned

if TYPE_CHECKING:
    from longdoc.sources.loaded import Loaded

_LOOK_EVERY_S = 0.1
_MAX_DETAIL_BYTES = 512 << 20

_Frame = tuple[bytes, bytes] | SourceError | None  # None: the child closed its output


def run(
    loader: str,
    path: Path,
    name: str,
    settings: Settings,
    *,
    on_progress: Callable[[int, int, str], None] | None = None,
    stop: threading.Event | None = None,
    options: Mapping[str, Any] | None = None,
) -> Loaded:
    """Run `loader` ("module:function") on `path` in a child and return what it loaded.

    Raises the loader's own SourceError, or one with code timeout, too_much_memory, too_large or
    crashed; Stopped within 1 s of `stop` being set. The child is gone when this returns.
    """
    request = {
        "loader": loader,
        "path": str(path),
        "name": name,
        "settings": settings_json(settings),
        "options": dict(options or {}),
    }
    with served(request, name, settings, stop) as watch:
        return watch.follow(on_progress)


@contextlib.contextmanager
def served(
    request: Mapping[str, Any],
    name: str,
    settings: Settings,
    stop: threading.Event | None,
    module: str = "longdoc.sources.child",
) -> Iterator[Watch]:
    """Start a child on a request and yield what watches it; the child is gone at the end."""
    child = _start(json.dumps(request).encode("utf-8", "surrogatepass"), name, module)
    frames: queue.SimpleQueue[_Frame] = queue.SimpleQueue()
    limit = 4 * settings.max_text_characters + _MAX_DETAIL_BYTES
    reader = threading.Thread(target=_read_frames, args=(child.stdout, frames, limit, name), daemon=True)
    reader.start()
    try:
        yield Watch(child, name, settings, stop, frames)
    finally:
        child.kill()
        child.wait()
        reader.join()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # the child may have died before it had read its request
                    pipe.close()


class Watch:
    """One child being waited for: its deadline, its memory, the stop flag."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        name: str,
        settings: Settings,
        stop: threading.Event | None,
        frames: queue.SimpleQueue[_Frame],
    ) -> None:
        self._child = child
        self._frames = frames
        self._name = name
        self._limit_bytes = settings.loader_memory_bytes
        self._timeout_s = settings.loader_timeout_s
        self._deadline = time.monotonic() + settings.loader_timeout_s
        self._stop = stop
        self._peak_bytes = 0

    def follow(self, on_progress: Callable[[int, int, str], None] | None) -> Loaded:
        details: dict[str, Any] | None = None
        while True:
            kind, payload = self.frame()
            if kind == TEXT and details is not None:
                return _loaded(payload.decode("utf-8"), details)
            message = self.message(kind, payload)
            if kind == DETAILS:
                details = message
            elif on_progress is not None:
                on_progress(message[0], message[1], message[2])

    def frame(self) -> tuple[bytes, bytes]:
        """Wait for a frame, looking at the clock, the memory and the stop flag between. Raises SourceError, Stopped."""
        while True:
            self._look()
            try:
                frame = self._frames.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                continue
            if isinstance(frame, SourceError):
                raise frame
            if frame is None:
                raise self._death()
            return frame

    def message(self, kind: bytes, payload: bytes) -> Any:
        """Return the JSON of a frame. Raises the child's own error if it is one."""
        try:
            message = json.loads(payload)
        except ValueError as error:
            raise self._death() from error
        if kind == ERROR:
            raise SourceError(message["message"], code=message["code"], next_step=message["next_step"])
        return message

    def more_time(self) -> None:
        """Begin the time limit anew: the child has shown that it goes on."""
        self._deadline = time.monotonic() + self._timeout_s

    def _look(self) -> None:
        if self._stop is not None and self._stop.is_set():
            raise Stopped
        if time.monotonic() > self._deadline:
            raise SourceError(
                f"{self._name} took longer than {self._timeout_s:g} s to read and was given up.",
                code="timeout",
                next_step="Split it, or raise LONGDOC_LOADER_TIMEOUT_S.",
            )
        self._peak_bytes = max(self._peak_bytes, _resident_bytes(self._child.pid))
        if self._peak_bytes > self._limit_bytes:
            raise too_much_memory(self._name, self._limit_bytes)

    def _death(self) -> SourceError:
        """Explain a child that ended, or closed its output, without a result."""
        try:
            code = self._child.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            code = 0
        # Native libraries answer a refused allocation with a signal; the system's own rescue is SIGKILL.
        if code == -getattr(signal, "SIGKILL", 9) or (code < 0 and self._peak_bytes > 0.6 * self._limit_bytes):
            return too_much_memory(self._name, self._limit_bytes)
        return SourceError(
            f"{self._name} could not be read: its reader ended unexpectedly ({_exit_words(code)}).",
            code="crashed",
            next_step="The file is probably damaged; open and save it in its own program, then try again.",
        )


def too_much_memory(name: str, limit_bytes: int) -> SourceError:
    """Return the error for a source whose reading needs more memory than allowed."""
    return SourceError(
        f"{name} needed more than {limit_bytes / (1 << 20):,.0f} MB of memory to read and was given up.",
        code="too_much_memory",
        next_step="Split it, or raise LONGDOC_LOADER_MEMORY_BYTES.",
    )


def _exit_words(code: int) -> str:
    if code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"


def _start(request: bytes, name: str, module: str) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).resolve().parents[2])
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (root, environment.get("PYTHONPATH"))))
    # One thread each: loaders are serial, and every BLAS thread would reserve address space.
    environment.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MALLOC_ARENA_MAX="2")
    try:
        child = subprocess.Popen(
            # -P: the folder people work in may hold a json.py; it is not on the path.
            [sys.executable, "-P", "-X", "utf8", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        assert child.stdin is not None
        try:
            child.stdin.write(REQUEST.pack(len(request)) + request)
            child.stdin.flush()  # stays open: its end tells the child that we are gone
        except BrokenPipeError:
            pass  # reported as a dead child by whoever reads its output
    except OSError as error:
        raise SourceError(
            f"{name} could not be read: no process could be started for it ({error.strerror or error}).",
            code="crashed",
            next_step="Close other programs and try again.",
        ) from error
    return child


def _read_frames(output: IO[bytes] | None, frames: queue.SimpleQueue[_Frame], limit: int, name: str) -> None:
    """Pass on the child's frames until its output ends or exceeds `limit` bytes."""
    assert output is not None
    total = 0
    while True:
        header = output.read(HEADER.size)
        if len(header) < HEADER.size:
            frames.put(None)
            return
        kind, size = HEADER.unpack(header)
        total += HEADER.size + size
        if total > limit:
            frames.put(
                SourceError(
                    f"{name} unfolds into more than {limit / (1 << 20):,.0f} MB and was given up.",
                    code="too_large",
                    next_step="Split it.",
                )
            )
            return
        payload = output.read(size)
        frames.put((kind, payload) if len(payload) == size else None)
        if len(payload) < size:
            return


def _loaded(text: str, details: dict[str, Any]) -> Loaded:
    from longdoc.sources.loaded import Loaded

    return Loaded(
        text=text,
        segments=tuple(Segment(*row) for row in details["segments"]),
        warnings=tuple(Warned(*row) for row in details["warnings"]),
        title=details["title"],
        details=details["details"],
    )


def _resident_bytes(pid: int) -> int:
    """Memory a process has filled, without mapped files; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            _, resident, shared = file.read().split()[:3]
        return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        pass
    if sys.platform == "linux":
        return 0
    import psutil  # 15 ms to import, needed where there is no /proc

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def settings_json(settings: Settings) -> dict[str, Any]:
    """Return settings as a child takes them."""
    values = {f.name: getattr(settings, f.name) for f in dataclasses.fields(settings)}
    return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
