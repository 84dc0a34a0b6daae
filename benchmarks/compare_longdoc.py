"""LongDoc's side of a comparison: its engine as the app uses it, evidence and saving included."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.compare_side import Asked
from longdoc.engine import Engine
from longdoc.settings import Settings
from longdoc.types import Progress, Prompt, Region

_MODEL = "reader"
_ORDINARY = range(9, 8192)  # ids below are special; the first token of an answer is any other


class LongDoc:
    """`variant` is the attention of the plan; what a plan or the model refuses is raised as LongDocError."""

    def __init__(self, variant: str, home: Path, threads: int, length: int) -> None:
        self._attention = variant
        self._engine = Engine(Settings(home=home / "library", threads=threads))

    def load(self) -> None:
        self._engine.backend(_MODEL)

    def ask(
        self,
        document: Sequence[int],
        question: Sequence[int],
        answer: Sequence[int],
        on_read: Callable[[int], None],
        keep: bool = True,
    ) -> Asked:
        prompt = _prompt(document, question)
        plan = self._engine.plan(_MODEL, prompt, attention=self._attention)
        stamps: list[float] = []

        def note(progress: Progress) -> None:
            if progress.stage == "reading":
                on_read(progress.done)
            elif progress.stage == "answering":
                stamps.append(time.perf_counter())

        generation = self._engine.generate(
            _MODEL,
            prompt,
            plan,
            max_new_tokens=len(answer),
            on_progress=note,
            constraint=_Told(answer),
            keep=keep,
        )
        usage = generation.usage
        about = f"{plan.position_method} x{plan.factor:g}, {plan.attention}, {plan.cache_tier}, {plan.kv_dtype}"
        steps = [b - a for a, b in itertools.pairwise(stamps)]
        return Asked(usage.read_s, usage.first_token_s, steps, generation.output_ids[0], usage.cached_tokens, about)

    def restored(self, document: Sequence[int]) -> float:
        """Readings are found on disk by `ask` itself."""
        return 0.0

    def kept(self, document: Sequence[int]) -> float | None:
        """Saving runs beside the answer and is over when `ask` returns."""
        return 0.0

    def close(self) -> None:
        self._engine.close()


class _Told:
    """Any ordinary first token, then the given ones: every side writes an answer of one length."""

    def __init__(self, answer: Sequence[int]) -> None:
        self._answer = list(answer)

    def allowed(self, output_ids: Sequence[int]) -> Sequence[int] | None:
        return [self._answer[len(output_ids)]] if output_ids else _ORDINARY

    def raised(self, output_ids: Sequence[int]) -> Mapping[int, float]:
        return {}


def _prompt(document: Sequence[int], question: Sequence[int]) -> Prompt:
    n, total = len(document), len(document) + len(question)
    regions = (Region("document", (0, n), "benchmark"), Region("question", (n, total)))
    return Prompt((*document, *question), regions, (), n)
