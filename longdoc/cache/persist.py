"""Bytes of a reading to files and back, each with a checksum.

An extent file holds, for every layer in order, keys [num_kv_heads, n, key_dim]
then values [num_kv_heads, n, value_dim], raw in the reading's dtype. It is
written once, flushed, and never changed, so entries that begin alike can share
it by hard link. Which entry, and when, is decided in `disk.py`.
"""

from __future__ import annotations

import hashlib
import os
import threading
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from longdoc.cache.manifest import Extent, Manifest, make_key, parse_manifest
from longdoc.cache.segment import Reading
from longdoc.errors import CacheError, Stopped
from longdoc.files import sync_folder

MANIFEST = "manifest"
TOKENS = "tokens"
EXTENT_BYTES = 32 << 20  # upper bound of one extent, and so of what a partial hit reads for nothing
_EXTENT_ALIGN = 64  # tokens
_WRITE_BYTES = 8 << 20
_LOADERS = 2  # checksums and copies release the interpreter lock; more threads gain little

Bytes = NDArray[np.uint8]


def token_bytes(token_ids: Sequence[int]) -> bytes:
    return np.asarray(token_ids, dtype="<i4").tobytes()


def tokens_sha256(token_ids: Sequence[int]) -> str:
    return hashlib.sha256(token_bytes(token_ids)).hexdigest()


def entry_key(owner: str, fingerprint: str, token_ids: Sequence[int]) -> str:
    """Return the name of the entry that holds a reading of exactly these tokens."""
    return make_key(owner, fingerprint, tokens_sha256(token_ids))


def dtype_name(reading: Reading) -> str:
    return str(reading.dtype).removeprefix("torch.")


def layer_shapes(reading: Reading) -> tuple[tuple[int, int, int], ...]:
    return tuple((shape.num_kv_heads, shape.key_dim, shape.value_dim) for shape in reading.shapes)


def cut_extents(start: int, end: int, token_size: int) -> list[tuple[int, int]]:
    """Cut tokens start .. end into ranges of at most EXTENT_BYTES (at least 64 tokens)."""
    step = max(EXTENT_BYTES // max(token_size, 1) // _EXTENT_ALIGN, 1) * _EXTENT_ALIGN
    return [(at, min(at + step, end)) for at in range(start, end, step)]


def write_file(path: Path, data: bytes | memoryview) -> None:
    """Write a file under a temporary name, flush it, and give it its name. Raises OSError."""
    temporary = path.with_name(f".{path.name}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data).cast("B")
        while view:
            view = view[os.write(descriptor, view[:_WRITE_BYTES]) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(temporary, path)


def write_extent(folder: Path, reading: Reading, start: int, end: int) -> Extent:
    """Save tokens start .. end of a reading; the caller flushes the folder. Raises OSError."""
    planes = [
        plane[:, start:end].contiguous().cpu().view(torch.uint8).numpy().reshape(-1)
        for layer in reading.layers
        for plane in (layer.keys, layer.values)
    ]
    data: Bytes = np.concatenate(planes) if planes else np.empty(0, np.uint8)
    extent = Extent(start, end, data.nbytes, f"{zlib.crc32(data.data):08x}")
    write_file(folder / extent.file, data.data)
    return extent


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Make everything written to the folder so far durable, then name it in the manifest. Raises OSError."""
    sync_folder(folder)
    write_file(folder / MANIFEST, manifest.to_bytes())
    sync_folder(folder)


def read_manifest(folder: Path) -> Manifest:
    """Return an entry's manifest. Raises CacheError."""
    try:
        manifest = parse_manifest((folder / MANIFEST).read_bytes())
    except OSError as error:
        raise _unreadable(error, MANIFEST) from error
    if manifest.key != folder.name:
        raise CacheError("it lies in the folder of another", code="damaged")
    return manifest


def read_tokens(folder: Path, manifest: Manifest) -> NDArray[np.int32]:
    """Return the planned token ids of an entry, [n_planned]. Raises CacheError."""
    try:
        data = (folder / TOKENS).read_bytes()
    except OSError as error:
        raise _unreadable(error, TOKENS) from error
    if len(data) != 4 * manifest.n_planned or hashlib.sha256(data).hexdigest() != manifest.tokens_sha256:
        raise CacheError("its token ids are damaged", code="damaged")
    return np.frombuffer(data, "<i4").astype(np.int32, copy=False)


def read_extent(folder: Path, extent: Extent) -> Bytes:
    """Return the bytes of one extent after checking them. Raises CacheError."""
    try:
        data: Bytes = np.fromfile(folder / extent.file, np.uint8)
    except OSError as error:
        raise _unreadable(error, extent.file) from error
    if data.nbytes != extent.n_bytes:
        raise CacheError(
            f"its part {extent.file} has {data.nbytes:,} bytes instead of {extent.n_bytes:,}", code="damaged"
        )
    if f"{zlib.crc32(data.data):08x}" != extent.checksum:
        raise CacheError(f"its part {extent.file} is damaged", code="damaged")
    return data


def load(
    folder: Path, manifest: Manifest, n_tokens: int, reading: Reading, stop: threading.Event | None = None
) -> None:
    """Fill an empty reading with the first `n_tokens` tokens of an entry, every byte checked.

    The reading declares its tokens only after all of them arrived whole; after an error it is
    still empty and to be thrown away. Raises CacheError, Stopped.
    """
    if (dtype_name(reading), layer_shapes(reading)) != (manifest.dtype, manifest.layers):
        raise CacheError("it has other shapes than this model", code="shapes")
    token_ids = read_tokens(folder, manifest)[:n_tokens]
    wanted = [extent for extent in manifest.extents if extent.start < n_tokens]

    def load_one(extent: Extent) -> None:
        if stop is not None and stop.is_set():
            raise Stopped
        _attach(read_extent(folder, extent), extent, n_tokens, reading)

    with ThreadPoolExecutor(_LOADERS, thread_name_prefix="longdoc-load") as pool:
        futures = [pool.submit(load_one, extent) for extent in wanted]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    reading.commit([int(token) for token in token_ids])


def _attach(data: Bytes, extent: Extent, n_tokens: int, reading: Reading) -> None:
    """Copy checked bytes to their places in the reading's layers."""
    raw, at, end = torch.from_numpy(data), 0, min(extent.end, n_tokens)
    for layer in reading.layers:
        for plane in (layer.keys, layer.values):
            heads, _, width = plane.shape
            n_bytes = heads * (extent.end - extent.start) * width * plane.element_size()
            part = raw[at : at + n_bytes].view(reading.dtype).view(heads, extent.end - extent.start, width)
            plane[:, extent.start : end].copy_(part[:, : end - extent.start])
            at += n_bytes


def _unreadable(error: OSError, name: str) -> CacheError:
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return CacheError(f"its file {name} is missing", code="damaged")
    return CacheError(f"its file {name} cannot be read ({error.strerror or error})", code="io")
