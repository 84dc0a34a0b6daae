"""Where keys and values lie while reading: with the model, in RAM, or on the disk.

RAM is chosen where they fit, since nothing is faster on a machine without an
accelerator; the disk where they do not and the disk has room. On the disk memory
holds a few pieces of one layer, however long the text.
"""

from __future__ import annotations

from collections.abc import Callable

from longdoc.planning import memory
from longdoc.types import ModelInfo

TIERS = ("device", "ram", "disk")


def choose_tier(
    info: ModelInfo,
    n_tokens: int,
    kv_dtype: str,
    step: int,
    wanted: str | None,
    *,
    available_bytes: int,
    free_disk_bytes: Callable[[], int],
) -> tuple[str, str]:
    """Return the tier for a reading, and why in a sentence; no sentence where there was nothing to weigh.

    available_bytes: memory that can be taken, weights included. A choice by hand stands, with a
    warning where it cannot be carried out.
    """
    kept = memory.kv_bytes(info, n_tokens, kv_dtype)

    def fits(tier: str) -> bool:
        needed = info.weight_bytes + memory.reading_bytes(info, n_tokens, kv_dtype, step, tier)
        return memory.fits(needed, available_bytes)

    if wanted not in (None, "disk") or (wanted is None and fits("ram")):
        return wanted or "ram", ""
    free = free_disk_bytes()
    room = memory.fits(kept, free)
    if wanted == "disk":
        if room:
            return "disk", f"Keys and values are kept on the disk, as chosen; {memory.size(kept)} of it."
        return "disk", f"Keys and values take {memory.size(kept)} of the disk, which has {memory.size(free)} free."
    if room and fits("disk"):
        return "disk", (
            f"Memory has no room for keys and values ({memory.size(kept)}); they are kept on the disk, "
            f"which has {memory.size(free)} free."
        )
    return "ram", ""
