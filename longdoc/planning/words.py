"""Numbers of a plan as people read them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Return seconds in the unit that people read easily."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
