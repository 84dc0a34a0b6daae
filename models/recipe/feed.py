"""Batches drawn ahead, so that the accelerator never waits.

One thread is enough for a CPU. A GPU eats faster than one Python process writes:
`processes` above 0 draws batches in that many processes, each with its own seed.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any

from models.recipe.mixture import Batch, Mixture, Stage

_AHEAD = 2  # batches drawn ahead by each worker


class Feed:
    """Draw batches of one stage until stopped. `make(seed)` builds a mixture; every worker has another seed."""

    def __init__(self, make: Callable[[int], Mixture], stage: Stage, seed: int, processes: int = 0) -> None:
        self._workers: list[Any] = []
        self._queue: Any
        self._stop: Any
        if processes:
            context = multiprocessing.get_context("spawn")  # forking a process that has started CUDA breaks it
            self._queue, self._stop = context.Queue(_AHEAD * processes), context.Event()
            seeds = [seed * 1009 + number for number in range(processes)]
        else:
            context, self._queue, self._stop, seeds = None, Queue(_AHEAD), Event(), [seed]
        for one in seeds:
            arguments = (make, one, stage, self._queue, self._stop)
            if context is None:
                self._workers.append(Thread(target=_draw, args=arguments, daemon=True))
            else:
                self._workers.append(context.Process(target=_draw, args=arguments, daemon=True))
            self._workers[-1].start()

    def next(self) -> Batch:
        """Return the next batch. Raises RuntimeError when every worker has died."""
        while True:
            try:
                batch: Batch = self._queue.get(timeout=5)
                return batch
            except Empty:
                if not any(worker.is_alive() for worker in self._workers):
                    raise RuntimeError("Nothing draws batches any more; see the error above.") from None

    def stop(self) -> None:
        self._stop.set()
        for worker in self._workers:
            if isinstance(worker, Thread):
                worker.join()
            else:
                worker.terminate()  # it may wait on a full pipe
                worker.join()


def _draw(make: Callable[[int], Mixture], seed: int, stage: Stage, queue: Any, stop: Any) -> None:
    mixture = make(seed)
    while not stop.is_set():
        batch = mixture.batch(stage)
        while not stop.is_set():
            try:
                queue.put(batch, timeout=0.2)
                break
            except Full:
                continue
