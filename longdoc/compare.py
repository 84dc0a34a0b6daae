"""One question, several ways to read: whole, in passages, not at all. What differs, and how much each read.

Runs follow each other on the one worker; a way that fails explains itself in
its place and does not hold up the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from longdoc.answer import Desk, How, ask, checked_question
from longdoc.citations import judge, sentences
from longdoc.errors import LongDocError, Stopped, UserError
from longdoc.packing import Included
from longdoc.types import Answer, Citation, Mode

COMPARED: tuple[Mode, ...] = ("single", "chunked", "none")
_EVIDENCE = ("verified", "fuzzy")


@dataclass(frozen=True)
class Difference:
    """A claim that has evidence in one answer only."""

    mode: Mode  # where the evidence is
    claim: str  # sentence of that answer; empty when no sentence says it in so many words
    citation: Citation
    other: Mode
    other_read_it: bool  # False: the other way never had this text before it


@dataclass(frozen=True)
class Comparison:
    """Answers in the order asked, with what sets them apart. `failed` says why a way gave none."""

    question: str
    model: str
    answers: tuple[Answer, ...]
    failed: dict[Mode, LongDocError]
    share_read: dict[Mode, float]  # of the characters of all documents, 0 to 1
    differences: tuple[Difference, ...]


def compare(
    desk: Desk,
    included: Sequence[Included],
    question: str,
    how: How,
    on_mode: Callable[[Mode], None] = lambda mode: None,
) -> Comparison:
    """Ask in single pass, in chunked and without a document. Raises what the first way raised if all fail, Stopped."""
    answers, failed = ask_each(desk, included, question, COMPARED, how, on_mode)
    by_mode = {answer.mode: answer for answer in answers}
    return Comparison(
        question=question,
        model=how.model,
        answers=tuple(answers),
        failed=failed,
        share_read={mode: share_read(answer, included) for mode, answer in by_mode.items() if mode not in failed},
        differences=tuple(differences(by_mode, included, failed)),
    )


def ask_each(
    desk: Desk,
    included: Sequence[Included],
    question: str,
    modes: Sequence[Mode],
    how: How,
    on_mode: Callable[[Mode], None] = lambda mode: None,
) -> tuple[list[Answer], dict[Mode, LongDocError]]:
    """Return an answer for each mode; one that fails has the reason as its text and its code as stop reason.

    Raises UserError for a question that no way can answer, Stopped, and the first error where all fail.
    """
    checked_question(question, desk.settings)
    answers: list[Answer] = []
    failed: dict[Mode, LongDocError] = {}
    for mode in modes:
        on_mode(mode)
        try:
            answers.append(ask(desk, included, question, mode, how))
        except (Stopped, UserError):
            raise
        except LongDocError as error:
            failed[mode] = error
            answers.append(Answer(question, mode, str(error), error.code, how.model, None))
    # Without a document a model answers from nothing: that alone is no answer to the question.
    asked: list[Mode] = [mode for mode in modes if mode != "none"]
    asked = asked or list(modes)
    if all(mode in failed for mode in asked):
        raise failed[asked[0]]
    return answers, failed


def share_read(answer: Answer, included: Sequence[Included]) -> float:
    """Return the share of the documents' characters that an answer's model read."""
    total = sum(len(item.document.text) for item in included)
    if not total or answer.mode == "none":
        return 0.0
    if answer.mode == "chunked":
        return min(1.0, sum(passage.end - passage.start for passage in answer.passages) / total)
    read = sum(
        len(item.document.text) if item.ranges is None else sum(b - a for a, b in item.ranges) for item in included
    )
    return min(1.0, read / total)


def differences(
    answers: dict[Mode, Answer], included: Sequence[Included], failed: dict[Mode, LongDocError]
) -> list[Difference]:
    """Return the evidence that single pass or chunked has and the other has not, in order of the documents."""
    found: list[Difference] = []
    pairs: tuple[tuple[Mode, Mode], ...] = (("single", "chunked"), ("chunked", "single"))
    for mode, other in pairs:
        if mode not in answers or other not in answers or mode in failed or other in failed:
            continue
        theirs = [c for c in answers[other].citations if c.status in _EVIDENCE]
        for citation in answers[mode].citations:
            if citation.status in _EVIDENCE and not any(_touch(citation, c) for c in theirs):
                claim = _claim(answers[mode].text, citation)
                found.append(Difference(mode, claim, citation, other, _was_read(citation, answers[other], included)))
    order = {item.document.id: at for at, item in enumerate(included)}
    return sorted(found, key=lambda d: (order.get(d.citation.document_id, 0), d.citation.start))


def _claim(text: str, citation: Citation) -> str:
    """Return the first sentence of an answer whose words stand in a citation."""
    parts = [text[a:b] for a, b in sentences(text)]
    return next((part for part in parts if judge(part, citation.quote) is not None), "")


def _was_read(citation: Citation, answer: Answer, included: Sequence[Included]) -> bool:
    if answer.mode == "chunked":
        return any(
            p.document_id == citation.document_id and p.start < citation.end and citation.start < p.end
            for p in answer.passages
        )
    return any(
        item.document.id == citation.document_id
        and (item.ranges is None or any(a < citation.end and citation.start < b for a, b in item.ranges))
        for item in included
    )


def _touch(a: Citation, b: Citation) -> bool:
    return a.document_id == b.document_id and a.start < b.end and b.start < a.end
