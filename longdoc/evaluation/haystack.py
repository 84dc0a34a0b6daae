"""Long unseen text for made items: where it comes from, how it is cut, how needles go in.

Text is the held-out part of a data folder's pretraining shards (never trained
on), a text file or folder a person names, or the sample chronicle that a bare
clone has. What is inserted and asked is left to the tasks.
"""

from __future__ import annotations

import bisect
import json
import lzma
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

from longdoc.errors import UserError
from longdoc.tokens import TextTokenizer

SAMPLE = Path(__file__).resolve().parents[2] / "assets" / "samples" / "chronicle.txt"
_HELD_OUT_PART = 20  # one in twenty
_HELD_OUT_LEAST = 8
# After a mark and closing quotes, not after titles and initials; and after every line.
_SENTENCE_END = re.compile(r"(?<!Mr)(?<!Mrs)(?<!Ms)(?<!Dr)(?<!St)(?<!\b[A-Z])[.!?]+[\"'”’)\]]*\s+|\n\s*")


@dataclass(frozen=True)
class Book:
    """One whole text."""

    name: str
    text: str


def held_out_count(n_rows: int) -> int:
    """Return how many rows at the end of a category's last shard are kept for measuring: a twentieth, at least 8."""
    return min(n_rows, max(_HELD_OUT_LEAST, n_rows // _HELD_OUT_PART))


def held_out_texts(data: Path, category: str | None = None) -> dict[str, list[Book]]:
    """Return the held-out documents of each category of a data folder, or of one category.

    They are the last rows of the last shard `pretrain/<category>-NNN.jsonl.xz`; the recipe never trains on them.
    Raises UserError when the folder has no such shard or one cannot be read.
    """
    last: dict[str, Path] = {}
    for shard in sorted((data / "pretrain").glob("*-*.jsonl.xz")):
        last[shard.name.rsplit("-", 1)[0]] = shard
    wanted = {name: path for name, path in last.items() if category in (None, name)}
    if not wanted:
        what = f"{category}-NNN.jsonl.xz" if category else "<category>-NNN.jsonl.xz"
        raise UserError(f"{data} holds no pretrain/{what}.", next_step="Name the data folder with --data.")
    return {name: _last_rows(path) for name, path in wanted.items()}


def _last_rows(shard: Path) -> list[Book]:
    try:
        with lzma.open(shard, "rt", encoding="utf-8") as file:
            lines = file.readlines()
        rows = [json.loads(line) for line in lines[len(lines) - held_out_count(len(lines)) :]]
        return [Book(Path(row["path"]).name, row["text"]) for row in rows]
    except (OSError, lzma.LZMAError, EOFError, ValueError, KeyError) as error:
        raise UserError(f"{shard.name} is not a shard of texts: {error}.", next_step="Fetch it again.") from error


def open_books(data: Path | None) -> list[Book]:
    """Return the books to hide things in: held-out books of a data folder, text files, or the sample chronicle.

    Raises UserError when there is no text.
    """
    if data is None:
        if not SAMPLE.exists():
            raise UserError(
                "The sample chronicle assets/samples/chronicle.txt is missing.",
                next_step="Make it with the samples' generator, or name a text file with --data.",
            )
        return [_read(SAMPLE)]
    if data.is_file():
        return [_read(data)]
    if (data / "pretrain").is_dir():
        return held_out_texts(data, "books")["books"]
    books = [_read(path) for path in sorted(data.glob("*.txt"))]
    if not books:
        raise UserError(
            f"{data} holds no text to hide things in.",
            next_step="Name a text file, a folder of .txt files or a data folder with pretrain/.",
        )
    return books


def _read(path: Path) -> Book:
    try:
        return Book(path.name, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path.name} is not readable as UTF-8 text.", next_step="Name a text file.") from error


def sentences(text: str) -> list[str]:
    """Cut text after every sentence and line, blanks kept at the end of each piece; joined they are the text."""
    edges = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    return [text[a:b] for a, b in pairwise(edges) if a < b]


@dataclass(frozen=True)
class Sentence:
    """A piece of text and its length in tokens."""

    text: str
    n_tokens: int


class Filler:
    """Running text of any length, cut from books at sentence ends.

    A book is encoded when it is first used. Text repeats only where all books together are too short.
    """

    def __init__(self, books: Sequence[Book], tokenizer: TextTokenizer) -> None:
        if not any(book.text.strip() for book in books):
            raise UserError("The text to hide things in is empty.", next_step="Name another with --data.")
        self._books = [book for book in books if book.text.strip()]
        self._tokenizer = tokenizer
        self._cut: dict[int, list[Sentence]] = {}

    @property
    def names(self) -> list[str]:
        return [book.name for book in self._books]

    def count(self, text: str) -> int:
        """Return the number of tokens of a text."""
        # The tokenizer's memory of counts would keep long texts alive.
        return self._tokenizer.count(text) if len(text) <= 1000 else len(self._tokenizer.ids(text))

    def book(self, index: int) -> list[Sentence]:
        """Return one book's sentences with their token counts."""
        if index not in self._cut:
            self._cut[index] = counted(self._books[index].text, self._tokenizer)
        return self._cut[index]

    def piece(self, n_tokens: int, rng: random.Random) -> list[Sentence]:
        """Return consecutive sentences of at most `n_tokens` tokens together, from a random place."""
        book = rng.randrange(len(self._books))
        source = self._walk(book, rng.randrange(len(self.book(book))))
        taken: list[Sentence] = []
        left = n_tokens
        skipped = 0
        while left > 0 and skipped < 50:  # a sentence may be longer than what is left
            sentence = next(source)
            if sentence.n_tokens <= left:
                taken.append(sentence)
                left -= sentence.n_tokens
            else:
                skipped += 1
        return taken

    def _walk(self, book: int, start: int) -> Iterator[Sentence]:
        yield from self.book(book)[start:]
        while True:
            book = (book + 1) % len(self._books)
            yield from self.book(book)


def counted(text: str, tokenizer: TextTokenizer) -> list[Sentence]:
    """Return the sentences of a text, each with the number of tokens that begin in it."""
    pieces = sentences(text)
    edges = list(accumulate(len(piece) for piece in pieces))
    counts = [0] * len(pieces)
    for start, _ in tokenizer.encode(text).chars:
        counts[min(bisect.bisect_right(edges, start), len(pieces) - 1)] += 1
    return [Sentence(piece, count) for piece, count in zip(pieces, counts, strict=True)]


def insert(hay: Sequence[Sentence], needles: Sequence[tuple[float, str]]) -> str:
    """Return the text with each needle between two sentences at its depth (0 start, 1 end, by tokens).

    Needles of one place stand in the order given. The text around them is unchanged but for blanks at their edges.
    """
    edges = [0, *accumulate(sentence.n_tokens for sentence in hay)]
    at: dict[int, list[str]] = {}
    for depth, needle in needles:
        wanted = depth * edges[-1]
        place = min(bisect.bisect_left(edges, wanted), len(hay))
        if place > 0 and wanted - edges[place - 1] < edges[place] - wanted:
            place -= 1
        at.setdefault(place, []).append(needle)
    parts: list[str] = []
    for place in range(len(hay) + 1):
        for needle in at.get(place, ()):
            if parts and not parts[-1][-1].isspace():
                parts.append(" ")
            parts.append(f"{needle} ")
        if place < len(hay):
            parts.append(hay[place].text)
    return "".join(parts).rstrip() + "\n"
