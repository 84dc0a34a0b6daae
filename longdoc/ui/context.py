"""What all pages share: the library, the engine, the worker, the folder of uploads.

One context a server. Nothing in it belongs to a visitor: ticks, model and
conversation come with each call and are checked there.
"""

from __future__ import annotations

import re
import secrets
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from longdoc.backends import Backend
from longdoc.engine import Engine
from longdoc.errors import StoreError, UserError
from longdoc.files import display_name
from longdoc.settings import Settings
from longdoc.store import Library
from longdoc.ui.jobs import UNWATCHED_S, Worker
from longdoc.ui.models import Models
from longdoc.ui.selection import Counter

_UPLOAD = re.compile(r"[0-9a-f]{32}")


class Context:
    """Opens everything a server needs; `close` ends it. `load` makes backends; tests bring their own."""

    def __init__(
        self,
        settings: Settings,
        *,
        load: Callable[[str, Settings], Backend] | None = None,
        unwatched_s: float = UNWATCHED_S,
        local: bool = True,
    ) -> None:
        from longdoc.ui.work import handlers

        self.settings = settings
        self.local = local  # only this computer can reach the server, so folders of it may be named
        self.library = Library(settings)
        self.engine = Engine(settings, self.library, load=load)
        self.models = Models(settings, self.engine)
        self.counter = Counter(self.library)
        self.received = settings.home / "uploads" / "received"  # by Gradio; emptied as files are taken over
        self.kept = settings.home / "uploads" / "kept"  # until they are in the library
        for folder in (self.received, self.kept):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sweep()
        self.worker = Worker(self.library, handlers(self), unwatched_s=unwatched_s)

    def start(self) -> None:
        """Start the worker, and load the libraries that the first question needs in the background."""
        self.worker.start()
        threading.Thread(target=_warm, name="longdoc-warm", daemon=True).start()

    def close(self) -> None:
        self.worker.close()
        self.engine.close()
        self.library.close()

    def take_upload(self, path: str) -> str:
        """Move a file that Gradio received out of its reach and return the key to find it by.

        Raises UserError for a path that is not such a file.
        """
        given = Path(path)
        inside = given.is_absolute() and given.resolve().is_relative_to(self.received.resolve())
        if not inside or given.is_symlink() or not given.is_file():
            raise UserError("This file was not uploaded here.", code="bad_upload", next_step="Add it again.")
        key = secrets.token_hex(16)
        try:
            shutil.move(given, self.kept / key)
            with suppress(OSError):
                given.parent.rmdir()
        except OSError as error:
            raise StoreError(
                f"{display_name(given.name)} could not be taken over: {error.strerror}.", code="disk"
            ) from error
        return key

    def upload(self, key: str) -> Path:
        """Return the file of a key. Raises UserError when it is gone."""
        path = self.kept / key
        if not _UPLOAD.fullmatch(key) or not path.is_file():
            raise UserError("The uploaded file is no longer here.", code="gone", next_step="Add it again.")
        return path

    def drop_upload(self, key: str) -> None:
        if _UPLOAD.fullmatch(key):
            with suppress(OSError):
                (self.kept / key).unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Delete uploads that no unfinished or failed job refers to."""
        needed = {
            str(job.request.get("upload", ""))
            for job in self.library.jobs(limit=5000)
            if job.kind == "evaluate" or (job.kind in ("ingest", "look", "transcribe") and job.state != "stopped")
        }
        for path in self.kept.iterdir():
            if path.name not in needed:
                path.unlink(missing_ok=True)
        shutil.rmtree(self.received, ignore_errors=True)
        self.received.mkdir(parents=True, exist_ok=True, mode=0o700)


def _warm() -> None:
    with suppress(ImportError):
        import torch  # noqa: F401  # for its side effect: loaded early, off the first question
