"""How much of the attention that dense attention would give, the chosen keys really held.

For a sampled query the log-sum-exp over the attended keys against the one over all
keys is that share, exactly. Sampling costs one query over the whole text now and
then. No torch here: what was found is looked up by the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

EVERY_TOKENS = 4096  # of a text being read: one query is sampled in all layers


@dataclass
class Probe:
    """Shares of attention found, one for each sampled query and head."""

    n: int = 0
    total: float = 0.0
    least: float = 1.0  # mean over the heads of the sample with the least

    def add(self, shares: Sequence[float]) -> None:
        """Add the heads of one sampled query of one layer."""
        held = [min(max(share, 0.0), 1.0) for share in shares]
        self.n += len(held)
        self.total += sum(held)
        self.least = min(self.least, sum(held) / len(held))

    def clear(self) -> None:
        self.n, self.total, self.least = 0, 0.0, 1.0

    @property
    def recall(self) -> float | None:
        """Mean share; None when nothing was sampled."""
        return self.total / self.n if self.n else None


_found: WeakKeyDictionary[object, tuple[Probe, Probe]] = WeakKeyDictionary()


def register(reading: object, while_reading: Probe, while_answering: Probe) -> None:
    """Make the probes of a reading known to `recall_of`, for as long as the reading lives."""
    _found[reading] = while_reading, while_answering


def recall_of(reading: object) -> float | None:
    """Return the lower of the shares held while a text was read and while it was last asked about.

    None for dense attention, and where nothing was sampled.
    """
    found = [probe.recall for probe in _found.get(reading, ()) if probe.recall is not None]
    return min(found, default=None)
