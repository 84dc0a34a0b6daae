"""Reading a prefix: admission, steps, checkpoints, and what to do when memory runs out.

Runs inside the worker's turn. Where a stored reading comes from is left to
`keeping.py`, what an answer is made of to `engine.py`.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from longdoc.attention.sparsity import resumes_at
from longdoc.backends import Backend
from longdoc.cache.segment import Reading
from longdoc.engine.keeping import Keeper, Prefix
from longdoc.engine.progress import TimeLeft
from longdoc.engine.saving import Saving
from longdoc.errors import ModelError
from longdoc.planning import Cost, Step, memory
from longdoc.settings import Settings
from longdoc.types import Progress, ReadingPlan

_MIN_STEP = 32  # tokens


@dataclass
class Read:
    """A prefix that has been read, and how."""

    reading: Reading
    reused: int  # tokens that were not read again
    seconds: float
    steps: list[Step]
    plan: ReadingPlan
    saving: Saving | None = None
    warnings: list[str] = field(default_factory=list)


class Reader:
    """Reads one prefix with one backend."""

    def __init__(
        self,
        backend: Backend,
        keeper: Keeper,
        settings: Settings,
        stop: threading.Event,
        on_progress: Callable[[Progress], None],
        before: Cost | None = None,
    ) -> None:
        self._backend, self._keeper, self._settings = backend, keeper, settings
        self._stop, self._on_progress, self._before = stop, on_progress, before

    def read(self, prefix: Prefix, plan: ReadingPlan, keep: bool) -> Read:
        """Return the prefix read, the stored part of it reused; with `keep` it is being saved.

        Where the disk fails a reading that is made there, memory takes over if it has room. Raises Stopped
        (what was read so far is being saved), ModelError.
        """
        try:
            return self._in_memory_at_hand(prefix, plan, keep)
        except ModelError as error:
            if error.code != "disk" or plan.cache_tier != "disk":
                raise
            failed = error
        try:
            read = self._in_memory_at_hand(prefix, replace(plan, cache_tier="ram"), keep)
        except ModelError as error:
            raise (failed if error.code == "too_large" else error) from error
        read.warnings.append(f"{failed.message} It was read in memory instead.")
        return read

    def _in_memory_at_hand(self, prefix: Prefix, plan: ReadingPlan, keep: bool) -> Read:
        """Read; once more with smaller steps where memory runs out."""
        try:
            return self._attempt(prefix, plan, keep)
        except (ModelError, MemoryError) as error:
            why = _out_of_memory(error)
        # Outside the handler, so that the failed attempt's reading is gone before the next is made.
        free_memory(self._keeper)
        smaller = replace(plan, prefill_step=max(plan.prefill_step // 4, _MIN_STEP))
        try:
            return self._attempt(prefix, smaller, keep)
        except (ModelError, MemoryError) as error:
            _out_of_memory(error)
            free_memory(self._keeper)
            raise ModelError(why, code="memory", next_step=memory.REFUSAL_NEXT_STEP) from error

    def _attempt(self, prefix: Prefix, plan: ReadingPlan, keep: bool) -> Read:
        began = time.perf_counter()
        if keep:
            found = self._keeper.reuse(
                self._backend, plan, prefix, self._stop, lambda: self._admit(plan, len(prefix.token_ids))
            )
            reading, warnings = found.reading, list(found.reasons)
        else:
            self._admit(plan, len(prefix.token_ids))
            reading, warnings = self._backend.new_cache(plan, len(prefix.token_ids)), []
        if reading.states is not None:
            reading.states.marks = prefix.marks
        reading.truncate(resumes_at(plan.attention, reading.n_tokens, len(prefix.token_ids)))
        reused = reading.n_tokens
        total = len(prefix.token_ids)
        if reused:
            self._on_progress(Progress("reused", reused, total))
        saving = self._keeper.saving(prefix, reading) if keep and total else None
        clock = TimeLeft(total, self._before)
        try:
            self._steps(prefix, plan, reading, clock, saving)
        finally:
            if saving is not None:
                saving.finish()
        if keep:
            self._keeper.hold(prefix, reading)
        return Read(reading, reused, time.perf_counter() - began, clock.steps, plan, saving, warnings)

    def _steps(
        self, prefix: Prefix, plan: ReadingPlan, reading: Reading, clock: TimeLeft, saving: Saving | None
    ) -> None:
        """Read what is missing, in steps."""
        total = len(prefix.token_ids)
        saved_at = time.monotonic()
        at, before = reading.n_tokens, time.perf_counter()
        for done in self._backend.prefill(prefix.token_ids, reading, plan, self._stop):
            clock.add(at, done, time.perf_counter() - before)
            at = done
            self._on_progress(Progress("reading", done, total, clock.left_s(done)))
            if saving is not None and time.monotonic() - saved_at >= self._settings.checkpoint_every_s:
                saving.checkpoint()
                saved_at = time.monotonic()
            before = time.perf_counter()

    def _admit(self, plan: ReadingPlan, n_tokens: int) -> None:
        """Raise ModelError when the reading cannot fit; the one kept in memory gives way first."""
        needed = memory.reading_bytes(self._backend.info, n_tokens, plan.kv_dtype, plan.prefill_step, plan.cache_tier)
        why = memory.refusal(plan, needed, memory.available_bytes())
        if why is not None and self._keeper.held_bytes:
            free_memory(self._keeper)
            why = memory.refusal(plan, needed, memory.available_bytes())
        if why is not None:
            raise ModelError(why, code="too_large", next_step=memory.REFUSAL_NEXT_STEP)


def _out_of_memory(error: ModelError | MemoryError) -> str:
    """Return what an error says of memory, after letting go of what it holds. Raises any other error again."""
    if isinstance(error, ModelError) and error.code != "memory":
        raise error
    link: BaseException | None = error
    while link is not None:
        traceback.clear_frames(link.__traceback__)  # their variables hold the reading that did not fit
        link = link.__cause__ or link.__context__
    return error.message if isinstance(error, ModelError) else "There is not enough memory to read this."


def free_memory(keeper: Keeper) -> None:
    """Give back every reading held and what the allocator of an accelerator keeps."""
    keeper.settle()  # a reading being saved is held by its saving
    keeper.drop_held()
    gc.collect()
    torch = sys.modules.get("torch")  # never imported for this
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
