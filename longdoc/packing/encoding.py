"""Token encodings of documents, kept in memory so that a follow-up does not tokenise them again.

Knows texts and tokenizers only. A key is the content of the text, so a hit is always exact.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from longdoc.files import sha256_text
from longdoc.tokens import Encoded, TextTokenizer

Encoder = Callable[[TextTokenizer, str], Encoded]

_REMEMBERED_CHARACTERS = 24_000_000
_remembered: OrderedDict[tuple[str, str], tuple[int, Encoded]] = OrderedDict()
_lock = Lock()


def encode_remembered(tokenizer: TextTokenizer, text: str) -> Encoded:
    """Encode plain text, or return what an earlier call made of the same text with the same tokenizer."""
    key = (tokenizer.fingerprint, sha256_text(text))
    with _lock:
        if found := _remembered.get(key):
            _remembered.move_to_end(key)
            return found[1]
    encoded = tokenizer.encode(text)
    with _lock:
        _remembered[key] = (len(text), encoded)
        kept = sum(size for size, _ in _remembered.values())
        while kept > _REMEMBERED_CHARACTERS and len(_remembered) > 1:
            kept -= _remembered.popitem(last=False)[1][0]
    return encoded
