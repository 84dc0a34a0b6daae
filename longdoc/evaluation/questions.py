"""Questions about given documents at a given prompt length: of a sample, of a person's own, of a file.

A document longer than the length is cut to a stretch around what answers the
question, a shorter one stands among running text of other books; so one question
is asked at every length. Questions that one stretch serves share its reading.
Where the questions come from is left to `question_sources.py`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from longdoc.evaluation import scoring
from longdoc.evaluation.evidence import Cited, evidence_hit
from longdoc.evaluation.haystack import Filler
from longdoc.evaluation.items import Haystack, Item, Label, Reply, Scores, make_document, overhead_tokens
from longdoc.evaluation.qa_data import QaDocument, QaSet, Question
from longdoc.evaluation.qa_haystacks import Gold, Kind, passage, with_choices
from longdoc.types import Document

WHOLE = 0  # a length: documents as long as they are
DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
_LEAST_FILLER_TOKENS = 48
_REFUSAL = "Not stated."

Range = tuple[int, int]


@dataclass(frozen=True)
class QuestionsTask:
    """Questions of one set. `left_out` is told of each question that no length holds."""

    data: QaSet
    max_new_tokens: int = 192
    left_out: Callable[[str], None] = field(default=lambda why: None, compare=False)

    name = "questions"

    def haystacks(self, filler: Filler, length: int) -> Iterator[Haystack]:
        """Yield the haystacks of one length; the same questions give the same ones."""
        room = length - overhead_tokens(length)
        asked: dict[str, list[Question]] = {}
        for question in self.data.questions:
            asked.setdefault(question.document_id, []).append(question)
        for document_id, questions in asked.items():
            document = self.data.documents[document_id]
            size = filler.count(document.text) + filler.count(document.title)
            if length == WHOLE or size <= room:
                rng = random.Random(f"{document_id}/{length}")
                around = [] if length == WHOLE else _around(filler, room - size, rng)
                yield self._haystack(document, (0, len(document.text)), questions, around, length)
                continue
            for cut, members in self._cuts(document, questions, filler.count, room):
                yield self._haystack(document, cut, members, [], length)

    def score(self, item: Item, reply: Reply) -> Scores:
        """Return whether the answer is right; where the documents hold it also whether evidence shows it."""
        gold: Gold = item.details
        if gold.kind != "answerable":
            return {"right": float(scoring.is_not_stated(reply.text))}
        if gold.choices:
            letter = scoring.chosen_letter(reply.text, gold.choices)
            chosen = gold.choices[ord(letter) - ord("A")] if letter else ""
            return {"right": float(bool(chosen) and scoring.exact(chosen, gold.answers) == 1)}
        cited = [Cited(one.document_id, one.start, one.end, one.quote) for one in reply.citations]
        hit = evidence_hit(cited, document_id=gold.document_id, answers=gold.answers, evidence=gold.evidence)
        return {"right": scoring.any_found(reply.text, gold.answers), "evidence_hit": float(hit)}

    def _cuts(
        self, document: QaDocument, questions: Sequence[Question], count: Callable[[str], int], room: int
    ) -> Iterator[tuple[Range, list[Question]]]:
        """Yield stretches of at most `room` tokens, each with the questions that it answers."""
        placed: list[tuple[Range, Question]] = []
        for question in questions:
            anchor = anchor_of(question, document.text)
            if anchor is None:
                self.left_out(f"“{question.question}” was left out: nothing tells where its answer stands.")
            else:
                placed.append((anchor, question))
        placed.sort(key=lambda one: one[0])
        while placed:
            first, members = placed[0][0], [placed[0]]
            for anchor, question in placed[1:]:
                if count(document.text[first[0] : max(anchor[1], first[1])]) > room * 0.9:
                    break
                members.append((anchor, question))
            placed = placed[len(members) :]
            span = (first[0], max(anchor[1] for anchor, _ in members))
            cut = passage(document.text, span, count, room) or passage(document.text, first, count, room)
            if cut is None:
                self.left_out(f"“{members[0][1].question}” was left out: its evidence is longer than {room:,} tokens.")
                continue
            inside = [question for anchor, question in members if cut[0] <= anchor[0] and anchor[1] <= cut[1]]
            yield cut, inside

    def _haystack(
        self, document: QaDocument, cut: Range, questions: Sequence[Question], around: Sequence[Document], length: int
    ) -> Haystack:
        made = make_document(document.title, document.text[cut[0] : cut[1]])
        documents = (*around[: len(around) // 2], made, *around[len(around) // 2 :])
        before = sum(len(other.text) for other in documents[: documents.index(made)])
        total = max(1, sum(len(other.text) for other in documents))
        items = []
        for question in questions:
            moved = [(a - cut[0], b - cut[0]) for a, b in question.evidence if cut[0] <= a and b <= cut[1]]
            anchor = anchor_of(question, document.text)
            at = None if anchor is None else (before + anchor[0] - cut[0]) / total
            depth = None if at is None else min(DEPTHS, key=lambda mark: abs(mark - at))
            labels: dict[str, Label] = {"set": self.data.name, "depth": depth}
            kind: Kind = "answerable" if question.answerable else "unanswerable"
            gold = Gold(kind, question.task, made.id, question.answers, tuple(moved), choices=question.choices)
            references = question.answers or (_REFUSAL,)
            items.append(Item(with_choices(question), references, labels, self.max_new_tokens, details=gold))
        return Haystack(documents, tuple(items), length)


def anchor_of(question: Question, text: str) -> Range | None:
    """Return the characters that answer a question: its evidence, its marked answer, or where an answer stands."""
    if question.evidence:
        return question.evidence[0]
    if question.answer_start is not None and question.answers:
        return question.answer_start, question.answer_start + len(question.answers[0])
    for answer in question.answers:
        at = text.lower().find(answer.lower())
        if at >= 0:
            return at, at + len(answer)
    return (0, 0) if not question.answerable else None


def limited(data: QaSet, limit: int) -> QaSet:
    """Return a set with its first `limit` questions."""
    return replace(data, questions=data.questions[:limit])


def _around(filler: Filler, n_tokens: int, rng: random.Random) -> list[Document]:
    """Return running text of about so many tokens in two halves; nothing where there is hardly room."""
    if n_tokens < _LEAST_FILLER_TOKENS:
        return []
    texts = ["".join(one.text for one in filler.piece(n_tokens // 2 - 16, rng)) for _ in range(2)]
    return [make_document(f"other text {n}.txt", text) for n, text in enumerate(texts, 1) if text.strip()]
