"""What every side of a comparison offers, and how a side is made by name.

A side reads a document and answers on top of it, in a process of its own. Times run
from the request, model loaded. Variants are ways to run one side; the best counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

NOT_INSTALLED = "is not installed"
ENGINES = ("stock", "llama.cpp", "dense", "sparse")
LABELS = {
    "stock": "transformers",
    "llama.cpp": "llama.cpp",
    "dense": "LongDoc, dense",
    "sparse": "LongDoc, sparse",
}
VARIANTS = {
    "stock": ("float32", "bfloat16"),
    # weights, keys and values, attention, tokens a micro-batch; all of them compute with 16 bits or more
    "llama.cpp": (
        "bf16 f16 flash 512",
        "bf16 f16 plain 512",
        "bf16 bf16 flash 512",
        "bf16 f32 plain 512",
        "bf16 f16 flash 2048",
        "bf16 f16 plain 2048",
        "f16 f16 flash 512",
        "f16 f16 plain 512",
        "f32 f32 plain 512",
        "f32 f32 flash 512",
    ),
    "dense": ("dense",),
    "sparse": ("sparse",),
}


@dataclass(frozen=True)
class Asked:
    """One question answered."""

    read_s: float  # of the document; with stock of document and question
    first_word_s: float
    token_s: Sequence[float]  # each token after the first
    first_token: int
    cached_tokens: int
    about: str = ""  # how it was done, in words


class Side(Protocol):
    """One engine with one model. `home` is a folder for what is kept."""

    def load(self) -> None: ...

    def ask(
        self,
        document: Sequence[int],
        question: Sequence[int],
        answer: Sequence[int],
        on_read: Callable[[int], None],
        keep: bool = True,
    ) -> Asked:
        """Read the document unless it is held, answer as many tokens as `answer` has, and tell tokens read.

        With `keep` the document stays held for the next question, without anything held is dropped.
        """
        ...

    def kept(self, document: Sequence[int]) -> float | None:
        """Make sure that what was read is on disk; return the seconds, None where the engine keeps nothing."""
        ...

    def restored(self, document: Sequence[int]) -> float:
        """Take up what an earlier process kept; return the seconds."""
        ...

    def close(self) -> None: ...


def make(engine: str, variant: str, home: Path, threads: int, length: int) -> Side:
    """Return a side by name; its libraries are imported here."""
    if engine == "stock":
        from benchmarks.compare_stock import Stock

        return Stock(variant, home, threads, length)
    if engine == "llama.cpp":
        from benchmarks.compare_llama import LlamaCpp

        return LlamaCpp(variant, home, threads, length)
    from benchmarks.compare_longdoc import LongDoc

    return LongDoc(variant, home, threads, length)
