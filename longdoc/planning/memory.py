"""How many bytes a reading takes, and how many this machine has to give.

Estimates err on the high side; what was really used is in `Usage.peak_bytes`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

from longdoc.cache.kv_dtypes import parse
from longdoc.types import ModelInfo, ReadingPlan

_PIECES, _PIECE_TOKENS, _WIDEST_BYTES = 6, 8192, 4  # of one layer in memory at once while it reads from the disk
_TAIL_TOKENS = 1024  # question and answer on top of the documents
_LIVE_ACTIVATIONS = 24  # tensors of the width of the attention heads alive at once in a layer, measured high
_SPARE_BYTES = 128 << 20  # left to everything else on the machine
_CGROUP = Path("/sys/fs/cgroup")


def kv_bytes(info: ModelInfo, n_tokens: int, kv_dtype: str) -> int:
    """Return the bytes of keys and values of `n_tokens` in all layers."""
    per_layer = parse(kv_dtype).token_bytes(info.num_kv_heads, info.head_dim, info.head_dim)
    return info.num_layers * per_layer * n_tokens


def step_bytes(info: ModelInfo, prefill_step: int) -> int:
    """Return an upper estimate of what one prefill step needs besides weights, keys and values."""
    return prefill_step * info.num_heads * info.head_dim * 4 * _LIVE_ACTIVATIONS + (64 << 20)


def reading_bytes(info: ModelInfo, n_tokens: int, kv_dtype: str, prefill_step: int, tier: str = "ram") -> int:
    """Return the bytes of memory that reading and answering take besides the weights."""
    states = 3 * info.state_bytes  # the document's, the question's, and one on its way to the disk
    held = kv_bytes(info, (0 if tier == "disk" else n_tokens) + _TAIL_TOKENS, kv_dtype) + states
    pieces = _PIECES * _PIECE_TOKENS * info.num_kv_heads * info.head_dim * _WIDEST_BYTES if tier == "disk" else 0
    return held + pieces + step_bytes(info, prefill_step)


def available_bytes() -> int:
    """Return the memory that can be taken without swapping, the limit of a container included."""
    free = int(psutil.virtual_memory().available)
    limit, current, droppable = (_cgroup(name) for name in ("memory.max", "memory.current", "memory.stat"))
    if limit is None or current is None:
        return free
    return max(min(free, limit - current + (droppable or 0)), 0)


def fits(needed_bytes: int, available: int) -> bool:
    """Return whether so many bytes can be taken and something is left to everything else."""
    return needed_bytes + _SPARE_BYTES <= available


def refusal(plan: ReadingPlan, needed_bytes: int, available: int) -> str | None:
    """Return why a reading that needs `needed_bytes` more memory cannot run; None when it can."""
    if fits(needed_bytes, available):
        return None
    return (
        f"Reading {plan.n_tokens:,} tokens with {plan.model} needs about {size(needed_bytes)} of memory, "
        f"and {size(available)} can be used."
    )


REFUSAL_NEXT_STEP = "Leave out a source, ask in Chunked, close other programs, or choose a smaller model."


def size(n_bytes: int) -> str:
    """Return bytes in the unit that people read easily."""
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{max(n_bytes, 0) / 1e6:.0f} MB"


def anonymous_bytes() -> int:
    """Return the memory of this process that no file backs; where the system does not tell, all of it."""
    if sys.platform == "linux":
        try:
            with open("/proc/self/status", encoding="ascii", errors="replace") as status:
                for line in status:
                    if line.startswith("RssAnon:"):
                        return int(line.split()[1]) * 1024
        except OSError:
            pass
    return int(psutil.Process().memory_info().rss)


def _cgroup(name: str) -> int | None:
    """Return a figure of this process's control group (version 2); None where there is none or no limit."""
    try:
        text = (_CGROUP / name).read_text()
        if name == "memory.stat":  # file pages that can be dropped count as free
            return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("inactive_file "))
        return None if text.strip() == "max" else int(text)
    except (OSError, ValueError, IndexError):
        return None
