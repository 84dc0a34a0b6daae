"""What was read stays: the last reading at hand, all of them on disk, the longest beginning reused.

A reading at hand, in memory or mapped, needs no loading, so it is preferred where
it covers as much. Which bytes are on disk, and whether they are
whole, is `longdoc.cache`'s business.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from longdoc.backends import Backend
from longdoc.cache.disk import MIN_SHARED_TOKENS, DiskCache
from longdoc.cache.manifest import Manifest
from longdoc.cache.segment import Reading
from longdoc.cache.writer import plan_entry
from longdoc.engine.saving import Saving
from longdoc.errors import CacheError, LongDocError, Stopped
from longdoc.settings import Settings
from longdoc.store import Library
from longdoc.store.readings import CacheEntry
from longdoc.types import Prompt, ReadingPlan

_LOOK_S = 0.2  # how often a wait looks at the stop flag


@dataclass(frozen=True)
class Prefix:
    """The part of a prompt that can be kept, and what it belongs to."""

    token_ids: Sequence[int]
    fingerprint: str
    documents: tuple[str, ...]  # ids
    about: Mapping[str, str]
    marks: frozenset[int] = frozenset()  # tokens after which a document ends


def ends_of_documents(prompt: Prompt) -> frozenset[int]:
    """Return the places in the prefix at which a document ends, what packing writes around it included."""
    ends = {}
    for region in prompt.regions:
        if region.document_id is not None:
            ends[region.document_id] = region.tokens[1]
    return frozenset(end for end in ends.values() if end <= prompt.prefix_len)


@dataclass(frozen=True)
class Reused:
    """A reading to go on with: its first tokens are those of the prefix. `reasons`: what was not used, and why."""

    reading: Reading
    reasons: tuple[str, ...] = ()


class Keeper:
    """Readings of one engine. One caller at a time, besides the saving thread."""

    def __init__(self, settings: Settings, library: Library | None = None) -> None:
        self.disk = DiskCache(settings.cache, settings.cache_budget_bytes)
        self._library = library
        self._held: tuple[Prefix, Reading] | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="longdoc-save")

    @property
    def held_bytes(self) -> int:
        return self._held[1].nbytes if self._held else 0

    def reuse(
        self,
        backend: Backend,
        plan: ReadingPlan,
        prefix: Prefix,
        stop: threading.Event,
        admit: Callable[[], None],
    ) -> Reused:
        """Return a reading with room for the prefix and as much of it as is stored.

        `admit` is called before memory is taken and raises when there is too little. Raises Stopped, ModelError.
        """
        self.settle(stop)
        wanted = len(prefix.token_ids)
        in_memory = self._common(prefix)
        reasons: list[str] = []
        failed: set[str] = set()
        while True:
            match = None
            if in_memory < wanted:
                lookup = self.disk.find(prefix.fingerprint, prefix.token_ids, failed)
                match = lookup.match
                reasons.extend(lookup.reasons)
            if in_memory and (match is None or match.n_tokens <= in_memory):
                return Reused(self._take_held(backend, plan, wanted, in_memory, admit), tuple(reasons))
            self.drop_held()
            in_memory = 0
            admit()
            reading = backend.new_cache(plan, wanted)
            if match is not None:
                try:
                    self.disk.load(match, reading, stop)
                except CacheError as error:
                    reasons.append(f"The stored reading of these documents was not used: {error}.")
                    failed.add(match.folder.name)
                    del reading  # its memory goes before the next is taken
                    continue
            self._reserve(reading)
            return Reused(reading, tuple(dict.fromkeys(reasons)))

    def saving(self, prefix: Prefix, reading: Reading) -> Saving:
        """Return the saving of a reading that is about to go on."""
        planned = plan_entry(self.disk, prefix.fingerprint, prefix.token_ids, reading, prefix.documents, prefix.about)
        return Saving(self.disk, planned, prefix.token_ids, reading, self._executor, self._index)

    def hold(self, prefix: Prefix, reading: Reading) -> None:
        """Keep a reading in memory for the next question; the one before goes."""
        self._held = (prefix, reading)

    def drop_held(self) -> None:
        self._held = None

    def settle(self, stop: threading.Event | None = None) -> None:
        """Wait until nothing is being saved. Raises Stopped."""
        last = self._executor.submit(lambda: None)
        while stop is not None and not wait([last], _LOOK_S).done:
            if stop.is_set():
                raise Stopped
        last.result()

    def forget(self, document_id: str) -> int:
        """Delete every reading that holds a document, in memory and on disk; return how many on disk."""
        if self._held and document_id in self._held[0].documents:
            self.drop_held()
        gone = self.disk.remove_document(document_id)
        self._sync_index()
        return gone

    def close(self) -> None:
        self.drop_held()
        self._executor.shutdown(wait=True)

    def _common(self, prefix: Prefix) -> int:
        """Return how many tokens the reading in memory shares with the prefix, 0 for too few to matter."""
        if self._held is None or self._held[0].fingerprint != prefix.fingerprint:
            return 0
        held = self._held[1].token_ids
        limit = min(len(held), len(prefix.token_ids))
        n = limit
        if list(prefix.token_ids[:limit]) != held[:limit]:
            n = next(i for i, (a, b) in enumerate(zip(held, prefix.token_ids, strict=False)) if a != b)
        n = self._held[1].reachable(n)
        return n if n >= min(MIN_SHARED_TOKENS, len(prefix.token_ids)) else 0

    def _take_held(
        self, backend: Backend, plan: ReadingPlan, wanted: int, n_tokens: int, admit: Callable[[], None]
    ) -> Reading:
        """Return the reading at hand cut to `n_tokens`, moved to a larger one where it lacks room."""
        assert self._held is not None
        old = self._held[1]
        self.drop_held()  # it is about to change
        larger: Reading | None = old
        if old.capacity < wanted:
            old.truncate(n_tokens)
            larger = old.grown(wanted)
        if larger is None:
            admit()
            larger = backend.new_cache(plan, wanted)
            larger.copy_from(old, n_tokens)
        larger.truncate(n_tokens)
        self._reserve(larger)
        return larger

    def _reserve(self, reading: Reading) -> None:
        """Take the room on the disk that the rest of a reading needs, older readings making way. Raises ModelError."""
        missing = 0 if reading.store is None else reading.store.missing_bytes()
        if missing:
            self.disk.clear(missing)
            reading.reserve()

    def _index(self, saved: Manifest) -> None:
        """Note a saved reading in the library; an index that lags behind is corrected by the next save."""
        if self._library is None:
            return
        folder = self.disk.readings / saved.key
        entry = CacheEntry(
            saved.key,
            saved.fingerprint,
            saved.n_tokens,
            saved.n_tokens * saved.token_bytes,
            str(folder),
            saved.created_at,
            document_ids=saved.documents,
        )
        with contextlib.suppress(LongDocError):
            self._library.put_cache_entry(entry)
        self._sync_index()

    def _sync_index(self) -> None:
        """Drop index rows whose files are gone."""
        if self._library is None:
            return
        with contextlib.suppress(LongDocError):
            for entry in self._library.cache_entries():
                if not (self.disk.readings / entry.key).exists():
                    self._library.delete_cache_entry(entry.key)
