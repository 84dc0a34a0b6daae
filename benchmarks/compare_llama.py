"""llama.cpp's side of a comparison, through llama-cpp-python: the same weights as GGUF, in its best settings.

Tokens are evaluated by the library's own loop and chosen greedily from its logits, without the samplers and
the detokenising of its higher interface. A read document is kept by the library's own sequence files.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np

from benchmarks import gguf
from benchmarks.compare_side import Asked
from benchmarks.compare_text import READER
from longdoc.errors import ModelError

_TYPES = {"f32": 0, "f16": 1, "bf16": 30}  # ggml's numbers
_STEP = 2048  # tokens evaluated between two looks at the clock; micro-batches are cut from these


class LlamaCpp:
    """`variant`: weights, keys and values, flash or plain attention, tokens a micro-batch."""

    def __init__(self, variant: str, home: Path, threads: int, length: int) -> None:
        weights, stored, attention, micro = variant.split()
        self._path, self._state = home / f"reader-{weights}.gguf", home / "document.state"
        if not self._path.exists():
            gguf.export(READER, self._path, weights)
        self._settings = {
            "n_ctx": length,
            "n_batch": _STEP,
            "n_ubatch": int(micro),
            "flash_attn": attention == "flash",
            "type_k": _TYPES[stored],
            "type_v": _TYPES[stored],
            **({"n_threads": threads, "n_threads_batch": threads} if threads else {}),
            **yarn(),
        }
        self._about, self._llama, self._held = variant, None, 0
        self._n_vocab = 0

    def load(self) -> None:
        self._llama = llama_cpp.Llama(str(self._path), verbose=False, **self._settings)
        self._n_vocab = self._llama.n_vocab()

    def ask(
        self,
        document: Sequence[int],
        question: Sequence[int],
        answer: Sequence[int],
        on_read: Callable[[int], None],
        keep: bool = True,
    ) -> Asked:
        llama: Any = self._llama
        began = time.perf_counter()
        held = self._held if keep else 0
        llama.n_tokens = held  # whatever stands beyond is dropped by the next eval
        for start in range(held, len(document), _STEP):
            llama.eval(document[start : start + _STEP])
            on_read(llama.n_tokens)
        read = time.perf_counter()
        llama.eval(question)
        token, stamps = self._best(), []
        first = token
        stamps.append(time.perf_counter())
        for _ in answer[1:]:
            llama.eval([token])
            token = self._best()
            stamps.append(time.perf_counter())
        self._held = len(document) if keep else 0
        steps = [b - a for a, b in itertools.pairwise(stamps)]
        return Asked(read - began, stamps[0] - began, steps, first, held, self._about)

    def logits(self) -> np.ndarray:
        """Return the logits [vocab] after the last token evaluated."""
        llama: Any = self._llama
        row = llama_cpp.llama_get_logits_ith(llama.ctx, -1)
        return np.ctypeslib.as_array(row, shape=(self._n_vocab,))

    def kept(self, document: Sequence[int]) -> float | None:
        llama: Any = self._llama
        began = time.perf_counter()
        llama._ctx.kv_cache_seq_rm(-1, len(document), -1)
        llama.n_tokens = len(document)
        tokens = (llama_cpp.llama_token * len(document))(*document)
        path = str(self._state).encode()
        if not llama_cpp.llama_state_seq_save_file(llama.ctx, path, 0, tokens, len(document)):
            raise ModelError("llama.cpp could not save its state.")
        return time.perf_counter() - began

    def restored(self, document: Sequence[int]) -> float:
        llama: Any = self._llama
        began = time.perf_counter()
        tokens, count = (llama_cpp.llama_token * len(document))(), ctypes.c_size_t()
        path = str(self._state).encode()
        taken = llama_cpp.llama_state_seq_load_file(llama.ctx, path, 0, tokens, len(document), ctypes.byref(count))
        if not taken or list(tokens[: count.value]) != list(document):
            raise ModelError("llama.cpp could not load its state.")
        self._held = len(document)
        return time.perf_counter() - began

    def close(self) -> None:
        if self._llama is not None:
            self._llama.close()

    def _best(self) -> int:
        return int(self.logits().argmax())


def yarn() -> dict[str, Any]:
    """Return llama.cpp's flags for the positions that the model declares."""
    rope = json.loads((READER / "config.json").read_text())["rope_parameters"]
    if rope["rope_type"] != "yarn":
        return {}
    return {
        "rope_scaling_type": llama_cpp.LLAMA_ROPE_SCALING_TYPE_YARN,
        "rope_freq_base": rope["rope_theta"],
        "rope_freq_scale": 1 / rope["factor"],
        "yarn_orig_ctx": rope["original_max_position_embeddings"],
    }
