"""The disk tier: keys and values in files that are mapped, not loaded.

A reading on disk is a row of pieces, each holding a range of tokens of every layer
in one file (`layout.py`). Slabs are sized on the disk before reading, so a full
disk shows before anything is computed, and written with plain writes, so that a
failing disk is an error and not a signal; attention reads them through a mapping.
A full slab is byte for byte an extent of the cache and is saved by a hard link;
stored extents are mapped as they are and never written. Memory holds pages that
the system can drop at any time, and none of them is anonymous.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import shutil
import uuid
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from longdoc.cache.buffer import LONGEST_TOKENS, Layer, short_cuts
from longdoc.cache.evict import size, spare_bytes
from longdoc.cache.kv_dtypes import KVDtype
from longdoc.cache.layout import LayerShape, Layout, Strip, flat_bytes
from longdoc.errors import ModelError
from longdoc.files import free_bytes

_SHORT_TOKENS = 1024  # pieces shorter than this are joined by copying
_WILLNEED, _DONTNEED = 3, 4  # madvise; the same numbers on Linux and macOS


@dataclass(eq=False)
class Piece:
    """Tokens start .. end of every layer, in a file of `rows` tokens. A frozen one is never written again."""

    start: int
    end: int
    rows: int
    raw: Tensor  # the mapped file, uint8
    strips: list[list[Tensor]]  # by layer, [num_kv_heads, rows, width]
    path: Path | None = None  # of a slab of ours
    frozen: bool = True


@dataclass
class _Open:
    """The slab being written to; kept apart so that it can be closed when the store is dropped."""

    piece: Piece | None = None
    descriptor: int | None = None

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
        self.piece = self.descriptor = None


@dataclass(eq=False)
class Store:
    """The pieces of one reading, and the folder its slabs lie in until it is dropped.

    `resident_bytes`: layers beyond this many bytes give their pages back once used, since what is
    read again and again in the same order would otherwise push itself out before each use.
    """

    folder: Path
    layout: Layout
    capacity: int
    resident_bytes: int = 1 << 62
    pieces: list[Piece] = field(default_factory=list)
    _open: _Open = field(default_factory=_Open)
    _used: tuple[int, int, int] | None = None  # layer and tokens that attention asked for last

    def __post_init__(self) -> None:
        self._finalizers: list[weakref.finalize[..., Any]] = [weakref.finalize(self, _tidy, self.folder, self._open)]

    @property
    def end(self) -> int:
        """Tokens that there are pieces for."""
        return self.pieces[-1].end if self.pieces else 0

    def at_end(self, release: Callable[[], None]) -> None:
        """Call `release` when the reading is dropped."""
        self._finalizers.append(weakref.finalize(self, release))

    # making room

    def missing_bytes(self) -> int:
        """Bytes of disk that `reserve` will take."""
        return max(self.capacity - self.end, 0) * self.layout.token_bytes

    def reserve(self) -> None:
        """Make slabs for all tokens that there are no pieces for. Raises ModelError `disk` where they do not fit."""
        missing = self.missing_bytes()
        if not missing:
            return
        free = free_bytes(self.folder)
        if missing + spare_bytes(self.folder) > free:
            raise disk_error(f"Reading on the disk takes {size(missing)} more, and the disk has {size(free)} free")
        made = len(self.pieces)
        try:
            for folder in (self.folder.parent.parent, self.folder.parent, self.folder):  # what was read is private
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            step = self.layout.file_tokens()
            for start in range(self.end, self.capacity, step):
                self.pieces.append(self._slab(start, min(step, self.capacity - start)))
        except OSError as error:
            del self.pieces[made:]
            raise disk_error(f"Room for reading could not be made on the disk ({error.strerror or error})") from error

    def _slab(self, start: int, rows: int) -> Piece:
        path = self.folder / f"{start:09d}.{uuid.uuid4().hex[:8]}"
        n_bytes = rows * self.layout.token_bytes
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _allocate(descriptor, n_bytes)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        raw = torch.from_file(str(path), shared=True, size=n_bytes, dtype=torch.uint8)
        return Piece(start, start + rows, rows, raw, self.layout.views(raw, rows), path, frozen=False)

    def adopt(self, raw: Tensor, start: int, end: int, rows: int) -> None:
        """Append tokens start .. end, the first of a stored file of `rows` tokens that is mapped as `raw`."""
        assert start == self.end
        self.pieces.append(Piece(start, end, rows, raw, self.layout.views(raw, rows)))

    def truncate(self, n_tokens: int) -> None:
        """Keep the first `n_tokens` tokens. What follows goes to new slabs: a cut piece may be shared by now."""
        self._open.close()
        kept = [piece for piece in self.pieces if piece.start < n_tokens]
        for piece in self.pieces[len(kept) :]:
            _unlink(piece)
        for piece in kept[-1:]:
            piece.frozen = piece.frozen or piece.end > n_tokens
            piece.end = min(piece.end, n_tokens)
        self.pieces = kept

    # reading and writing

    def overlaps(self, start: int, end: int) -> list[tuple[Piece, int, int]]:
        """Return (piece, start, end) of the pieces that hold tokens start .. end."""
        found = [(piece, max(start, piece.start), min(end, piece.end)) for piece in self.pieces]
        return [(piece, a, b) for piece, a, b in found if a < b]

    def write(self, layer: int, start: int, strips: Sequence[Tensor]) -> None:
        """Write one layer's strips [num_kv_heads, n, width] from token `start` on. Raises ModelError `disk`."""
        end = start + strips[0].shape[1]
        if end > self.end:
            self.reserve()
        for piece, a, b in self.overlaps(start, end):
            assert not piece.frozen, "tokens that may be shared are never written"
            places = self.layout.strips(piece.rows)[layer]
            try:
                descriptor = self._writable(piece)
                for place, strip in zip(places, strips, strict=True):
                    _write_rows(descriptor, place, a - piece.start, strip[:, a - start : b - start])
            except OSError as error:
                raise disk_error(f"What is read cannot be written to the disk ({error.strerror or error})") from error

    def _writable(self, piece: Piece) -> int:
        if self._open.piece is not piece or self._open.descriptor is None:
            self._open.close()
            assert piece.path is not None
            self._open.descriptor = os.open(piece.path, os.O_WRONLY | os.O_CLOEXEC)
            self._open.piece = piece
        return self._open.descriptor

    def using(self, layer: int, start: int, end: int) -> None:
        """Attention is about to read tokens start .. end of a layer: fetch the next layer's, let go of the last."""
        following = (layer + 1) % len(self.layout.shapes)
        for piece, a, b in self.overlaps(start, end):
            _advise(piece, following, a, b, _WILLNEED)
        if self._used is not None and not self._resident(self._used[0]):
            for piece, a, b in self.overlaps(*self._used[1:]):
                _advise(piece, self._used[0], a, b, _DONTNEED)
        self._used = (layer, start, end)

    def _resident(self, layer: int) -> bool:
        return (layer + 1) * self.layout.token_bytes * self.end <= self.resident_bytes * len(self.layout.shapes)

    # saving

    def whole_until(self, n_tokens: int) -> int:
        """Return the last token up to which pieces are full: what can be saved by links alone."""
        return max((piece.end for piece in self.pieces if piece.end <= n_tokens), default=0)

    def cut(self, start: int, end: int) -> list[tuple[int, int]]:
        """Cut tokens start .. end at the edges of pieces."""
        return [(a, b) for _, a, b in self.overlaps(start, end)]

    def slab(self, start: int, end: int) -> Piece | None:
        """Return the slab that holds exactly tokens start .. end and can be linked; it is frozen from now on."""
        for piece in self.pieces:
            if (piece.start, piece.end) == (start, end) and piece.rows == end - start and piece.path is not None:
                piece.frozen = True
                return piece
        return None


class MappedLayer(Layer):
    """One layer of a store."""

    def __init__(
        self, store: Store, index: int, shape: LayerShape, kv: KVDtype, dtype: torch.dtype, device: torch.device
    ) -> None:
        super().__init__(shape, store.capacity, kv, dtype, device)
        self._store, self._index = store, index

    @property
    def nbytes(self) -> int:
        return 0

    @property
    def away(self) -> bool:
        return True

    def restore(self, start: int, strips: Sequence[Tensor]) -> None:
        self._store.write(self._index, start, strips)

    def stored(self, start: int, end: int) -> list[Tensor]:
        parts = [
            [strip[:, a - piece.start : b - piece.start] for strip in piece.strips[self._index]]
            for piece, a, b in self._store.overlaps(start, end)
        ]
        return parts[0] if len(parts) == 1 else [torch.cat(strips, 1) for strips in zip(*parts, strict=True)]

    def run(self, start: int, end: int) -> tuple[Tensor, Tensor]:
        self._store.using(self._index, start, end)
        return super().run(start, end)

    def resident(self, n_tokens: int) -> bool:
        """Return whether the first `n_tokens` of all layers stay in memory once read from the files."""
        return n_tokens * self._store.layout.token_bytes <= self._store.resident_bytes

    def cuts(self, start: int, end: int) -> list[tuple[int, int]]:
        if self.kv.narrow:
            return short_cuts(start, end)
        cuts: list[tuple[int, int]] = []
        for _, a, b in self._store.overlaps(start, end):
            if cuts and b - cuts[-1][0] <= LONGEST_TOKENS and min(b - a, cuts[-1][1] - cuts[-1][0]) < _SHORT_TOKENS:
                cuts[-1] = (cuts[-1][0], b)
            else:
                cuts.append((a, b))
        return cuts

    def chosen(self, blocks: Tensor, block: int) -> list[Tensor]:
        store, (heads, m) = self._store, blocks.shape
        blocks = blocks.cpu().clamp(max=(store.end - 1) // block).flatten()
        head_of = torch.arange(heads).repeat_interleave(m)
        ends = torch.tensor([piece.end for piece in store.pieces])
        first = torch.bucketize(blocks * block, ends, right=True)
        last = torch.bucketize((blocks * block + block - 1).clamp_(max=store.end - 1), ends, right=True)
        dtypes = [strip.dtype for strip in store.pieces[0].strips[self._index]]
        # Copied as bytes: torch does not move rows of every dtype.
        found = [torch.empty(heads * m, block * strip.shape[2], dtype=torch.uint8) for strip in self._bytes(0)]
        for number in sorted(set(first.tolist())):
            here = ((first == number) & (last == number)).nonzero().squeeze(1)
            piece = store.pieces[number]
            for into, strip in zip(found, self._bytes(number), strict=True):
                rows = _block_rows(strip, head_of[here], blocks[here] * block - piece.start, block)
                into.index_copy_(0, here, rows)
        for place in (first != last).nonzero().squeeze(1).tolist():  # a block in two pieces
            start = int(blocks[place]) * block
            strips = self.stored(start, min(start + block, store.end))
            for into, strip in zip(found, strips, strict=True):
                rows = strip.view(torch.uint8)[place // m]
                into[place] = rows[torch.arange(block).clamp_(max=len(rows) - 1)].flatten()
        return [part.view(heads, m * block, -1).view(dtype) for part, dtype in zip(found, dtypes, strict=True)]

    def _bytes(self, piece: int) -> list[Tensor]:
        """Return this layer's strips of a piece as bytes, [num_kv_heads, rows, width in bytes]."""
        return [strip.view(torch.uint8) for strip in self._store.pieces[piece].strips[self._index]]


def map_file(path: Path, n_bytes: int) -> Tensor:
    """Return a file's bytes, uint8 [n_bytes], mapped; a write would stay in memory. Raises OSError."""
    with path.open("rb"):  # torch tells the reason of a failure in words only
        pass
    try:
        return torch.from_file(str(path), shared=False, size=n_bytes, dtype=torch.uint8)
    except RuntimeError as error:
        raise OSError(str(error).splitlines()[0]) from error


def disk_error(what: str) -> ModelError:
    return ModelError(f"{what}.", code="disk", next_step="Free some space, or choose the tier ram.")


def new_folder(working: Path) -> Path:
    """Return the name of a folder for one reading's slabs; it is made with the first slab."""
    return working / f"{os.getpid()}-{uuid.uuid4().hex[:12]}"


def _tidy(folder: Path, opened: _Open) -> None:
    opened.close()
    if folder.name.startswith(f"{os.getpid()}-"):  # not in a child that was forked
        shutil.rmtree(folder, ignore_errors=True)


def _unlink(piece: Piece) -> None:
    if piece.path is not None:
        with suppress(OSError):  # the folder goes with the reading
            piece.path.unlink(missing_ok=True)


def _allocate(descriptor: int, n_bytes: int) -> None:
    """Give a new file its size, taken from the disk now where the file system can. Raises OSError."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, n_bytes)
            return
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise
    os.ftruncate(descriptor, n_bytes)


def _write_rows(descriptor: int, place: Strip, row: int, numbers: Tensor) -> None:
    """Write numbers [num_kv_heads, n, width] from a row of a strip on. Raises OSError."""
    for head, data in enumerate(numbers):
        (rows,) = flat_bytes([data])
        view, at = rows.numpy().data, place.place(head, row)
        while view:
            written = os.pwrite(descriptor, view, at)
            view, at = view[written:], at + written


def _block_rows(strip: Tensor, heads: Tensor, starts: Tensor, block: int) -> Tensor:
    """Return blocks [n, block * width] of a strip, each of a head from a row on; past the end the last row again."""
    _, rows, width = strip.shape
    if rows % block == 0 and not (starts % block).any():
        flat = heads * (rows // block) + starts // block
        return strip.view(-1, block * width).index_select(0, flat)
    tokens = (starts.unsqueeze(1) + torch.arange(block)).clamp_(max=rows - 1)
    return strip[heads.unsqueeze(1), tokens].flatten(1)


def _advise(piece: Piece, layer: int, start: int, end: int, advice: int) -> None:
    """Tell the system that tokens start .. end of a layer are needed soon, or no longer."""
    for strip in piece.strips[layer]:
        for head in strip[:, start - piece.start : end - piece.start]:
            at = head.data_ptr()
            first, last = at // mmap.PAGESIZE * mmap.PAGESIZE, at + head.nbytes
            _libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), advice)  # advice only: may fail


_libc = ctypes.CDLL(None, use_errno=True)
