"""The engine: one worker around the models. Read a prompt's documents once, answer on top of them.

Callers bring packed prompts and plans and get tokens, text, evidence blocks and
usage back; what documents and citations are is left to them. Any thread may
call; the worker serves one request at a time, in a fair order.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from longdoc.attention.probe import recall_of
from longdoc.backends import Backend, Constraint
from longdoc.backends.remote import RemoteBackend, is_address
from longdoc.engine.answering import Answering, Render
from longdoc.engine.keeping import Keeper, Prefix, ends_of_documents
from longdoc.engine.progress import PeakMemory
from longdoc.engine.queue import Queue
from longdoc.engine.reading import Read, Reader, free_memory
from longdoc.errors import ModelError
from longdoc.planning import Measurements, Step, describe, make_plan, memory
from longdoc.settings import Settings
from longdoc.store import Library
from longdoc.types import Generation, ModelInfo, Progress, Prompt, ReadingPlan, Usage

OnProgress = Callable[[Progress], None]
Loader = Callable[[str, Settings], Backend]
_CALIBRATION_TOKENS = 512


def _quiet(progress: Progress) -> None:
    pass


class Engine:
    """Models, their readings and the queue before them. Close it at the end.

    `load` makes a backend from a model's name; tests bring their own. While waiting, Progress
    is ("queued", 0, requests before this one).
    """

    def __init__(self, settings: Settings, library: Library | None = None, *, load: Loader | None = None) -> None:
        self.settings = settings
        self.keeper = Keeper(settings, library)
        self._load = load or _load_local
        self._queue = Queue()
        self._backends: dict[str, Backend] = {}
        self._remotes: dict[str, RemoteBackend] = {}
        self._loading = threading.RLock()
        self._running: list[threading.Event] = []  # stop flags of all requests, waiting ones included
        self._closed = False
        self._loaded_at = 0.0  # when the last model had been loaded, on the clock of time.perf_counter

    # models

    def backend(self, model: str) -> Backend:
        """Return a model, loaded on first use and kept. Raises ModelError; for a server's address see `remote`."""
        if is_address(model):
            raise ModelError(f"{model} is a server; it is asked with chat messages.", code="remote_only")
        with self._loading:
            found = self._backends.get(model)
            if found is None:
                found = self._load(model, self.settings)
                self._backends[model] = found
            return found

    def remote(self, model: str) -> RemoteBackend:
        """Return a server by its address, asked for its window on first use. Raises RemoteError."""
        with self._loading:
            found = self._remotes.get(model)
            if found is None:
                found = RemoteBackend(model, self.settings)
                self._remotes[model] = found
            return found

    def info(self, model: str) -> ModelInfo:
        """Return what is known of a model without loading its weights. Raises ModelError, RemoteError."""
        if is_address(model):
            return self.remote(model).info
        with self._loading:
            if model in self._backends:
                return self._backends[model].info
        return _describe_local(model, self.settings)

    def plan(self, model: str, prompt: Prompt | int, **overrides: Any) -> ReadingPlan:
        """Return how a prompt (or one of so many tokens) will be read; overrides as of `make_plan`.

        Raises UserError for an unknown override, ModelError.
        """
        info = self.info(model)
        n_tokens = prompt if isinstance(prompt, int) else len(prompt.token_ids)
        measured = Measurements.of(self.settings, info)
        return make_plan(info, n_tokens, settings=self.settings, measured=measured, **overrides)

    def measure(self, model: str, stop: threading.Event | None = None) -> None:
        """Read some made-up tokens to learn this machine's speed with a model. Raises ModelError, Stopped."""
        backend = self.backend(model)
        plan = replace(make_plan(backend.info, _CALIBRATION_TOKENS, settings=self.settings), prefill_step=128)
        ids = [7 + i % 90 for i in range(_CALIBRATION_TOKENS)]
        stop = stop or threading.Event()
        with self._queue.turn("calibration", stop, lambda place: None):
            read = self._reader(backend, plan, stop, _quiet).read(Prefix(ids, "", (), {}), plan, keep=False)
            self._record(backend, read.plan, read.steps, None)

    # requests

    def read(
        self,
        model: str,
        prompt: Prompt,
        plan: ReadingPlan,
        stop: threading.Event | None = None,
        on_progress: OnProgress = _quiet,
        *,
        owner: str = "local",
        on_warning: Callable[[str], None] = lambda text: None,
    ) -> Usage:
        """Read a prompt's documents and keep them, on disk and in memory. Raises Stopped, ModelError, UserError."""
        stop = stop or threading.Event()
        began = time.perf_counter()
        with self._turn(model, owner, stop, on_progress) as backend, PeakMemory() as peak:
            read = self._read(backend, prompt, plan, stop, on_progress, keep=True)
            on_progress(Progress("saving", prompt.prefix_len, prompt.prefix_len))
            for warning in self._finish_saving(read):
                on_warning(warning)
            return Usage(
                prompt_tokens=len(prompt.token_ids),
                cached_tokens=read.reused,
                read_s=read.seconds,
                total_s=time.perf_counter() - began,
                peak_bytes=peak.peak_bytes,
                attention_recall=recall_of(read.reading),
            )

    def generate(
        self,
        model: str,
        prompt: Prompt,
        plan: ReadingPlan,
        *,
        max_new_tokens: int = 256,
        stop: threading.Event | None = None,
        on_progress: OnProgress = _quiet,
        constraint: Constraint | None = None,
        evidence: bool = True,
        keep: bool = True,
        owner: str = "local",
        render: Render | None = None,
    ) -> Generation:
        """Answer a prompt on top of its documents, which are reused where they were read before.

        `keep=False` neither uses nor keeps readings: for prompts that will not come again, such as
        passages. `render` makes the text of output ids (default: the tokenizer's). Stopped while
        answering, it returns what there is; stopped before that, it raises Stopped. Raises ModelError
        (`memory`, `too_large`, ...), UserError `busy`.
        """
        stop = stop or threading.Event()
        began = time.perf_counter()
        with self._turn(model, owner, stop, on_progress) as backend, PeakMemory() as peak:
            began = max(began, self._loaded_at)  # times run from the request, model loaded
            read = self._read(backend, prompt, plan, stop, on_progress, keep)
            answering = Answering(backend, render, on_progress, began)
            try:
                answering.run(prompt, read, max_new_tokens, stop, constraint, evidence)
            except (ModelError, MemoryError) as error:
                if isinstance(error, ModelError) and error.code != "memory":
                    raise
                free_memory(self.keeper)
                why = "There is not enough memory to answer on top of the documents."
                raise ModelError(why, code="memory", next_step=memory.REFUSAL_NEXT_STEP) from error
            saved = () if answering.stop_reason == "stopped" else self._finish_saving(read)
            self._record(backend, read.plan, read.steps, answering.token_s, recall_of(read.reading))
            usage = Usage(
                prompt_tokens=len(prompt.token_ids),
                cached_tokens=read.reused,
                output_tokens=len(answering.output_ids),
                read_s=read.seconds,
                first_token_s=answering.first_token_s,
                total_s=time.perf_counter() - began,
                peak_bytes=peak.peak_bytes,
                attention_recall=recall_of(read.reading),
            )
            return answering.generation(usage, (*read.warnings, *saved))

    def generate_remote(
        self,
        model: str,
        messages: Sequence[Mapping[str, str]],
        *,
        max_new_tokens: int = 256,
        stop: threading.Event | None = None,
        on_progress: OnProgress = _quiet,
    ) -> Generation:
        """Answer chat messages with a server; nothing of it runs here, so nobody waits in the queue.

        Raises RemoteError, PromptTooLong, Stopped.
        """
        return self.remote(model).generate(
            messages, max_new_tokens=max_new_tokens, stop=stop or threading.Event(), on_progress=on_progress
        )

    @contextlib.contextmanager
    def lend(self, model: str, stop: threading.Event, *, owner: str = "local") -> Iterator[Backend]:
        """Wait for the worker and lend the loaded model to work that reads and answers by itself.

        Raises Stopped while waiting, ModelError, UserError `busy`.
        """
        with self._turn(model, owner, stop, _quiet) as backend:
            yield backend

    # housekeeping

    def forget(self, document_id: str) -> int:
        """Delete every reading that holds a document, in memory and on disk; return how many on disk."""
        with self._queue.turn("housekeeping", threading.Event(), lambda place: None):
            self.keeper.settle()
            return self.keeper.forget(document_id)

    def release(self) -> None:
        """Give back the memory of the reading held for the next question."""
        with self._queue.turn("housekeeping", threading.Event(), lambda place: None):
            free_memory(self.keeper)

    def close(self) -> None:
        """Stop what runs (what was read is kept), finish saving and unload all models."""
        self._closed = True
        for stop in list(self._running):
            stop.set()
        with self._queue.turn("housekeeping", threading.Event(), lambda place: None):
            self.keeper.close()
        with self._loading:
            for backend in self._backends.values():
                backend.close()
            for remote in self._remotes.values():
                remote.close()
            self._backends.clear()
            self._remotes.clear()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # inside a turn

    @contextlib.contextmanager
    def _turn(self, model: str, owner: str, stop: threading.Event, on_progress: OnProgress) -> Iterator[Backend]:
        """Wait for the worker and yield the loaded model."""
        self._running.append(stop)
        try:
            with self._queue.turn(owner, stop, lambda place: on_progress(Progress("queued", 0, place))):
                yield self._loaded(model, on_progress)
        finally:
            self._running.remove(stop)

    def _loaded(self, model: str, on_progress: OnProgress) -> Backend:
        if self._closed:
            raise ModelError("LongDoc is closing.", code="closed", next_step="Start it again.")
        if model not in self._backends and not is_address(model):
            on_progress(Progress("loading", 0, 1))
            self.backend(model)
            self._loaded_at = time.perf_counter()
            on_progress(Progress("loading", 1, 1))
        return self.backend(model)

    def _read(
        self,
        backend: Backend,
        prompt: Prompt,
        plan: ReadingPlan,
        stop: threading.Event,
        on_progress: OnProgress,
        keep: bool,
    ) -> Read:
        documents = tuple(dict.fromkeys(r.document_id for r in prompt.regions if r.document_id is not None))
        about = {"model": backend.info.name, "method": describe(plan.position_method, plan.factor)}
        marks = ends_of_documents(prompt)
        prefix = Prefix(prompt.token_ids[: prompt.prefix_len], backend.fingerprint(plan), documents, about, marks)
        return self._reader(backend, plan, stop, on_progress).read(prefix, plan, keep and prompt.prefix_len > 0)

    def _reader(self, backend: Backend, plan: ReadingPlan, stop: threading.Event, on_progress: OnProgress) -> Reader:
        before = Measurements.of(self.settings, backend.info, plan.attention).cost
        return Reader(backend, self.keeper, self.settings, stop, on_progress, before)

    def _finish_saving(self, read: Read) -> tuple[str, ...]:
        """Wait until a reading is kept; return the warning when it could not be."""
        if read.saving is None:
            return ()
        read.saving.wait()
        return (read.saving.warning,) if read.saving.warning else ()

    def _record(
        self,
        backend: Backend,
        plan: ReadingPlan,
        steps: Sequence[Step],
        token_s: float | None,
        recall: float | None = None,
    ) -> None:
        steps = steps[1:] if len(steps) > 2 else ()  # the first warms up; a single step tells little
        if steps or token_s is not None:
            Measurements.of(self.settings, backend.info, plan.attention).record(steps, token_s, recall)


def _load_local(model: str, settings: Settings) -> Backend:
    """Load a model from its folder; torch and transformers are imported here, on first use."""
    if _describe_local(model, settings).kind == "state_space":
        from longdoc.backends.state_space import load as load_state_space

        return load_state_space(model, settings)
    from longdoc.backends.transformer import load

    return load(model, settings)


def _describe_local(model: str, settings: Settings) -> ModelInfo:
    from longdoc.backends.catalogue import describe as describe_folder
    from longdoc.backends.catalogue import resolve

    return describe_folder(resolve(model, settings))
