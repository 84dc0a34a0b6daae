"""Vectors of passages by a local embedding model, where a person put one. Absent: None.

Any Hugging Face encoder folder will do; pooling follows sentence-transformers'
own files (mean, or the first token), vectors have length 1. Heavy libraries
load on first use. Nothing is ever downloaded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longdoc.errors import ModelError
from longdoc.files import sha256_file, sha256_text
from longdoc.settings import Settings

_BATCH = 16
_MAX_TOKENS = 512


class Embedder:
    """An encoder in `folder`. Raises ModelError if it cannot be loaded."""

    def __init__(self, folder: Path) -> None:
        weights = folder / "model.safetensors"
        if not (folder / "config.json").exists() or not weights.exists():
            raise ModelError(
                f"The embedding model folder {folder.name} lacks config.json or model.safetensors.",
                next_step="Copy the complete folder, with weights as safetensors, or remove it.",
            )
        config = _json(folder / "config.json")
        if "auto_map" in config:
            raise ModelError(
                f"The embedding model {folder.name} wants to run code of its own, which is not allowed.",
                next_step="Choose a model of a standard architecture.",
            )
        self.folder = folder
        pooling = _json(folder / "1_Pooling" / "config.json")
        self._first_token = bool(pooling.get("pooling_mode_cls_token"))
        self.fingerprint = sha256_text("embedder 1", sha256_file(weights), str(self._first_token))[:16]
        self._loaded: tuple[Any, Any] | None = None

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one vector of length 1 for each text, shape (n_texts, width)."""
        import torch

        tokenizer, model = self._load()
        found: list[NDArray[np.float32]] = []
        for at in range(0, len(texts), _BATCH):
            batch = tokenizer(
                list(texts[at : at + _BATCH]),
                padding=True,
                truncation=True,
                max_length=_MAX_TOKENS,
                return_tensors="pt",
            )
            with torch.inference_mode():
                states = model(**batch).last_hidden_state  # [batch, tokens, width]
            mask = batch["attention_mask"].unsqueeze(-1)
            pooled = states[:, 0] if self._first_token else (states * mask).sum(1) / mask.sum(1).clamp(min=1)
            found.append(torch.nn.functional.normalize(pooled.float(), dim=-1).numpy())
        return np.concatenate(found) if found else np.zeros((0, 0), dtype=np.float32)

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            from transformers import AutoModel, AutoTokenizer
            from transformers.utils import logging

            logging.disable_progress_bar()  # stderr belongs to our own progress
            try:
                tokenizer = AutoTokenizer.from_pretrained(self.folder, local_files_only=True, trust_remote_code=False)
                model = AutoModel.from_pretrained(
                    self.folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
                )
            except Exception as error:  # transformers raises whatever its parts raise
                raise ModelError(
                    f"The embedding model {self.folder.name} cannot be loaded: {error}.",
                    next_step="Copy the complete folder again, or remove it: passages are then found by words alone.",
                ) from error
            self._loaded = tokenizer, model.eval()
        return self._loaded


def find_embedder(settings: Settings) -> Embedder | None:
    """Return the embedder in `home/models/embedder` or `models/embedder`, or None.

    Raises ModelError if there is one and it is broken.
    """
    for folder in (settings.home / "models" / "embedder", settings.models / "embedder"):
        if folder.is_dir():
            return Embedder(folder)
    return None


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
