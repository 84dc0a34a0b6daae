"""Weight files of a model folder: found, checked and hashed without loading them.

Only safetensors are accepted, because pickle files run code. The header of every
file is read and held against its length, so that a truncated download is refused
before anything is loaded. What the tensors mean is left to the library that
builds the model.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longdoc.errors import ModelError, StoreError
from longdoc.files import atomic_write, sha256_file
from longdoc.settings import Settings

_INDEX = "model.safetensors.index.json"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_MAX_HEADER_BYTES = 100 << 20  # the format's own limit
_COPY_AGAIN = "Copy the complete model folder again."


@dataclass(frozen=True)
class Weights:
    """What the headers say."""

    files: tuple[Path, ...]
    n_parameters: int
    n_bytes: int


def inspect(folder: Path) -> Weights:
    """Return the weights of a folder. Raises ModelError when they are missing, pickled, cut or damaged."""
    files = _files(folder)
    n_parameters = n_bytes = 0
    for path in files:
        for entry in _header(path).values():
            n_parameters += math.prod(entry["shape"])
            n_bytes += entry["data_offsets"][1] - entry["data_offsets"][0]
    return Weights(files, n_parameters, n_bytes)


def digests(weights: Weights, declared: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Return the SHA-256 of every weight file, after holding each file in `declared` against its own.

    `declared` maps names of files in the same folder to SHA-256. A hash is remembered under the
    file's path, size and time of change. Raises ModelError for a file that is missing or differs.
    """
    remembered = _Remembered(settings.home / "weight-hashes.json")
    folder = weights.files[0].parent
    for name, expected in declared.items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise ModelError(
                f"{folder.name} lacks {name!r}, which its longdoc.json lists.", code="incomplete", next_step=_COPY_AGAIN
            )
        if remembered.digest(path) != expected:
            raise ModelError(
                f"The file {name} of {folder.name} is not the one that longdoc.json describes (its SHA-256 differs).",
                code="damaged",
                next_step=_COPY_AGAIN,
            )
    result = {path.name: remembered.digest(path) for path in weights.files}
    remembered.save()
    return result


def _files(folder: Path) -> tuple[Path, ...]:
    index = folder / _INDEX
    if (folder / "model.safetensors").is_file():  # the library looks in this order, too
        names = ["model.safetensors"]
    elif index.is_file():
        names = _indexed_names(index)
    elif any(next(folder.glob(pattern), None) for pattern in _PICKLES):
        raise ModelError(
            f"The model folder {folder.name} has pickled weights only, which could run code when opened.",
            code="pickle",
            next_step="Use the model's safetensors files.",
        )
    else:
        raise ModelError(
            f"The model folder {folder.name} has no model.safetensors.", code="incomplete", next_step=_COPY_AGAIN
        )
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"The model folder {folder.name} lacks {len(missing)} of {len(names)} weight files, first {missing[0]}.",
            code="incomplete",
            next_step=_COPY_AGAIN,
        )
    return tuple(folder / name for name in names)


def _indexed_names(index: Path) -> list[str]:
    try:
        names = sorted({str(name) for name in json.loads(index.read_bytes())["weight_map"].values()})
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelError(f"{_INDEX} cannot be read.", code="damaged", next_step=_COPY_AGAIN) from error
    for name in names:
        # A name is only ever a file beside its index.
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise ModelError(
                f"{_INDEX} names the weight file {name!r}, which is not a safetensors file of this folder.",
                code="damaged",
                next_step=_COPY_AGAIN,
            )
    return names


def _header(path: Path) -> dict[str, Any]:
    """Return name to {dtype, shape, data_offsets}. Raises ModelError unless header and length agree."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            n_header = int.from_bytes(file.read(8), "little")
            if n_header > min(_MAX_HEADER_BYTES, size - 8):
                raise ValueError("header longer than the file")
            entries = json.loads(file.read(n_header))
        entries.pop("__metadata__", None)
        at = 0
        for entry in sorted(entries.values(), key=lambda entry: tuple(entry["data_offsets"])):
            start, end = entry["data_offsets"]
            if start != at or end < start or any(n < 0 for n in entry["shape"]):
                raise ValueError("tensors do not follow each other")
            at = end
        if size != 8 + n_header + at:
            raise ValueError(f"{size} bytes instead of {8 + n_header + at}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"The weight file {path.name} in {path.parent.name} is cut short or damaged.",
            code="damaged",
            next_step=_COPY_AGAIN,
        ) from error
    return dict(entries)


class _Remembered:
    """Hashes by path, size and time of change, in one small JSON file. Losing it costs a re-hash."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed = False
        try:
            known = json.loads(path.read_bytes())
            self._known: dict[str, list[Any]] = known if isinstance(known, dict) else {}
        except (OSError, ValueError):
            self._known = {}

    def digest(self, path: Path) -> str:
        stat = path.stat()
        key, state = str(path.resolve()), [stat.st_size, stat.st_mtime_ns]
        entry = self._known.get(key)
        if isinstance(entry, list) and len(entry) == 3 and entry[:2] == state:
            return str(entry[2])
        digest = sha256_file(path)
        self._known[key] = [*state, digest]
        self._changed = True
        return digest

    def save(self) -> None:
        if not self._changed:
            return
        try:
            atomic_write(self._path, json.dumps(self._known, indent=0).encode())
        except StoreError:
            return  # a full disk costs the memory of a hash, not the model
