"""Where questions of the Evaluation page come from: the samples' facts, lines a person writes, question files.

All become a `QaSet`: questions with the text they are about and, where it is
known, the place that answers them.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from longdoc.errors import UserError
from longdoc.evaluation.choice_files import read_choices
from longdoc.evaluation.qa_data import QaDocument, QaSet, Question, read_set
from longdoc.types import Document

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples"
MAX_LINES = 500
_MAX_LINE = 4_000
_XZ = b"\xfd7zXZ\x00"


def sample_questions(name: str) -> list[Mapping[str, Any]]:
    """Return the questions of a sample as its generator fixed them. Raises UserError where there are none."""
    rows = _facts().get(name, {}).get("questions", [])
    if not rows:
        raise UserError(f"There are no questions about {name}.", next_step="Choose other questions.")
    return list(rows)


def sample_set(name: str, document: Document) -> QaSet:
    """Return the questions of a sample about its document as it was loaded."""
    held = QaDocument(document.id, name, document.text)
    questions = []
    for number, row in enumerate(sample_questions(name), 1):
        places = [found for entry in row.get("evidence", ()) if (found := _place(document.text, entry)) is not None]
        answers = tuple(row["answers"]) if row["answerable"] else ()
        questions.append(
            Question(
                f"{name}/{number}", held.id, row["question"], answers, "extractive", bool(row["answerable"]),
                evidence=tuple(places),
            )
        )  # fmt: skip
    return QaSet(name, tuple(questions), {held.id: held})


def own_set(lines: str, documents: Sequence[Document]) -> QaSet:
    """Return the questions of lines "question | answer | another answer"; no answer: the documents do not say.

    A question is asked of the document that holds its answer, one without an answer of the first. Raises
    UserError, naming the line, for a question that no document answers.
    """
    if not documents:
        raise UserError("No source is chosen.", next_step="Tick the sources that the questions are about.")
    held = {document.id: QaDocument(document.id, document.title, document.text) for document in documents}
    questions = []
    for number, line in enumerate(lines.splitlines(), 1):
        parts = [part.strip() for part in line[:_MAX_LINE].split("|")]
        if not parts[0]:
            continue
        answers = tuple(part for part in parts[1:] if part)
        about = next((d for d in documents if any(a.lower() in d.text.lower() for a in answers)), None)
        if answers and about is None:
            raise UserError(
                f"Line {number}: no chosen source holds “{answers[0][:60]}”.",
                next_step="Write the answer in the words of the source.",
            )
        about = about or documents[0]
        questions.append(Question(f"own/{number}", about.id, parts[0], answers, "extractive", bool(answers)))
    if not questions:
        raise UserError("There is no question.", next_step="Write one a line: question | answer.")
    if len(questions) > MAX_LINES:
        raise UserError(f"These are more than {MAX_LINES} questions.", next_step="Use a question file.")
    return QaSet("own questions", tuple(questions), held)


def file_set(path: Path, name: str) -> QaSet:
    """Return the questions of a file, whatever it is called: rows with their text, or multiple choice.

    Raises UserError where it is neither.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(64).lstrip()
    except OSError as error:
        raise UserError(f"{name} cannot be read: {error.strerror}.", next_step="Add it again.") from error
    with tempfile.TemporaryDirectory() as folder:  # the readers go by a file's name
        suffix = ".json" if beginning.startswith(b"[") else ".jsonl.xz" if beginning.startswith(_XZ) else ".jsonl"
        named = Path(folder) / f"questions{suffix}"
        named.symlink_to(path.resolve())
        found = read_choices(named) if suffix == ".json" else read_set(named)
    if not found.questions:
        raise UserError(f"{name} holds no question.", next_step="Choose another file.")
    return QaSet(name, found.questions, found.documents)


def _place(text: str, entry: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return where a quote of the facts stands in a loaded text; blanks may differ."""
    quote = str(entry.get("quote", "")).strip()
    words = [re.escape(word) for word in quote.split()]
    match = _finder(r"[\s|]+".join(word for word in words if word != r"\|")).search(text) if words else None
    return match.span() if match else None


@lru_cache(maxsize=512)
def _finder(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@lru_cache(maxsize=1)
def _facts() -> dict[str, Any]:
    try:
        return dict(json.loads((SAMPLES / "facts.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
