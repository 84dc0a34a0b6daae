"""What reading with a model has cost on this machine, and what it will cost.

A token at position p costs a + 2bp seconds: `a` for the layers, `b` for attention
over everything before it. Both are fitted to measured steps. One small JSON file
for each model and machine, replaced whole; a damaged one is as good as none.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from pathlib import Path
from statistics import median

from longdoc.errors import StoreError
from longdoc.files import atomic_write, sha256_text
from longdoc.settings import Settings
from longdoc.types import ModelInfo

_KEPT_READS = 8
_POINTS_OF_A_READ = 16
_MAX_POINTS = 128  # pairs of points are compared
_MIN_TOKENS = 32  # shorter steps measure overhead


@dataclass(frozen=True)
class Step:
    """Tokens start .. end were read in `seconds`."""

    start: int
    end: int
    seconds: float


@dataclass(frozen=True)
class Cost:
    """Reading tokens s .. e takes a(e - s) + b(e² - s²) seconds."""

    a: float
    b: float

    def seconds(self, start: int, end: int) -> float:
        return self.a * (end - start) + self.b * (end**2 - start**2)


def fit(steps: Sequence[Step]) -> Cost | None:
    """Fit costs to measured steps; None without a usable step.

    Medians of slopes and levels (Theil and Sen): a machine that is busy now and then leaves single
    steps far off, and a few such steps must not bend the rest.
    """
    usable = [step for step in steps if step.end - step.start >= _MIN_TOKENS and step.seconds > 0]
    if not usable:
        return None
    points = [(s.start + s.end, s.seconds / (s.end - s.start)) for s in thin(usable, _MAX_POINTS)]
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2) if x1 != x2]
    slope = max(median(slopes), 0.0) if slopes else 0.0
    level = median(y - slope * x for x, y in points)
    if level < 0:  # all cost lies in attention
        return Cost(0.0, median(y / x for x, y in points))
    return Cost(level, slope)


def thin(steps: Sequence[Step], limit: int) -> list[Step]:
    """Join neighbouring steps of one read so that at most `limit` are left."""
    group = -(-len(steps) // limit)
    joined: list[Step] = []
    for at in range(0, len(steps), max(group, 1)):
        part = steps[at : at + group]
        gapless = all(one.end == two.start for one, two in pairwise(part))
        joined.extend([Step(part[0].start, part[-1].end, sum(s.seconds for s in part))] if gapless else part[:1])
    return joined


class Measurements:
    """Measured reads of one model, one attention, on this machine."""

    def __init__(self, path: Path, reads: list[list[Step]], token_s: float | None, recall: float | None = None) -> None:
        self._path, self._reads, self._token_s, self._recall = path, reads, token_s, recall

    @classmethod
    def of(cls, settings: Settings, info: ModelInfo, attention: str = "dense") -> Measurements:
        """Load what was measured. Never fails: what cannot be read counts as not measured."""
        shape = (
            info.architecture,
            info.n_parameters,
            info.num_layers,
            info.num_heads,
            info.num_kv_heads,
            info.head_dim,
        )
        key = sha256_text(*map(str, shape), attention, machine(), str(settings.threads))[:32]
        path = settings.measurements / f"{key}.json"
        try:
            stored = json.loads(path.read_bytes())
            reads = [
                [Step(int(s["start"]), int(s["end"]), float(s["seconds"])) for s in read] for read in stored["reads"]
            ]
            token_s = None if stored["token_s"] is None else float(stored["token_s"])
            recall = None if stored.get("recall") is None else float(stored["recall"])
        except (OSError, ValueError, KeyError, TypeError):
            return cls(path, [], None)
        return cls(path, reads, token_s, recall)

    @property
    def cost(self) -> Cost | None:
        return fit([step for read in self._reads for step in read])

    @property
    def token_s(self) -> float | None:
        """Seconds for one token of an answer."""
        return self._token_s

    @property
    def attention_recall(self) -> float | None:
        """Share of dense attention that sparse attention held when it last read, on a sample."""
        return self._recall

    def prefill_s(self, start: int, end: int) -> float | None:
        """Return the seconds that reading tokens start .. end will take; None if nothing was measured."""
        cost = self.cost
        return None if cost is None else cost.seconds(start, end)

    def record(self, steps: Sequence[Step], token_s: float | None = None, recall: float | None = None) -> None:
        """Add one read, the speed of its answer and what its attention held. A disk that refuses is no error here."""
        if steps:
            self._reads = [*self._reads, thin(steps, _POINTS_OF_A_READ)][-_KEPT_READS:]
        if token_s is not None:
            self._token_s = token_s if self._token_s is None else 0.5 * (token_s + self._token_s)
        self._recall = self._recall if recall is None else recall
        data = {
            "reads": [[asdict(step) for step in read] for read in self._reads],
            "token_s": self._token_s,
            "recall": self._recall,
        }
        with contextlib.suppress(StoreError):  # predictions are a comfort; answers do not depend on them
            atomic_write(self._path, json.dumps(data, separators=(",", ":")).encode())


@lru_cache(maxsize=1)
def machine() -> str:
    """Return a name for this machine's speed: processor, cores we may use."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpus:
        model = next((line.split(":", 1)[1].strip() for line in cpus if line.startswith("model name")), model)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.machine()} {model} {cores}"
