"""Whisper's models: which there are, which is here, which suits this machine, and fetching one.

Models lie in `<models>/whisper/<size>`, `<home>/models/whisper/<size>`, or any folder a person names. Nothing is
fetched unless a person asks for it, having been told size and licence.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from longdoc.errors import ModelError, UserError
from longdoc.settings import Settings

MB = 1_000_000
_FILES = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")


@dataclass(frozen=True)
class WhisperSize:
    """One model on the hub, converted for CTranslate2."""

    name: str
    repository: str
    download_bytes: int  # rounded, as the hub lists it
    memory_bytes: int  # int8 on a CPU, about
    licence: str
    note: str

    def described(self) -> str:
        return (
            f"Whisper {self.name}: {self.download_bytes / MB:,.0f} MB, {self.licence} licence, from {self.repository}"
        )


SIZES: dict[str, WhisperSize] = {
    row.name: row
    for row in (
        WhisperSize("tiny", "Systran/faster-whisper-tiny", 78 * MB, 300 * MB, "MIT", "quickest, many errors"),
        WhisperSize("base", "Systran/faster-whisper-base", 148 * MB, 400 * MB, "MIT", "quick"),
        WhisperSize("small", "Systran/faster-whisper-small", 486 * MB, 900 * MB, "MIT", "good on most computers"),
        WhisperSize("medium", "Systran/faster-whisper-medium", 1530 * MB, 2000 * MB, "MIT", "better, slow on a CPU"),
        WhisperSize(
            "large-v3-turbo",
            "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
            1620 * MB,
            2200 * MB,
            "MIT",
            "for a GPU",
        ),
        WhisperSize("large-v3", "Systran/faster-whisper-large-v3", 3090 * MB, 4000 * MB, "MIT", "best, for a GPU"),
    )
}


def suited(n_cores: int | None = None, memory_bytes: int | None = None, gpu_bytes: int | None = None) -> WhisperSize:
    """Return the largest size that this machine (or the given one) runs faster than people speak."""
    if n_cores is None:
        n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if memory_bytes is None:
        import psutil

        memory_bytes = int(psutil.virtual_memory().available)
    if gpu_bytes is None:
        gpu_bytes = _gpu_bytes()
    if gpu_bytes >= 8_000 * MB:
        return SIZES["large-v3"]
    if gpu_bytes >= 4_000 * MB:
        return SIZES["large-v3-turbo"]
    if n_cores >= 4 and memory_bytes > 2 * SIZES["small"].memory_bytes:
        return SIZES["small"]
    if memory_bytes > 2 * SIZES["base"].memory_bytes:
        return SIZES["base"]
    return SIZES["tiny"]


def find(model: str, settings: Settings) -> Path:
    """Return the folder of a size or the folder named; "" means the best that is here.

    Raises ModelError `missing`, with size and licence of what a person could fetch, or `incomplete`.
    """
    if model in SIZES or not model:
        wanted = [SIZES[model]] if model else list(reversed(SIZES.values()))
        for size in wanted:
            for root in _roots(settings):
                if (root / size.name / "model.bin").is_file():
                    return _complete(root / size.name)
        size = SIZES[model] if model else suited()
        raise ModelError(
            f"Whisper {model} is not on this computer." if model else "No Whisper model is on this computer.",
            code="missing",
            next_step=f"`--download` fetches it once ({size.described()}). The offline engine works without: "
            "--engine sphinx.",
        )
    folder = Path(model).expanduser()
    if not folder.is_dir():
        raise UserError(
            f"{model} is neither a size of Whisper nor a folder.",
            code="not_found",
            next_step=f"Sizes: {', '.join(SIZES)}.",
        )
    return _complete(folder)


def is_here(model: str, settings: Settings) -> bool:
    """Return whether `find` would succeed."""
    try:
        find(model, settings)
    except (ModelError, UserError):
        return False
    return True


def download(
    size: WhisperSize,
    settings: Settings,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    stop: threading.Event | None = None,
) -> Path:
    """Fetch a model from the hub and return its folder; `on_progress(bytes, of bytes)`.

    It appears whole or not at all; files that came whole before an interruption are not fetched again.
    Raises ModelError (`offline`, `not_found`, `incomplete`, `disk`), StoreError `disk`, Stopped.
    """
    from longdoc.backends import hub

    folder = settings.home / "models" / "whisper" / size.name
    loading = settings.home / "downloads" / size.repository.replace("/", "--")
    try:
        offer = hub.offered(size.repository, _is_wanted)
        hub.fetch_files(offer, loading, on_progress, stop)
    except ModelError as error:
        if error.code != "offline":
            raise
        next_step = f"Check the network, or copy the model's folder to {folder}."
        raise ModelError(error.message, code=error.code, next_step=next_step) from error
    try:
        _complete(loading)
    except ModelError as error:
        shutil.rmtree(loading, ignore_errors=True)
        raise ModelError(f"{size.repository} was downloaded and cannot be used. {error}", code=error.code) from error
    if folder.exists() and not _is_complete(folder):
        shutil.rmtree(folder, ignore_errors=True)  # an incomplete copy is in the way of the whole one
    hub.place(loading, folder)
    return folder


def _is_wanted(path: str) -> bool:
    return "/" not in path and any(fnmatch.fnmatchcase(path, pattern) for pattern in _FILES)


def _roots(settings: Settings) -> tuple[Path, ...]:
    return settings.models / "whisper", settings.home / "models" / "whisper"


def _complete(folder: Path) -> Path:
    """Return a folder that holds what Whisper needs. No file of it is code."""
    missing = [name for name in ("config.json", "model.bin", "tokenizer.json") if not (folder / name).is_file()]
    if not missing and not list(folder.glob("vocabulary.*")):
        missing = ["vocabulary.json"]
    if missing:
        raise ModelError(
            f"The Whisper folder {folder.name} lacks {', '.join(missing)}.",
            code="incomplete",
            next_step="Copy the complete folder again (a CTranslate2 form of Whisper).",
        )
    return folder


def _is_complete(folder: Path) -> bool:
    try:
        _complete(folder)
    except ModelError:
        return False
    return True


def _gpu_bytes() -> int:
    """Return the memory of the first GPU that CTranslate2 can use, 0 without one."""
    import subprocess

    import ctranslate2

    if not ctranslate2.get_cuda_device_count():
        return 0
    try:
        told = subprocess.run(
            ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
        return int(told.stdout.split()[0]) << 20
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return 0
