"""Time left of a read, from its own steps; memory peak of a request, from samples."""

from __future__ import annotations

import threading
from types import TracebackType

from longdoc.planning import Cost, Step, fit
from longdoc.planning.memory import anonymous_bytes

_STEPS_BEFORE_GUESS = 3
_SAMPLE_S = 0.02


class TimeLeft:
    """Predicts the rest of one read. Later tokens cost more; earlier reads tell by how much."""

    def __init__(self, total: int, before: Cost | None = None) -> None:
        self._total, self._before = total, before
        self.steps: list[Step] = []

    def add(self, start: int, end: int, seconds: float) -> None:
        self.steps.append(Step(start, end, seconds))

    def left_s(self, done: int) -> float | None:
        """Return the seconds until `total`; None until it can be known."""
        if self._before is not None:
            rest = self._before.seconds(done, self._total)
            predicted = sum(self._before.seconds(step.start, step.end) for step in self.steps)
            spent = sum(step.seconds for step in self.steps)
            # The machine may be busier or freer than when it was measured.
            return rest * (spent / predicted if predicted > 0 and len(self.steps) >= _STEPS_BEFORE_GUESS else 1.0)
        if len(self.steps) < _STEPS_BEFORE_GUESS:
            return None
        cost = fit(self.steps[1:])  # the first step warms up
        return None if cost is None else cost.seconds(done, self._total)


class PeakMemory:
    """Samples this process's anonymous memory while a `with` block runs."""

    def __init__(self) -> None:
        self._peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="longdoc-memory", daemon=True)

    @property
    def peak_bytes(self) -> int:
        self._peak = max(self._peak, anonymous_bytes())
        return self._peak

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(_SAMPLE_S):
            self._peak = max(self._peak, anonymous_bytes())
