"""A model folder turned into a model in memory, with every refusal in one sentence.

Weights come from safetensors only, code from the installed library only, and
nothing is fetched. A model whose file lacks tensors is refused: the library would
fill them with random numbers and go on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import torch

from longdoc.errors import ModelError
from longdoc.types import ModelInfo


def load_model(folder: Path, info: ModelInfo, dtype: torch.dtype) -> Any:
    """Return the model in `dtype`, ready to run. Raises ModelError."""
    _check_memory(info, dtype)
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    before = logging.get_verbosity()
    logging.set_verbosity_error()  # its load report is checked below instead of printed
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            str(folder),
            dtype=dtype,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except Exception as error:  # the library raises many kinds for a folder it cannot use
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"The model {info.name} cannot be loaded: {first_line[:200]}",
            code="damaged",
            next_step="Copy the complete model folder again or choose another model.",
        ) from error
    finally:
        logging.set_verbosity(before)
    missing = sorted(report["missing_keys"])
    if missing:
        raise ModelError(
            f"The weights of {info.name} lack {len(missing)} tensors, first {missing[0]}.",
            code="incomplete",
            next_step="Copy the complete model folder again.",
        )
    model.eval()
    model.requires_grad_(False)
    return model


def _check_memory(info: ModelInfo, dtype: torch.dtype) -> None:
    needed = info.n_parameters * dtype.itemsize
    free = int(psutil.virtual_memory().available)
    if needed > free:
        raise ModelError(
            f"The model {info.name} takes {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free.",
            code="memory",
            next_step="Close other programs or choose a smaller model.",
        )
