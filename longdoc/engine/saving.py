"""Saving one reading beside the work: checkpoints while it goes on, the rest at its end.

Runs on one thread that belongs to the engine. Document tokens never change once
read, so the thread may write them while the model reads on or answers. A disk
that refuses costs one warning and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future

from longdoc.cache.disk import DiskCache
from longdoc.cache.manifest import Manifest
from longdoc.cache.segment import Reading
from longdoc.cache.writer import Writer, open_writer
from longdoc.errors import CacheError

_log = logging.getLogger(__name__)


class Saving:
    """The saving of one reading. `warning` is set when it could not be kept."""

    def __init__(
        self,
        cache: DiskCache,
        planned: Manifest,
        token_ids: Sequence[int],
        reading: Reading,
        executor: Executor,
        on_saved: Callable[[Manifest], None] = lambda manifest: None,
    ) -> None:
        self._cache, self._planned, self._token_ids, self._reading = cache, planned, token_ids, reading
        self._executor, self._on_saved = executor, on_saved
        self._writer: Writer | None = None
        self._opened = False
        self._job: Future[None] | None = None
        self.warning: str | None = None

    def checkpoint(self) -> None:
        """Begin to save what has been read so far, unless a save is still running."""
        if self.warning is None and (self._job is None or self._job.done()):
            self._job = self._executor.submit(self._save, self._reading.checkpoint())

    def finish(self) -> None:
        """Begin to save all that has been read, and let the entry go; `wait` tells when it is done."""
        self._job = self._executor.submit(self._last, self._reading.checkpoint(last=True))

    def wait(self) -> None:
        if self._job is not None:
            self._job.result()

    def _save(self, n_tokens: int) -> None:
        if self.warning is not None:
            return
        try:
            if not self._opened:
                self._opened = True
                linked = self._reading.store is not None
                self._writer = open_writer(self._cache, self._planned, self._token_ids, linked=linked)
            if self._writer is not None:
                self._writer.save(self._reading, n_tokens)
        except CacheError as error:
            self.warning = f"What was read could not be kept for the next question: {error.message}. {error.next_step}"
            self.warning = self.warning.strip()
        except Exception as error:  # saving must never cost the answer
            _log.exception("saving a reading failed")
            self.warning = f"What was read could not be kept for the next question ({type(error).__name__})."

    def _last(self, n_tokens: int) -> None:
        self._save(n_tokens)
        if self._writer is None:
            return
        try:
            self._writer.close()
            if self.warning is None:
                self._on_saved(self._writer.manifest)
        except Exception:  # the reading itself is kept
            _log.exception("closing a saved reading failed")
