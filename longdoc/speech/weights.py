"""Whisper's models: which there are, which is here, which suits this machine, and fetching one.

Models lie in `<models>/whisper/<size>`, `<home>/models/whisper/<size>`, or any folder a person names. Nothing is
fetched unless a person asks for it, having been told size and licence.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from longdoc.errors import ModelError, Stopped, UserError
from longdoc.files import disk_error, free_bytes
from longdoc.settings import Settings

MB = 1_000_000
_FILES = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")
_LOOK_EVERY_S = 0.5


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
    on_progress: Callable[[int, int], None] | None = None,
    stop: threading.Event | None = None,
) -> Path:
    """Fetch a model from the hub and return its folder; `on_progress(bytes, of bytes)`.

    It appears whole or not at all; what came before an interruption is not fetched again.
    Raises ModelError `offline`, StoreError `disk`, Stopped.
    """
    folder = settings.home / "models" / "whisper" / size.name
    loading = settings.home / "downloads" / size.repository.replace("/", "--")
    if free_bytes(settings.home) < size.download_bytes * 1.1:
        raise ModelError(
            f"{size.described()}: there is not enough free space for it.", code="disk", next_step="Free some space."
        )
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    failed: list[Exception] = []

    def fetch() -> None:
        try:
            from huggingface_hub import snapshot_download

            snapshot_download(size.repository, local_dir=loading, allow_patterns=list(_FILES))
        except Exception as error:  # the hub's client and its transports raise many kinds
            failed.append(error)

    # A daemon: the client has no way to be stopped, and what it has fetched so far is kept.
    thread = threading.Thread(target=fetch, name="longdoc-whisper-download", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_LOOK_EVERY_S)
        if stop is not None and stop.is_set():
            raise Stopped
        if on_progress is not None:
            on_progress(min(_size_of(loading), size.download_bytes), size.download_bytes)
    if failed:
        raise ModelError(
            f"Whisper {size.name} could not be downloaded: huggingface.co cannot be reached "
            f"({type(failed[0]).__name__}).",
            code="offline",
            next_step=f"Check the network, or copy the model's folder to {folder}.",
        ) from failed[0]
    _complete(loading)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(loading / ".cache", ignore_errors=True)
        os.rename(loading, folder)
    except OSError as error:
        raise disk_error(folder, error) from error
    return folder


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


def _size_of(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except OSError:  # renamed meanwhile
            continue
    return total


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
