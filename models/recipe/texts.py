"""Draw windows of plain text and recall strings; the raw material of all tasks."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np

from longdoc.formats import document_header
from longdoc.tokens import TextTokenizer
from models.recipe.sequence import Builder
from models.recipe.vocabulary import Ids, Vocabulary

# Shares of tokens by category (reader-recipe: books, transcripts, contracts, manuals, encyclopaedic), plus code.
SHARES = {"books": 24, "transcripts": 20, "legal": 17, "docs": 16, "encyclopaedic": 17, "code": 6}


class TextPool:
    """Tokenised documents of all categories, memory-mapped."""

    def __init__(self, folder: Path, tokenizer: TextTokenizer, vocabulary: Vocabulary, rng: random.Random) -> None:
        self.tokenizer, self.vocabulary, self.rng = tokenizer, vocabulary, rng
        self.tokens: dict[str, np.ndarray] = {}
        self.edges: dict[str, np.ndarray] = {}
        self.names: dict[str, list[str]] = {}
        for category in SHARES:
            if not (folder / f"{category}.json").exists():
                continue
            meta = json.loads((folder / f"{category}.json").read_text())
            if len(meta["edges"]) < 2:
                continue
            self.tokens[category] = np.memmap(folder / f"{category}.tokens", dtype=np.uint16, mode="r")
            self.edges[category] = np.asarray(meta["edges"])
            self.names[category] = meta["names"]
        self.categories = list(self.tokens)
        self.category_weights = [SHARES[c] for c in self.categories]

    def window(self, n_tokens: int, category: str | None = None) -> tuple[str, Ids, bool]:
        """Return (title, ids, starts at the document's beginning): up to `n_tokens` of one document.

        Documents are drawn in proportion to their length; a window that does not
        start the document starts after a sentence end.
        """
        category = category or self.rng.choices(self.categories, self.category_weights)[0]
        edges, tokens = self.edges[category], self.tokens[category]
        at = self.rng.randrange(int(edges[-1]))
        document = int(np.searchsorted(edges, at, side="right")) - 1
        start, end = int(edges[document]), int(edges[document + 1])
        first = max(start, min(at, end - n_tokens))
        ids = np.asarray(tokens[first : min(end, first + n_tokens)])
        if first > start:
            vocabulary = self.vocabulary
            ends = np.flatnonzero((vocabulary.ends_sentence | vocabulary.has_newline)[ids[:200]])
            if len(ends):
                ids = ids[ends[0] + 1 :]
        return self.names[category][document], ids, first == start

    def header(self, number: int, title: str) -> list[int]:
        """Return `<|doc|>` and the header line's ids."""
        return [self.vocabulary.special.doc, *self.tokenizer.ids(document_header(number, title))]

    def shuffle_digits(self, *parts: Ids) -> list[Ids]:
        """Replace digits consistently in all parts, so that numbers cannot be known by heart."""
        digits = self.vocabulary.digits
        order = list(range(10))
        self.rng.shuffle(order)
        table = np.arange(len(self.vocabulary.digit), dtype=np.uint16)
        table[digits] = digits[order]
        return [table[part] for part in parts]

    def text_sequence(self, length: int, weight: float) -> Builder:
        """Return whole documents or windows of them, one after another, for language modelling."""
        out = Builder(length)
        out.add([self.vocabulary.special.bos], 0.0)
        number = 1
        while out.left > 64:
            title, ids, whole = self.window(out.left - 24)
            if whole and out.left > 96:
                out.add(self.header(number, title), 0.0)
                number += 1
            out.add(ids[: out.left], weight)
        return out

    def recall_sequence(self, length: int, most_pairs: int, symbols: int) -> Builder:
        """Return `<|doc|> key value / key value ... <|ask|> key<|answer|> value<|end|> ...`.

        Keys and values are 1-3 random ids out of `symbols` ids drawn afresh; the
        number of pairs varies, since short lists carry the gradient early on.
        """
        rng, special = self.rng, self.vocabulary.special
        size = len(self.vocabulary.digit)
        out = Builder(length)
        out.add([special.bos], 0.0)
        while out.left > 24:
            alphabet = rng.sample(range(300, size), min(symbols, size - 300))
            slash = self.tokenizer.ids(" /")
            n_pairs = min(int(2 ** rng.uniform(1, np.log2(max(most_pairs, 3)))), max(2, out.left // 14))
            key_len, value_len = rng.choice((1, 1, 2, 3)), rng.choice((1, 1, 2, 3))
            pairs: dict[tuple[int, ...], list[int]] = {}
            while len(pairs) < n_pairs:
                pairs[tuple(rng.choices(alphabet, k=key_len))] = rng.choices(alphabet, k=value_len)
            body: list[int] = [special.doc]
            for key, value in pairs.items():
                body += [*key, *value, *slash]
                if rng.random() < 0.2:
                    body += rng.choices(alphabet, k=rng.randint(1, 6)) + slash
            if len(body) > out.left - 12:
                break
            out.add(body, 0.0)
            asked = list(pairs.items())
            rng.shuffle(asked)
            for key, value in asked[:24]:
                if out.left < key_len + value_len + 3:
                    break
                out.add([special.ask, *key, special.answer], 0.0)
                out.add(value, 1.0, "recall")
                out.add([special.end], 0.1, "other")
        return out
