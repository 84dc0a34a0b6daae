"""From question rows to haystacks: a gold passage alone, a whole document, or documents among others.

Questions about one text share its reading, and documents of several questions
share one haystack. Every haystack is also asked questions about documents it
does not hold, to which the only right answer is "Not stated.". All choices are
made from identities and a seed. Asking and scoring are left to `qa.py`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from longdoc.evaluation.evidence import contains_answer
from longdoc.evaluation.items import Haystack, Item, Label, make_document, overhead_tokens
from longdoc.evaluation.qa_data import QaDocument, QaSet, Question
from longdoc.evaluation.renaming import Renamer
from longdoc.types import Document

Kind = Literal["answerable", "unanswerable", "absent"]
Count = Callable[[str], int]

PASSAGE_TOKENS = 1500
_MISSES = 200  # documents tried in vain before a haystack counts as full
_CHOICE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Shape:
    """What is put before the model."""

    hide_in: int = 0  # tokens of a haystack of several documents; 0: each text alone
    whole: bool = False  # alone: the whole document instead of the gold passage
    absent: bool = True  # also ask what the text does not hold
    renamed: bool = False
    passage_tokens: int = PASSAGE_TOKENS

    @property
    def length(self) -> int:
        """The nominal length of a prompt in tokens; 0 where it is that of the documents."""
        return self.hide_in or (0 if self.whole else self.passage_tokens)

    @property
    def names(self) -> str:
        return "renamed" if self.renamed else "original"

    @property
    def label(self) -> str:
        if self.hide_in:
            return "hidden"
        return "whole" if self.whole else "passage"


@dataclass(frozen=True)
class Gold:
    """What the answer to an item is judged by. Ranges are characters of the document as it was read."""

    kind: Kind
    task: str
    document_id: str
    answers: tuple[str, ...]
    evidence: tuple[tuple[int, int], ...] = ()
    answer_start: int | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """A question with the text it is about, cut and renamed as it will be read."""

    question: Question  # question, answers, evidence and answer_start fit `text`
    title: str
    text: str
    set_name: str

    @property
    def document(self) -> Document:
        return make_document(self.title, self.text)


def haystacks(
    data: QaSet, questions: Sequence[Question], shape: Shape, count: Count, max_new_tokens: int, seed: int = 0
) -> list[Haystack]:
    """Return the haystacks of one set's questions; a question that no short passage can be cut for is left out."""
    prepared = _Prepared(data, shape, count)
    asked = [one for question in questions if (one := prepared.asked(question)) is not None]
    texts: dict[str, list[Asked]] = {}
    for one in asked:
        texts.setdefault(one.document.id, []).append(one)
    rng = random.Random(f"qa/{data.name}/{seed}")
    if shape.hide_in:
        groups, bins = _hidden(prepared, texts, shape, count, rng)
    else:
        groups = [[name] for name in texts]
        bins = [{name: texts[name][0].document} for name in texts]
    absent = _absent(groups, bins, texts) if shape.absent else [[] for _ in bins]
    made: list[Haystack] = []
    for names, documents, strangers in zip(groups, bins, absent, strict=True):
        ordered = list(documents.values())
        rng.shuffle(ordered)
        items = [_item(one, shape, max_new_tokens) for name in names for one in texts[name]]
        items += [_item(one, shape, max_new_tokens, absent=True) for one in strangers]
        if items and ordered:
            made.append(Haystack(tuple(ordered), tuple(items), shape.length))
    return made


def _hidden(
    prepared: _Prepared, texts: Mapping[str, Sequence[Asked]], shape: Shape, count: Count, rng: random.Random
) -> tuple[list[list[str]], list[dict[str, Document]]]:
    """Return the texts asked about in each haystack, and all its documents."""
    room = shape.hide_in - overhead_tokens(shape.hide_in)
    sizes = {name: _size([members[0].document], count) for name, members in texts.items()}
    groups = _bins(sizes, room)
    own = {name: members[0].question.document_id for name, members in texts.items()}
    if shape.absent and len(groups) == 1:  # somewhere the questions must be absent
        if prepared.n_documents > len(set(own.values())):
            groups.append([])
        elif len(sizes) > 1:
            groups = _bins(sizes, sum(sizes.values()) // 2 + 1)
    bins: list[dict[str, Document]] = []
    for names in groups:
        documents = {name: texts[name][0].document for name in names}
        without = {own[name] for name in names} if names else set(own.values())
        left = room - _size(documents.values(), count)
        bins.append(documents | prepared.others(without, left, rng))
    return groups, bins


def _item(one: Asked, shape: Shape, max_new_tokens: int, absent: bool = False) -> Item:
    question = one.question
    kind: Kind = "absent" if absent else "answerable" if question.answerable else "unanswerable"
    start = question.evidence[0][0] if question.evidence else question.answer_start
    gold = Gold(
        kind,
        question.task,
        one.document.id,
        question.answers,
        question.evidence,
        question.answer_start,
        question.choices,
    )
    labels: dict[str, Label] = {"set": one.set_name, "documents": shape.label, "names": shape.names, "kind": kind}
    # Questions about one paragraph share its difficulty.
    group = f"{one.document.id[:16]}/{start or 0}"
    return Item(with_choices(question), question.answers, labels, max_new_tokens, group, gold)


def with_choices(question: Question) -> str:
    """Return the question with its choices behind it, lettered."""
    if question.task != "multiple_choice" or not question.choices:
        return question.question
    choices = " ".join(f"({letter}) {text}" for letter, text in zip(_CHOICE_LETTERS, question.choices, strict=False))
    return f"{question.question} {choices}"


def _bins(sizes: Mapping[str, int], room: int) -> list[list[str]]:
    """Put texts into as few bins of `room` tokens as first fit makes; a text over the room gets its own."""
    bins: list[tuple[int, list[str]]] = []
    for name, size in sorted(sizes.items(), key=lambda entry: -entry[1]):
        for at, (used, names) in enumerate(bins):
            if used + size <= room:
                bins[at] = (used + size, [*names, name])
                break
        else:
            bins.append((size, [name]))
    return [names for _, names in bins]


def _absent(
    groups: Sequence[Sequence[str]], bins: Sequence[Mapping[str, Document]], texts: Mapping[str, Sequence[Asked]]
) -> list[list[Asked]]:
    """Return for each haystack the questions of another one that it cannot answer: no accepted answer stands in it."""
    found: list[list[Asked]] = []
    for at, documents in enumerate(bins):
        strangers: list[Asked] = []
        held = "\n".join(document.text for document in documents.values())
        # Half the list away: neighbouring passages of one document overlap.
        for name in groups[(at + max(1, len(groups) // 2)) % len(groups)]:
            for one in texts[name]:
                stated = any(contains_answer(held, answer) for answer in one.question.answers)
                if name not in documents and one.question.answerable and not stated:
                    strangers.append(one)
        found.append(strangers)
    return found


def _size(documents: Iterable[Document], count: Count) -> int:
    """Return the tokens that documents take with their headers."""
    return sum(count(document.text) + count(document.title) + 8 for document in documents)


class _Prepared:
    """Documents of a set, cut and renamed, each prepared once."""

    def __init__(self, data: QaSet, shape: Shape, count: Count) -> None:
        self._data, self._shape, self._count = data, shape, count
        self._renamers: dict[str, Renamer] = {}

    @property
    def n_documents(self) -> int:
        return len(self._data.documents)

    def asked(self, question: Question) -> Asked | None:
        document = self._data.documents[question.document_id]
        if self._shape.hide_in or self._shape.whole:
            start, end = 0, len(document.text)
        else:
            found = passage(document.text, _anchor(question), self._count, self._shape.passage_tokens)
            if found is None:
                return None
            start, end = found
        text = document.text[start:end]
        evidence = tuple(
            (max(a, start) - start, min(b, end) - start) for a, b in question.evidence if a < end and b > start
        )
        at = question.answer_start
        at = at - start if at is not None and start <= at < end else None
        moved = replace(question, evidence=evidence, answer_start=at)
        if not self._shape.renamed:
            return Asked(moved, document.title, text, self._data.name)
        renamer = self._renamer(document)
        renamed = renamer.text(text)
        moved = replace(
            moved,
            question=renamer.phrase(question.question),
            answers=renamer.phrases(question.answers),
            choices=renamer.phrases(question.choices),
            evidence=tuple(renamed.span(a, b) for a, b in evidence),
            answer_start=None if at is None else renamed.place(at),
        )
        return Asked(moved, renamer.phrase(document.title), renamed.text, self._data.name)

    def others(self, without: set[str], n_tokens: int, rng: random.Random) -> dict[str, Document]:
        """Return other documents of the set that fill `n_tokens`, the last one cut where none fits whole."""
        found: dict[str, Document] = {}
        left, misses = n_tokens, 0
        for document in self._drawn(without, rng):
            made = self._made(document)
            size = _size([made], self._count)
            if size > left:
                misses += 1
                if left > 400 and (misses == 8 or size < 3 * left):
                    made = make_document(made.title, _beginning(made.text, self._count, left - 40))
                    size = self._count(made.text) + 40
                elif left < 64 or misses > _MISSES:
                    break
                else:
                    continue
            if made.text.strip():
                found[made.id] = made
                left -= size
        return found

    def _drawn(self, without: set[str], rng: random.Random) -> Iterator[QaDocument]:
        names = sorted(name for name in self._data.documents if name not in without)
        rng.shuffle(names)
        return (self._data.documents[name] for name in names)

    def _made(self, document: QaDocument) -> Document:
        if not self._shape.renamed:
            return make_document(document.title, document.text)
        renamer = self._renamer(document)
        return make_document(renamer.phrase(document.title), renamer.text(document.text).text)

    def _renamer(self, document: QaDocument) -> Renamer:
        if document.id not in self._renamers:
            self._renamers[document.id] = Renamer(document.text, document.id)
        return self._renamers[document.id]


def _anchor(question: Question) -> tuple[int, int] | None:
    """Return the characters that a short passage must hold: the evidence, or the marked answer."""
    spans = list(question.evidence)
    if question.answer_start is not None and question.answers:
        spans.append((question.answer_start, question.answer_start + len(question.answers[0])))
    if not spans:
        return None
    return min(start for start, _ in spans), max(end for _, end in spans)


def passage(text: str, anchor: tuple[int, int] | None, count: Count, n_tokens: int) -> tuple[int, int] | None:
    """Return a range of at most `n_tokens` tokens around `anchor`, grown by whole paragraphs on both sides.

    A short text is returned whole. None where nothing tells what to cut around, or that alone is too long.
    """
    if len(text) <= n_tokens or count(text) <= n_tokens:
        return 0, len(text)
    if anchor is None:
        return None
    edges = [0, *(at + 1 for at, character in enumerate(text) if character == "\n"), len(text)]
    start = max(edge for edge in edges if edge <= anchor[0])
    end = min(edge for edge in edges if edge >= anchor[1])
    used = count(text[start:end])
    if used > n_tokens:
        return None
    low, high = edges.index(start), edges.index(end)
    grown = True
    while grown:
        grown = False
        if low > 0 and used + (size := count(text[edges[low - 1] : edges[low]])) <= n_tokens:
            low, used, grown = low - 1, used + size, True
        if high < len(edges) - 1 and used + (size := count(text[edges[high] : edges[high + 1]])) <= n_tokens:
            high, used, grown = high + 1, used + size, True
    return edges[low], edges[high]


def _beginning(text: str, count: Count, n_tokens: int) -> str:
    """Return the beginning of a text up to a line's end, at most `n_tokens` tokens."""
    kept: list[str] = []
    used = 0
    for line in text.splitlines(keepends=True):
        used += count(line)
        if used > n_tokens:
            break
        kept.append(line)
    return "".join(kept)
