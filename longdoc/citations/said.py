"""What a model wrote, taken apart: the answer, the words it claims to quote, and which tokens wrote which sentence.

Knows token ids, the reader's format and strings; documents come in elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from longdoc.citations.judge import quoted
from longdoc.citations.words import Range, sentences
from longdoc.formats import NOT_STATED, SpecialIds, parse_answer
from longdoc.tokens import TextTokenizer
from longdoc.types import Generation

_NUMBER = re.compile(r"\[\d*\]?")
_REFUSAL = re.compile(r"\W*not stated\b\W*", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """One sentence of the answer and the half-open range of output tokens that wrote it."""

    text: str
    tokens: tuple[int, int]


@dataclass(frozen=True)
class Said:
    """An answer taken apart. `text` is what is shown; `quotes` are words the model presents as the documents'."""

    text: str
    parts: tuple[Part, ...]
    quotes: tuple[str, ...] = ()
    document_number: int | None = None  # header number the quote is said to come from

    @property
    def not_stated(self) -> bool:
        """Say whether this is the agreed way to say that the documents do not tell."""
        return bool(_REFUSAL.fullmatch(self.text))


def take_apart(generation: Generation, tokenizer: TextTokenizer | None, special: SpecialIds | None) -> Said:
    """Return the parts of a generation. Without `special` the whole text is the answer, as chat models write.

    Without a tokenizer (a remote model) all output tokens count for every sentence.
    """
    if special is not None and tokenizer is not None:
        return _reader(generation, tokenizer, special)
    text = generation.text.strip()
    return Said(text, parts_of(generation, tokenizer, sentences(generation.text)), tuple(quoted(text)))


def _reader(generation: Generation, tokenizer: TextTokenizer, special: SpecialIds) -> Said:
    parsed = parse_answer(generation.output_ids, special)
    text = _tidy(tokenizer.decode(parsed.answer))
    quote = _tidy(tokenizer.decode(parsed.quote))
    digits = re.search(r"\d+", tokenizer.decode(parsed.document_number))
    # Copying the quote is what points most sharply at its place, so its tokens count as well.
    part = Part(text, (0, len(generation.output_ids)))
    return Said(
        text=NOT_STATED if _REFUSAL.fullmatch(text) else text,
        parts=(part,) if text else (),
        quotes=(quote,) if quote else (),
        document_number=int(digits.group()) if digits else None,
    )


def reader_text(output_ids: Sequence[int], tokenizer: TextTokenizer, special: SpecialIds) -> str:
    """Return what the reader has written so far as a person reads it: the quote in marks, then the answer."""
    parsed = parse_answer(output_ids, special)
    quote, text = _tidy(tokenizer.decode(parsed.quote)), _tidy(tokenizer.decode(parsed.answer))
    if not quote:
        # The number of a document comes before its quote and says nothing by itself.
        return "" if _NUMBER.fullmatch(text) else text
    return f"“{quote}”" if text == quote else f"“{quote}” {text}"


def _tidy(text: str) -> str:
    return text.replace("\ufffd", "").strip()


def parts_of(generation: Generation, tokenizer: TextTokenizer | None, ranges: Sequence[Range]) -> tuple[Part, ...]:
    """Return ranges of a generation's text with the output tokens that wrote them."""
    text = generation.text
    n_tokens = len(generation.output_ids)
    if tokenizer is None or not n_tokens:
        return tuple(Part(text[a:b], (0, n_tokens)) for a, b in ranges)
    # Characters written after each token, by decoding ever longer beginnings: a token alone may be half a character.
    ends = [len(tokenizer.decode(generation.output_ids[: i + 1])) for i in range(n_tokens)]
    result = []
    for a, b in ranges:
        first = sum(1 for end in ends if end <= a)
        last = sum(1 for end in ends if end < b) + 1
        result.append(Part(text[a:b], (first, min(max(last, first + 1), n_tokens))))
    return tuple(result)
