"""Token encodings of documents, kept so that a follow-up does not tokenise its documents again.

In memory for this process, on disk for the next: a million tokens take seconds
to make and a fraction of one to load. A key is the content of the text and of
the tokenizer, so a hit is always exact; a damaged file is a miss. Knows texts
and tokenizers only.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import numpy as np

from longdoc.errors import StoreError
from longdoc.files import atomic_write, sha256_text
from longdoc.tokens import Encoded, TextTokenizer

Encoder = Callable[[TextTokenizer, str], Encoded]

_REMEMBERED_CHARACTERS = 24_000_000
_remembered: OrderedDict[str, tuple[int, Encoded]] = OrderedDict()
_lock = Lock()


def encode_remembered(tokenizer: TextTokenizer, text: str) -> Encoded:
    """Encode plain text, or return what an earlier call made of the same text with the same tokenizer."""
    return _remember(_key(tokenizer, text), text, lambda: tokenizer.encode(text))


class KeptEncodings:
    """An `Encoder` that keeps long encodings in a folder as well, oldest deleted beyond `budget_bytes`."""

    MAGIC = b"longdoc-tokens-1"
    MIN_CHARACTERS = 100_000  # a shorter text is encoded sooner than it is looked up

    def __init__(self, folder: Path, budget_bytes: int = 512 << 20) -> None:
        self.folder = folder
        self.budget_bytes = budget_bytes

    def __call__(self, tokenizer: TextTokenizer, text: str) -> Encoded:
        key = _key(tokenizer, text)
        return _remember(key, text, lambda: self._kept(key, tokenizer, text))

    def _kept(self, key: str, tokenizer: TextTokenizer, text: str) -> Encoded:
        if len(text) < self.MIN_CHARACTERS:
            return tokenizer.encode(text)
        path = self.folder / f"{key}.tokens"
        found = self._load(path)
        if found is None:
            found = tokenizer.encode(text)
            # A full disk costs time at the next question, nothing else.
            with contextlib.suppress(StoreError):
                atomic_write(path, self._bytes(found))
                self._prune(path)
        return found

    def _bytes(self, encoded: Encoded) -> bytes:
        chars = np.asarray(encoded.chars, dtype="<i4").reshape(-1, 2)
        rows = np.column_stack([np.asarray(encoded.ids, dtype="<i4"), chars])
        body = np.ascontiguousarray(rows.T).tobytes()
        return self.MAGIC + hashlib.sha256(body).digest() + body

    def _load(self, path: Path) -> Encoded | None:
        try:
            data = path.read_bytes()
        except OSError:
            return None
        digest, body = data[len(self.MAGIC) : len(self.MAGIC) + 32], data[len(self.MAGIC) + 32 :]
        if data[: len(self.MAGIC)] != self.MAGIC or len(body) % 12 or hashlib.sha256(body).digest() != digest:
            return None
        ids, starts, ends = np.frombuffer(body, dtype="<i4").reshape(3, -1).tolist()
        return Encoded(tuple(ids), tuple(zip(starts, ends, strict=True)))

    def _prune(self, keep: Path) -> None:
        """Delete the oldest files until the folder is within its budget."""
        with contextlib.suppress(OSError):
            files = sorted(self.folder.glob("*.tokens"), key=lambda file: file.stat().st_mtime)
            total = sum(file.stat().st_size for file in files)
            for file in files:
                if total <= self.budget_bytes:
                    return
                if file != keep:
                    total -= file.stat().st_size
                    file.unlink(missing_ok=True)


def _key(tokenizer: TextTokenizer, text: str) -> str:
    return sha256_text(tokenizer.fingerprint, text)


def _remember(key: str, text: str, make: Callable[[], Encoded]) -> Encoded:
    with _lock:
        if found := _remembered.get(key):
            _remembered.move_to_end(key)
            return found[1]
    encoded = make()
    with _lock:
        _remembered[key] = (len(text), encoded)
        kept = sum(size for size, _ in _remembered.values())
        while kept > _REMEMBERED_CHARACTERS and len(_remembered) > 1:
            kept -= _remembered.popitem(last=False)[1][0]
    return encoded
