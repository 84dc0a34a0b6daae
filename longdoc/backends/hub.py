"""Models on the Hugging Face hub: what one weighs and may be used for, and fetching it when a person asks.

The only part of LongDoc, with the weights of speech, that reaches the network by itself, and
only on request. `HF_ENDPOINT` names another hub. Files that came whole before an
interruption are not fetched again; a model that cannot be used is not kept.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longdoc.backends.catalogue import describe
from longdoc.errors import LongDocError, ModelError, Stopped, UserError
from longdoc.files import disk_error
from longdoc.settings import Settings
from longdoc.types import ModelInfo

# Weights as safetensors and plain descriptions only; nothing that could run.
_WANTED = (
    "*.safetensors", "*.safetensors.index.json", "config.json", "generation_config.json", "tokenizer*.json",
    "special_tokens_map.json", "chat_template.jinja", "vocab.json", "merges.txt", "LICENSE*", "README.md",
)  # fmt: skip
_SPARE_BYTES = 256 << 20
_MOST_FILES = 500
_PIECE_BYTES = 1 << 20
_STOPPED = "Stopped. Files that came whole are kept for the next time."


@dataclass(frozen=True)
class Offer:
    """A model on the hub, before anything of it is fetched."""

    name: str  # OWNER/NAME
    revision: str  # a commit
    files: tuple[tuple[str, int], ...]  # path, bytes
    licence: str

    @property
    def size_bytes(self) -> int:
        return sum(size for _, size in self.files)


def look_up(name: str, settings: Settings, revision: str | None = None) -> Offer:
    """Ask the hub what a model consists of. Raises UserError for no name or one that is here, ModelError."""
    folder = _folder(name, settings)
    if folder.exists():
        raise UserError(f"{folder.name} is here already.", next_step=f"Use it, or delete {folder}.")
    offer = offered(name, _is_wanted, revision)
    if not any(path.endswith(".safetensors") for path, _ in offer.files) or len(offer.files) > _MOST_FILES:
        raise ModelError(
            f"{name} has no weights as safetensors, so LongDoc does not load it.",
            code="unsupported",
            next_step="Choose a model that has them.",
        )
    return offer


def offered(name: str, is_wanted: Callable[[str], bool], revision: str | None = None) -> Offer:
    """Ask the hub for the wanted files of a repository with their sizes. Raises ModelError."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        from huggingface_hub import HfApi

        found = HfApi(endpoint=_endpoint()).model_info(name, revision=revision, files_metadata=True, timeout=20)
        listed = [(str(one.rfilename), int(one.size or 0)) for one in found.siblings or ()]
        card = getattr(found, "card_data", None)
        licence = str(card.get("license") or "") if card is not None else ""
    except Exception as error:  # the hub's client and its transports raise many kinds
        raise _no_download(name, error) from error
    files = tuple(entry for entry in listed if is_wanted(entry[0]))
    return Offer(name, str(found.sha or revision or "main"), files, licence)


def fetch(
    offer: Offer,
    settings: Settings,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    stop: threading.Event | None = None,
) -> ModelInfo:
    """Download a model, check it, put it where it is found by name. `on_progress` gets bytes done and in all.

    Raises Stopped (files that came whole are kept), ModelError, UserError, StoreError when the disk is full.
    """
    folder = _folder(offer.name, settings)
    loading = settings.home / "downloads" / offer.name.replace("/", "--")
    fetch_files(offer, loading, on_progress, stop)
    try:
        describe(loading)
    except ModelError as error:
        shutil.rmtree(loading, ignore_errors=True)
        raise ModelError(f"{offer.name} was downloaded and cannot be used. {error}", code=error.code) from error
    place(loading, folder)
    return describe(folder)


def fetch_files(
    offer: Offer,
    loading: Path,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    stop: threading.Event | None = None,
) -> None:
    """Download the files of an offer into a folder, going on where an earlier try ended. Raises what `fetch` does."""
    try:
        loading.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(loading).free
    except OSError as error:
        raise disk_error(loading, error) from error
    here = sum(path.stat().st_size for path in loading.rglob("*") if path.is_file())
    if offer.size_bytes - here + _SPARE_BYTES > free:
        raise ModelError(
            f"{offer.name} takes {offer.size_bytes / 1e9:,.1f} GB and {free / 1e9:,.1f} GB are free.",
            code="disk",
            next_step="Free some space first.",
        )
    done = 0
    for path, size in offer.files:
        if stop is not None and stop.is_set():
            raise Stopped(_STOPPED)
        with _small_pieces():
            _fetch_file(offer, path, loading, _bar(done, offer.size_bytes, on_progress, stop))
        done += size
        on_progress(done, offer.size_bytes)


def place(loading: Path, folder: Path) -> None:
    """Move a downloaded folder, whole, to where it is used. Raises StoreError."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(loading / ".cache", ignore_errors=True)
        os.rename(loading, folder)
    except OSError as error:
        raise disk_error(folder, error) from error


@contextmanager
def _small_pieces() -> Iterator[None]:
    """Let the hub's client tell of every MiB in place of ten: a slow line shows progress, and Stop is heard."""
    from huggingface_hub import constants

    usual = constants.DOWNLOAD_CHUNK_SIZE
    constants.DOWNLOAD_CHUNK_SIZE = _PIECE_BYTES
    try:
        yield
    finally:
        constants.DOWNLOAD_CHUNK_SIZE = usual


def _fetch_file(offer: Offer, path: str, folder: Path, bar: Any) -> None:
    try:
        from huggingface_hub import hf_hub_download

        hf_hub_download(
            offer.name, path, revision=offer.revision, local_dir=folder, endpoint=_endpoint(), tqdm_class=bar
        )
    except LongDocError:
        raise
    except OSError as error:
        if error.errno is not None and not isinstance(error, ConnectionError):
            raise disk_error(folder, error) from error
        raise _no_download(offer.name, error) from error
    except Exception as error:  # the hub's client and its transports raise many kinds
        raise _no_download(offer.name, error) from error


def _bar(before: int, total: int, on_progress: Callable[[int, int], None], stop: threading.Event | None) -> Any:
    """Return a progress bar class for the hub's client that shows nothing, tells bytes and ends the transfer."""
    from tqdm import tqdm  # type: ignore[import-untyped]  # it brings no types

    class Told(tqdm):  # type: ignore[misc]  # the library is untyped
        def __init__(self, *args: Any, **named: Any) -> None:
            named.pop("name", None)
            named["disable"] = True
            super().__init__(*args, **named)
            self.came = int(named.get("initial") or 0)

        def update(self, n: float | None = 1) -> bool | None:
            self.came += int(n or 0)
            on_progress(min(before + self.came, total), total)
            if stop is not None and stop.is_set():
                raise Stopped(_STOPPED)
            return None

    return Told


def _folder(name: str, settings: Settings) -> Path:
    """Return where a model of the hub is put. Raises UserError for what is no name there."""
    parts = name.split("/")
    plain = all(part and part[0].isalnum() and part.replace("-", "").replace("_", "").replace(".", "").isalnum()
                for part in parts)  # fmt: skip
    if len(parts) != 2 or not plain or len(name) > 200:
        raise UserError(f"{name[:200]!r} is not a name on the hub.", next_step="Write it as OWNER/NAME.")
    return settings.home / "models" / parts[1]


def _is_wanted(path: str) -> bool:
    plain = not path.startswith("/") and ".." not in path.split("/") and "\\" not in path
    return plain and "/" not in path and any(fnmatch.fnmatch(path, pattern) for pattern in _WANTED)


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT") or None


def _no_download(name: str, error: Exception) -> ModelError:
    """Say in one sentence why a model did not come."""
    kind = type(error).__name__
    if kind == "GatedRepoError":
        return ModelError(f"{name} asks for consent on huggingface.co first.", next_step="Agree there, then log in.")
    if kind in ("RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError"):
        return ModelError(f"There is no model {name} on the hub.", code="not_found", next_step="Check its name.")
    return ModelError(
        f"{name} could not be downloaded: huggingface.co cannot be reached ({kind}).",
        code="offline",
        next_step="Check the network, or copy the model's folder here and name it with --model.",
    )
