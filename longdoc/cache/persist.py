"""Bytes of a reading to files and back, each with a checksum.

An extent file holds the strips of a range of tokens as `layout.py` has them, raw. It
is written once, flushed, and never changed, so entries that begin alike can share
it by hard link; a full slab of a reading on the disk tier becomes one the same way.
Which entry, and when, is decided in `disk.py`.
"""

from __future__ import annotations

import contextlib
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
from torch import Tensor

from longdoc.cache.layout import flat_bytes
from longdoc.cache.manifest import Extent, Manifest, make_key, parse_manifest
from longdoc.cache.mapped import map_file
from longdoc.cache.segment import Reading
from longdoc.errors import CacheError, Stopped
from longdoc.files import sync_folder

MANIFEST = "manifest"
TOKENS = "tokens"
_WRITE_BYTES = 8 << 20
_READ_BYTES = 1 << 20
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
    return reading.kv.stored


def layer_shapes(reading: Reading) -> tuple[tuple[int, int, int], ...]:
    return tuple((shape.num_kv_heads, shape.key_dim, shape.value_dim) for shape in reading.shapes)


def cut_extents(reading: Reading, start: int, end: int) -> list[tuple[int, int]]:
    """Cut tokens start .. end into the ranges of extent files."""
    if reading.store is not None:
        return reading.store.cut(start, end)
    step = reading.layout.file_tokens()
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
    slab = reading.store.slab(start, end) if reading.store is not None else None
    if slab is not None and slab.path is not None:
        with contextlib.suppress(OSError):  # a file system without links is served by a copy
            extent = _extent(start, end, slab.raw.numpy())
            _flush(slab.path)
            os.link(slab.path, folder / extent.file)
            return extent
    strips = [strip for layer in reading.layers for strip in flat_bytes(layer.stored(start, end))]
    data: Bytes = np.concatenate([strip.numpy() for strip in strips]) if strips else np.empty(0, np.uint8)
    extent = _extent(start, end, data)
    write_file(folder / extent.file, data.data)
    return extent


def _extent(start: int, end: int, data: Bytes) -> Extent:
    return Extent(start, end, data.nbytes, f"{zlib.crc32(data.data):08x}")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
    _compare(extent, data.nbytes, zlib.crc32(data.data))
    return data


def map_extent(folder: Path, extent: Extent) -> Tensor:
    """Return the bytes of one extent, uint8, mapped after they were checked. Raises CacheError.

    The check reads the file in the plain way: where a disk fails, a mapping ends the program and a
    read is an error.
    """
    n_bytes = checksum = 0
    try:
        with (folder / extent.file).open("rb", buffering=0) as file:
            while piece := file.read(_READ_BYTES):
                n_bytes, checksum = n_bytes + len(piece), zlib.crc32(piece, checksum)
        _compare(extent, n_bytes, checksum)
        return map_file(folder / extent.file, n_bytes)
    except OSError as error:
        raise _unreadable(error, extent.file) from error


def _compare(extent: Extent, n_bytes: int, checksum: int) -> None:
    if n_bytes != extent.n_bytes:
        raise CacheError(f"its part {extent.file} has {n_bytes:,} bytes instead of {extent.n_bytes:,}", code="damaged")
    if f"{checksum:08x}" != extent.checksum:
        raise CacheError(f"its part {extent.file} is damaged", code="damaged")


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

    def load_one(extent: Extent) -> Tensor | None:
        if stop is not None and stop.is_set():
            raise Stopped
        if reading.store is not None:
            return map_extent(folder, extent)
        _attach(torch.from_numpy(read_extent(folder, extent)), extent, n_tokens, reading)
        return None

    with ThreadPoolExecutor(_LOADERS, thread_name_prefix="longdoc-load") as pool:
        futures = [pool.submit(load_one, extent) for extent in wanted]
        try:
            mapped = [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if reading.store is not None:
        for extent, data in zip(wanted, mapped, strict=True):
            assert data is not None
            reading.store.adopt(data, extent.start, min(extent.end, n_tokens), extent.end - extent.start)
    reading.commit([int(token) for token in token_ids])


def _attach(data: Tensor, extent: Extent, n_tokens: int, reading: Reading) -> None:
    """Copy checked bytes to their places in the reading's layers."""
    n = min(extent.end, n_tokens) - extent.start
    for layer, strips in zip(reading.layers, reading.layout.views(data, extent.end - extent.start), strict=True):
        layer.restore(extent.start, [strip[:, :n] for strip in strips])


def _unreadable(error: OSError, name: str) -> CacheError:
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return CacheError(f"its file {name} is missing", code="damaged")
    return CacheError(f"its file {name} cannot be read ({error.strerror or error})", code="io")
