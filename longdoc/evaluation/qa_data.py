"""Question sets in our schema: rows, documents, and haystacks to hide a document in.

A set is `<name>.<split>.jsonl[.xz]` with `<name>.documents.jsonl[.xz]` beside
it; the fields are those of the README's "Question files". Every choice here is
made from identities alone, so the same data gives the same haystacks on any
machine. How answers are scored is left to others.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longdoc.errors import UserError

_SUFFIXES = (".jsonl.xz", ".jsonl")


@dataclass(frozen=True)
class QaDocument:
    """A document questions are asked about."""

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class Question:
    """One row. Ranges are half-open characters of the document's text."""

    id: str
    document_id: str
    question: str
    answers: tuple[str, ...]  # accepted answers, best first; empty where the document has none
    task: str  # extractive | abstractive | summary | multiple_choice
    answerable: bool
    answer_start: int | None = None
    evidence: tuple[tuple[int, int], ...] = ()
    choices: tuple[str, ...] = ()
    written_by: str = ""
    row: dict[str, Any] = field(default_factory=dict, compare=False)  # everything else the file says


@dataclass(frozen=True)
class QaSet:
    """Questions of one file and all documents of their set."""

    name: str
    questions: tuple[Question, ...]
    documents: Mapping[str, QaDocument]


def read_set(path: Path) -> QaSet:
    """Read a question file with its documents. Raises UserError where a file is missing or a row does not fit."""
    name, _, suffix = _split_name(path)
    rows = list(_rows(path))
    documents_path = _documents_path(path.parent, name, suffix)
    documents = {row["document_id"]: _document(row) for row in _rows(documents_path)} if documents_path else {}
    for row in rows:  # a row may bring its own document
        if "text" in row and row.get("document_id", row.get("id")) not in documents:
            document = _document({"document_id": row.get("document_id", row.get("id")), **row})
            documents[document.id] = document
    questions = tuple(_question(row, path, number) for number, row in enumerate(rows, 1))
    missing = next((q for q in questions if q.document_id not in documents), None)
    if missing is not None:
        raise UserError(
            f"{path.name}: the document {missing.document_id!r} of question {missing.id!r} is not there.",
            next_step=f"Put {name}.documents.jsonl beside it, or give each row its text.",
        )
    return QaSet(name, questions, documents)


def set_names(folder: Path, split: str) -> list[str]:
    """Return the names of the sets in a folder that have questions of a split."""
    return sorted({_split_name(path)[0] for suffix in _SUFFIXES for path in folder.glob(f"*.{split}{suffix}")})


def set_path(folder: Path, name: str, split: str) -> Path:
    """Return a set's question file. Raises UserError if it is not there."""
    for suffix in _SUFFIXES:
        path = folder / f"{name}.{split}{suffix}"
        if path.exists():
            return path
    raise UserError(
        f"There are no {split} questions of {name} in {folder}.",
        next_step=f"Sets there: {', '.join(set_names(folder, split)) or 'none'}.",
    )


def hidden_among(
    document_id: str,
    documents: Mapping[str, QaDocument],
    count: Callable[[str], int],
    at_least: int,
) -> list[QaDocument]:
    """Return a document among others of its set, at least `at_least` tokens in all, or the whole set.

    The others and the order are drawn by the document's own id: the same in every run.
    """
    draw = random.Random(int.from_bytes(hashlib.sha256(document_id.encode()).digest()[:8], "big"))
    chosen = [documents[document_id]]
    total = count(chosen[0].text)
    others = sorted(other for other in documents if other != document_id)
    while total < at_least and others:
        at = draw.randrange(len(others))
        others[at], others[-1] = others[-1], others[at]
        other = documents[others.pop()]
        chosen.append(other)
        total += count(other.text)
    draw.shuffle(chosen)
    return chosen


def sample(questions: tuple[Question, ...], limit: int | None, seed: str = "") -> tuple[Question, ...]:
    """Return at most `limit` questions, spread over the whole set, the same in every run, in file order."""
    if limit is None or limit >= len(questions):
        return questions
    ranked = sorted(range(len(questions)), key=lambda at: hashlib.sha256(f"{seed}{questions[at].id}".encode()).digest())
    return tuple(questions[at] for at in sorted(ranked[:limit]))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    opener: Any = lzma.open if path.name.endswith(".xz") else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            for line in file:
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise ValueError("a line is not an object")
                    yield row
    except (OSError, ValueError, lzma.LZMAError, EOFError) as error:
        raise UserError(
            f"{path.name} cannot be read as questions or documents: {error}.",
            next_step="Each line must be one JSON object.",
        ) from error


def _question(row: dict[str, Any], path: Path, number: int) -> Question:
    try:
        answers = tuple(str(answer) for answer in row["answers"])
        start = row.get("answer_start")
        return Question(
            id=str(row.get("id", number)),
            document_id=str(row.get("document_id", row.get("id"))),
            question=str(row["question"]),
            answers=answers,
            task=str(row.get("task", "extractive")),
            answerable=bool(row.get("answerable", bool(answers))),
            answer_start=None if start is None else int(start),
            evidence=tuple((int(a), int(b)) for a, b in row.get("evidence") or ()),
            choices=tuple(str(choice) for choice in row.get("choices") or ()),
            written_by=str(row.get("written_by", "")),
            row=row,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path.name}, line {number}: this is not a question row ({error}).",
            next_step="A row needs document_id, question and answers.",
        ) from error


def _document(row: dict[str, Any]) -> QaDocument:
    try:
        return QaDocument(str(row["document_id"]), str(row.get("title") or row["document_id"]), str(row["text"]))
    except KeyError as error:
        raise UserError(f"A document row has no {error}.", next_step="It needs document_id and text.") from error


def _documents_path(folder: Path, name: str, suffix: str) -> Path | None:
    for ending in (suffix, *_SUFFIXES):
        path = folder / f"{name}.documents{ending}"
        if path.exists():
            return path
    return None


def _split_name(path: Path) -> tuple[str, str, str]:
    found = re.fullmatch(r"(.+?)(?:\.(\w+))?(\.jsonl(?:\.xz)?)", path.name)
    if found is None:
        raise UserError(f"{path.name} is not a question file.", next_step="Its name must end in .jsonl or .jsonl.xz.")
    return found[1], found[2] or "", found[3]
