"""The bundled reader's prompt format: special tokens, headers, answers as token slices.

The one contract between training and use: `models/recipe/` builds its training
sequences with these functions and `packing.py` builds prompts with them, so
what the model meets in use is what it was trained on. Knows token ids and
strings only; what a document is stays with the callers.

    <|bos|><|doc|>[1] lease.txt
    The tenant shall pay 1,240 euros ...
    <|ask|> How much is the rent?<|answer|>[1]<|quote|> The tenant shall pay ...<|then|> 1,240 euros<|end|>
    <|ask|> Short: Who signed?<|answer|> Mara Quist<|end|>
    <|ask|> What is the deposit?<|answer|> Not stated.<|end|>

A plain question is answered with the sentence that holds the answer, then the
answer; `Short:` asks for the answer alone. Every document ends with a newline,
added where the text has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BOS, DOC, ASK, ANSWER, QUOTE, THEN, END, BLANK, PAD = (
    "<|bos|>",
    "<|doc|>",
    "<|ask|>",
    "<|answer|>",
    "<|quote|>",
    "<|then|>",
    "<|end|>",
    "<|blank|>",
    "<|pad|>",
)
SPECIAL_TOKENS = (BOS, DOC, ASK, ANSWER, QUOTE, THEN, END, BLANK, PAD)
NOT_STATED = "Not stated."
SHORT = "Short: "

# Servers such as `transformers serve` know chats only. The last user message holds
# the documents, then "Question:" on a line of its own start, as remote.py sends them.
CHAT_TEMPLATE = (
    "{{ bos_token }}{% set user = messages | selectattr('role', 'equalto', 'user') | list | last %}"
    "{% set parts = user['content'].rsplit('\\nQuestion: ', 1) %}"
    "{% if parts | length == 2 %}<|doc|>{{ parts[0] }}\n<|ask|> {{ parts[1] }}"
    "{% else %}<|ask|> {{ user['content'] }}{% endif %}"
    "{% if add_generation_prompt %}<|answer|>{% endif %}"
)


@dataclass(frozen=True)
class SpecialIds:
    """Token ids of the format's special tokens in one tokenizer."""

    bos: int
    doc: int
    ask: int
    answer: int
    quote: int
    then: int
    end: int
    blank: int
    pad: int


def document_header(number: int, title: str) -> str:
    """Return the line that opens a document; a title with line breaks or brackets is folded to one line."""
    return f"[{number}] {' '.join(title.split())}\n"


def question_text(question: str, short: bool = False) -> str:
    """Return the question as it stands between `<|ask|>` and `<|answer|>`: one leading space, one line."""
    return f" {SHORT if short else ''}{' '.join(question.split())}"


@dataclass(frozen=True)
class ParsedAnswer:
    """What the reader wrote, taken apart. Token ids in, token ids out."""

    document_number: tuple[int, ...]  # ids between <|answer|> and <|quote|>, "[1]"
    quote: tuple[int, ...]
    answer: tuple[int, ...]


def parse_answer(output_ids: Sequence[int], ids: SpecialIds) -> ParsedAnswer:
    """Split generated ids at `<|quote|>` and `<|then|>`; a missing part is empty.

    Without `<|quote|>` everything is the answer. A quote that ends without
    `<|then|>` is the answer as well, as for "Quote the sentence about ...".
    """
    out = [token for token in output_ids if token not in (ids.end, ids.pad)]
    if ids.quote not in out:
        return ParsedAnswer((), (), tuple(t for t in out if t != ids.then))
    at = out.index(ids.quote)
    number, rest = tuple(out[:at]), out[at + 1 :]
    if ids.then in rest:
        cut = rest.index(ids.then)
        return ParsedAnswer(number, tuple(rest[:cut]), tuple(rest[cut + 1 :]))
    return ParsedAnswer(number, tuple(rest), tuple(rest))
