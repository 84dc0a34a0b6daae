"""Text to tokens and back, with character offsets. No torch, no transformers.

A `TextTokenizer` reads a model folder's `tokenizer.json`. Text of documents and
questions never becomes a special token: whatever an added token spells inside a
text is cut after its first character before encoding, so that `<|im_start|>` in
a contract stays seven ordinary tokens or so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from tokenizers import Tokenizer

from longdoc.errors import ModelError
from longdoc.files import sha256_file


@dataclass(frozen=True)
class Encoded:
    """Token ids with the half-open character range of each in the text that was encoded.

    Tokens of one multi-byte character share its range; ranges never decrease.
    """

    ids: tuple[int, ...]
    chars: tuple[tuple[int, int], ...]


class TextTokenizer:
    """Plain-text view of a Hugging Face fast tokenizer.

    Raises ModelError if the folder has no readable `tokenizer.json`.
    """

    def __init__(self, tokenizer: Tokenizer, fingerprint: str) -> None:
        self._tokenizer = tokenizer
        self.fingerprint = fingerprint
        contents = (token.content for token in tokenizer.get_added_tokens_decoder().values())
        added = sorted(contents, key=len, reverse=True)
        # Runs of spaces are ordinary vocabulary in some models (GPT-NeoX), not markers.
        pattern = "|".join(re.escape(content) for content in added if content.strip())
        self._added = re.compile(pattern) if pattern else None

    @classmethod
    def from_folder(cls, folder: Path) -> TextTokenizer:
        path = folder / "tokenizer.json"
        try:
            tokenizer = Tokenizer.from_file(str(path))
            tokenizer.no_truncation()
            tokenizer.no_padding()
            return cls(tokenizer, sha256_file(path))
        except Exception as error:  # tokenizers raises bare Exception
            raise ModelError(
                f"The model folder {folder.name} has no readable tokenizer.json.",
                next_step="Copy the complete model folder again.",
            ) from error

    @property
    def vocab_size(self) -> int:
        return int(self._tokenizer.get_vocab_size())

    def special_id(self, token: str) -> int | None:
        """Return the id of an added token by its spelling, or None."""
        found = self._tokenizer.token_to_id(token)
        return None if found is None else int(found)

    def encode(self, text: str) -> Encoded:
        """Encode text as plain text, whatever special tokens it spells."""
        pieces = self._plain_pieces(text)
        ids: list[int] = []
        chars: list[tuple[int, int]] = []
        for start, piece in pieces:
            encoding = self._tokenizer.encode(piece, add_special_tokens=False)
            ids.extend(encoding.ids)
            chars.extend(encoding.offsets if start == 0 else ((a + start, b + start) for a, b in encoding.offsets))
        return Encoded(tuple(ids), tuple(chars))

    def ids(self, text: str) -> list[int]:
        """Return token ids of plain text."""
        found: list[int] = []
        for _, piece in self._plain_pieces(text):
            found.extend(self._tokenizer.encode(piece, add_special_tokens=False).ids)
        return found

    def count(self, text: str) -> int:
        """Return the number of tokens of plain text; recent texts are remembered."""
        return self._count(text)

    @lru_cache(maxsize=512)  # noqa: B019  # one tokenizer lives as long as its model
    def _count(self, text: str) -> int:
        return len(self.ids(text))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; special tokens are left out."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def _plain_pieces(self, text: str) -> list[tuple[int, str]]:
        """Cut text after the first character of every added token it spells: (offset, piece)."""
        if self._added is None:
            return [(0, text)]
        cuts = [match.start() + 1 for match in self._added.finditer(text) if match.end() - match.start() > 1]
        edges = [0, *cuts, len(text)]
        return [(a, text[a:b]) for a, b in pairwise(edges) if a < b or len(edges) == 2]
