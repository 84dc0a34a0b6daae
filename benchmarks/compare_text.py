"""The one text, questions and answers that every side of a comparison gets, as token ids."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from longdoc.backends.frames import frame_of
from longdoc.formats import document_header
from longdoc.packing import PromptFrame, pack
from longdoc.tokens import TextTokenizer

_ROOT = Path(__file__).resolve().parent.parent
READER = _ROOT / "models" / "reader"
_CHRONICLE = _ROOT / "assets" / "samples" / "chronicle.txt"
_QUESTIONS = (
    "Who took up the pen of the chronicle in 1381?",
    "Who is the scrivener of Greyferry?",
    "What was sold at the winter market?",
)
_ROOM = 256  # tokens of a length that are left to question and answer


@dataclass(frozen=True)
class Task:
    """One document and its questions; a question's ids end where the answer begins."""

    document: tuple[int, ...]
    questions: tuple[tuple[int, ...], ...]
    answer: tuple[int, ...]  # what is written after the first token, where a side can be told


def task(length: int, answer_tokens: int) -> Task:
    """Return a task whose whole prompt and answer fit `length` tokens; the chronicle begins again where it ends."""
    tokenizer = TextTokenizer.from_folder(READER)
    frame = frame_of(READER, tokenizer)
    assert frame.special is not None
    head = (*frame.head_ids, frame.special.doc, *tokenizer.ids(document_header(1, _CHRONICLE.name)))
    text = tokenizer.ids(_CHRONICLE.read_text(encoding="utf-8"))
    n_document = length - _ROOM - answer_tokens
    document = tuple(islice((*head, *islice(cycle(text), max(n_document, 0))), max(n_document, len(head) + 1)))
    questions = tuple(_asked(tokenizer, frame, question) for question in _QUESTIONS)
    return Task(document, questions, tuple(text[100 : 100 + answer_tokens]))


def _asked(tokenizer: TextTokenizer, frame: PromptFrame, question: str) -> tuple[int, ...]:
    prompt = pack([], question, tokenizer, frame)
    return prompt.token_ids[prompt.prefix_len :]
