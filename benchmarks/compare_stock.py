"""Stock transformers' side of a comparison: `generate` with DynamicCache, SDPA and chunked prefill."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, DynamicCache
from transformers.generation.streamers import BaseStreamer
from transformers.utils import logging

from benchmarks.compare_side import Asked
from benchmarks.compare_text import READER

_CHUNK = 1024  # tokens of a prefill step, as LongDoc's longest


class Stock:
    """`variant` is the dtype."""

    def __init__(self, variant: str, home: Path, threads: int, length: int) -> None:
        self._dtype: torch.dtype = getattr(torch, variant)
        if threads:
            torch.set_num_threads(threads)
        self._model: Any = None
        self._cache: Any = None

    def load(self) -> None:
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self._model = AutoModelForCausalLM.from_pretrained(
            str(READER), dtype=self._dtype, attn_implementation="sdpa", local_files_only=True
        ).eval()
        self._model.generation_config.eos_token_id = None  # answers have one length on every side

    def ask(
        self,
        document: Sequence[int],
        question: Sequence[int],
        answer: Sequence[int],
        on_read: Callable[[int], None],
        keep: bool = True,
    ) -> Asked:
        began = time.perf_counter()
        cache = self._cache if keep and self._cache is not None else DynamicCache(config=self._model.config)
        held = min(cache.get_seq_length(), len(document))
        if held:
            cache.crop(held - cache.get_seq_length())  # the question and the answer before
        stamps = _Stamps()
        told = self._model.register_forward_hook(lambda *_: on_read(min(cache.get_seq_length(), len(document))))
        try:
            output = self._model.generate(
                torch.tensor([[*document, *question]]),
                past_key_values=cache,
                max_new_tokens=len(answer),
                do_sample=False,
                prefill_chunk_size=_CHUNK,
                streamer=stamps,
            )
        finally:
            told.remove()
        self._cache = cache if keep else None
        first = stamps.at[0] - began
        steps = [b - a for a, b in itertools.pairwise(stamps.at)]
        token = int(output[0, len(document) + len(question)])
        about = f"generate, DynamicCache, sdpa, prefill_chunk_size {_CHUNK}"
        return Asked(first if not held else 0.0, first, steps, token, held, about)

    def kept(self, document: Sequence[int]) -> float | None:
        """The library keeps nothing beyond the process."""
        return None

    def restored(self, document: Sequence[int]) -> float:
        raise NotImplementedError  # `kept` says that there is nothing to restore, so nobody asks

    def close(self) -> None:
        self._model = self._cache = None


class _Stamps(BaseStreamer):  # type: ignore[misc]  # the library is untyped
    """Notes when each new token comes."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self._prompt_seen = False

    def put(self, value: Any) -> None:
        if self._prompt_seen:
            self.at.append(time.perf_counter())
        self._prompt_seen = True

    def end(self) -> None:
        pass
