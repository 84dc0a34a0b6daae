"""Multiple-choice files in the form of LongBench v2: one JSON list, each entry with its own context.

`{"_id", "question", "choice_A" ... "choice_D", "answer": "B", "context"}`; other
fields (domain, difficulty, length) are kept in the row. Read into the same
`QaSet` as our own question files.
"""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

from longdoc.errors import UserError
from longdoc.evaluation.qa_data import QaDocument, QaSet, Question
from longdoc.files import sha256_text


def read_choices(path: Path) -> QaSet:
    """Return the questions and contexts of a file. Raises UserError where it is not of this form."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(entries, list):
            raise ValueError("it is not a list")
        documents: dict[str, QaDocument] = {}
        questions = [_question(entry, number, documents) for number, entry in enumerate(entries, 1)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path.name} cannot be read as multiple-choice questions: {error}.",
            next_step="It must be a JSON list of objects with question, choice_A, choice_B, answer and context.",
        ) from error
    return QaSet(path.stem, tuple(questions), documents)


def _question(entry: dict[str, Any], number: int, documents: dict[str, QaDocument]) -> Question:
    letters = [letter for letter in string.ascii_uppercase if f"choice_{letter}" in entry]
    choices = tuple(str(entry[f"choice_{letter}"]) for letter in letters)
    answer = str(entry["answer"]).strip().upper()
    if answer not in letters:
        raise ValueError(f"entry {number} answers {answer!r}, which is none of its choices")
    context = str(entry["context"])
    document = QaDocument(sha256_text(context)[:16], str(entry.get("title", "context.txt")), context)
    documents[document.id] = document  # entries may share a context
    return Question(
        id=str(entry.get("_id", number)),
        document_id=document.id,
        question=str(entry["question"]),
        answers=(choices[letters.index(answer)],),
        task="multiple_choice",
        answerable=True,
        choices=choices,
        row={name: value for name, value in entry.items() if name != "context"},
    )
