"""Sequences from the question sets: passages cut around evidence, distractors, several questions each.

Only train splits are read. Each set's documents stay apart from dev documents
(no document is in both). Answers are slices of the passage's token ids wherever
they stand in it; free answers (summaries, choices) are encoded as text.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from longdoc.formats import NOT_STATED, question_text
from longdoc.tokens import Encoded, TextTokenizer
from models.recipe import corpus
from models.recipe.made import END_WEIGHT, MAX_QUOTE, MadeTasks, answer_weights
from models.recipe.rename import name_pool, renamer
from models.recipe.sequence import Builder
from models.recipe.texts import TextPool
from models.recipe.vocabulary import Ids, Vocabulary

# Share of row sequences by set: human-written extractive sets first; patterned ones are capped.
SET_SHARES = {
    "squad2": 15, "nq_oracle": 14, "qamr": 14, "xquad_en": 5, "qed": 4, "covidqa": 9, "tatqa": 7, "wikitables": 6,
    "medquad": 3, "peps": 3, "powershell_docs": 2, "factbook": 3, "sgd_dialogues": 4, "contracts": 3,
    "transcript_speakers": 3, "openstax": 2, "pubmedqa": 1, "strategyqa": 1, "qmsum": 1,
}  # fmt: skip
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[A-Z\"'“(\[0-9])|\n+")


@dataclass
class Asked:
    """One question inside a passage; `start` is -1 where the answer does not stand there."""

    question: str
    answer: str
    start: int
    task: str
    choices: tuple[str, ...] = ()


@dataclass
class Cut:
    """A passage of one document with the questions that fall into it."""

    title: str
    text: str
    asked: list[Asked]


def sentence_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the half-open range of the sentence (or line) that holds text[start:end]."""
    left = 0
    for match in _SENTENCE_END.finditer(text, max(0, start - 1500), start + 1):
        if match.end() <= start:
            left = match.end()
    right_match = _SENTENCE_END.search(text, end)
    right = right_match.start() if right_match else len(text)
    # The closing quotation mark belongs to the sentence; the white space does not.
    while right < len(text) and text[right] in "\"'”’)]":
        right += 1
    return left, max(end, right)


class RowTasks:
    """Build sequences from question rows."""

    def __init__(
        self,
        data: Path,
        pool: TextPool,
        tokenizer: TextTokenizer,
        vocabulary: Vocabulary,
        rng: random.Random,
        made: MadeTasks | None = None,
    ) -> None:
        self.made = made
        self.pool, self.tokenizer, self.vocabulary, self.rng = pool, tokenizer, vocabulary, rng
        self.texts: dict[str, dict[str, tuple[str, str]]] = {}
        self.rows: dict[str, dict[str, list[dict[str, Any]]]] = {}
        names: list[str] = []
        for name in [*SET_SHARES, *(s for s in corpus.question_sets(data) if s.startswith("made"))]:
            rows = [r for r in corpus.questions(data, name, "train") if _usable(r)]
            if not rows:
                continue
            documents = corpus.documents(data, name)
            grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for row in rows:
                grouped[row["document_id"]].append(row)
            self.rows[name] = dict(grouped)
            self.texts[name] = {d: (documents[d].get("title") or d, documents[d]["text"]) for d in grouped}
            names += [text[:4000] for _, text in list(self.texts[name].values())[:300]]
        self.sets = list(self.rows)
        self.set_weights = [SET_SHARES.get(s, 1) for s in self.sets]
        self.keys = {s: list(self.rows[s]) for s in self.sets}
        # Long articles hold more questions than stubs: draw them in proportion, up to a limit.
        self.key_weights = {s: [min(len(self.rows[s][k]), 40) ** 0.7 for k in self.keys[s]] for s in self.sets}
        self.name_pool = name_pool(names)
        self.not_stated = tokenizer.ids(f" {NOT_STATED}")

    def sequence(self, length: int, document_weight: float) -> Builder:
        """Return one sequence: one to many passages of one set, then questions about them."""
        rng = self.rng
        name = rng.choices(self.sets, self.set_weights)[0]
        question_room = min(int(length * 0.55), 640)
        room = length - question_room - 8
        cuts: list[Cut] = []
        tries = 0
        while room > 60 and len(cuts) < 24 and tries < 40:
            tries += 1
            share = room if rng.random() < 0.5 else max(60, int(room * rng.uniform(0.2, 0.9)))
            cut = self._cut(name, int(min(share, 1600) * 3.4))
            if cut is None or any(cut.title == c.title for c in cuts):
                if cuts and rng.random() < 0.3:
                    break
                continue
            cost = self.tokenizer.count(cut.text) + 24
            if cost > room:
                if cuts:
                    break
                continue
            cuts.append(cut)
            room -= cost
            if rng.random() < 0.15:
                break
        if room > 200 and cuts and rng.random() < 0.6:
            title, ids, _ = self.pool.window(room - 40)
            cuts.append(Cut(title, self.tokenizer.decode([int(i) for i in ids]), []))
        rng.shuffle(cuts)
        return self._write(name, cuts, length, document_weight)

    def _cut(self, name: str, max_chars: int) -> Cut | None:
        rng = self.rng
        document = rng.choices(self.keys[name], self.key_weights[name])[0]
        title, text = self.texts[name][document]
        rows = self.rows[name][document]
        row = rng.choice(rows)
        if len(text) <= max_chars:
            first, last = 0, len(text)
        else:
            spans = row.get("evidence") or []
            start = row.get("answer_start")
            if start is not None and row.get("answers"):
                at, need = start, len(row["answers"][0])
            elif spans:
                at, need = spans[0][0], spans[0][1] - spans[0][0]
            else:
                return None  # a summary of a text that does not fit
            if need > max_chars * 0.8:
                return None
            first = max(0, min(at - rng.randint(0, max(1, max_chars - need)), len(text) - max_chars))
            last = min(len(text), max(first + max_chars, at + need))
            if first > 0:
                match = _SENTENCE_END.search(text, first, at)
                first = match.end() if match else first
        passage = text[first:last]
        asked = [made for r in rows if (made := _placed(r, first, last, len(text))) is not None]
        rng.shuffle(asked)
        if not asked:
            return None
        if rng.random() < 0.5:
            rename = renamer([passage, *(a.question for a in asked)], rng, self.name_pool, digits=rng.random() < 0.5)
            for a in asked:
                if a.start >= 0:
                    before = rename(passage[: a.start])
                    a.start = len(before)
                a.question, a.answer = rename(a.question), rename(a.answer)
            passage, title = rename(passage), rename(title)
            asked = [a for a in asked if a.start < 0 or passage[a.start : a.start + len(a.answer)] == a.answer]
        return Cut(title, passage, asked)

    def _write(self, name: str, cuts: list[Cut], length: int, document_weight: float) -> Builder:
        rng, special = self.rng, self.vocabulary.special
        out = Builder(length)
        out.add([special.bos], 0.0)
        pending: list[tuple[list[int], list[int], list[float], str]] = []
        newline = self.tokenizer.ids("\n")
        written: list[tuple[int, list[Ids]]] = []
        for number, cut in enumerate(cuts, 1):
            encoded = self.tokenizer.encode(cut.text)
            if len(encoded.ids) + 40 > out.left:
                continue
            out.add(self.pool.header(number, cut.title[-48:]), 0.0)
            out.add(encoded.ids, document_weight)
            if not cut.text.endswith("\n"):
                out.add(newline, 0.0)
            written.append((number - 1, self.vocabulary.sentences(np.asarray(encoded.ids, np.uint16))))
            for asked in cut.asked[: max(4, 20 // len(cuts))]:
                pending.append(self._question(number, cut, encoded, asked))
        # Few: a model that is asked mostly what is not there refuses what is.
        for _ in range(max(int(rng.random() < 0.35), len(pending) // 6)):
            absent = self._absent(name, {c.title for c in cuts})
            if absent is not None:
                pending.append(absent)
        rng.shuffle(pending)
        if rng.random() < 0.2:
            pending = pending[:1]
        elif self.made is not None:  # room that people's questions leave is used for made ones
            for _ in range(out.left // 40 - len(pending)):
                number = rng.randrange(len(written)) if written else 0
                made = self.made.wh_asked(*written[number]) if written else None
                if made is not None:
                    pending.append((made.ask, made.answer, made.weights, made.kind))
        for ask, answer, weights, kind in pending:
            if len(ask) + len(answer) + 3 > out.left:
                continue
            out.add([special.ask, *ask, special.answer], 0.0)
            out.add(answer, weights, kind)
            out.add([special.end], END_WEIGHT, "other")
        return out

    def _absent(self, name: str, titles: set[str]) -> tuple[list[int], list[int], list[float], str] | None:
        """Return a question about a document that is not in the context."""
        document = self.rng.choice(self.keys[name])
        if self.texts[name][document][0] in titles:
            return None
        row = self.rng.choice(self.rows[name][document])
        if row["task"] not in ("extractive", "abstractive"):
            return None
        ask = self.tokenizer.ids(question_text(row["question"], short=self.rng.random() < 0.4))
        return ask, self.not_stated, [1.0] * len(self.not_stated), "not_stated"

    def _question(
        self, number: int, cut: Cut, encoded: Encoded, asked: Asked
    ) -> tuple[list[int], list[int], list[float], str]:
        rng = self.rng
        if not asked.answer:
            ask = self.tokenizer.ids(question_text(asked.question, short=rng.random() < 0.4))
            return ask, self.not_stated, [1.0] * len(self.not_stated), "not_stated"
        if asked.choices:
            options = list(asked.choices)
            rng.shuffle(options)
            lettered = " ".join(f"({chr(65 + i)}) {option}" for i, option in enumerate(options))
            ask = self.tokenizer.ids(question_text(f"{asked.question} {lettered}"))
            answer = self.tokenizer.ids(f" {chr(65 + options.index(asked.answer))}")
            return ask, answer, [1.0] * len(answer), "row_short"
        if asked.start < 0:
            ask = self.tokenizer.ids(question_text(asked.question, short=True))
            answer = self.tokenizer.ids(f" {asked.answer}")
            return ask, answer, [0.5] * len(answer), "row_short"
        answer = _slice(encoded, cut.text, asked.start, asked.start + len(asked.answer))
        if rng.random() < 0.3 or len(answer) > 40:
            ask = self.tokenizer.ids(question_text(asked.question, short=True))
            return ask, answer, [2.0, *[0.8] * 7, *[0.3] * len(answer)][: len(answer)], "row"
        a, b = sentence_around(cut.text, asked.start, asked.start + len(asked.answer))
        quote = _slice(encoded, cut.text, a, b)
        if len(quote) > MAX_QUOTE:
            quote = _trimmed(quote, answer, self.vocabulary)
        special = self.vocabulary.special
        head = self.tokenizer.ids(f"[{number}]")
        ids = [*head, special.quote, *quote, special.then, *answer]
        weights = [0.5] * len(head) + [0.3] + answer_weights(len(quote), len(answer))
        return self.tokenizer.ids(question_text(asked.question)), ids, weights, "row_quote"


def _usable(row: dict[str, Any]) -> bool:
    if row["task"] == "summary":
        return len(row["answers"]) > 0 and len(row["answers"][0]) < 500
    answers = row.get("answers") or [""]
    return len(answers[0]) <= 600


def _placed(row: dict[str, Any], first: int, last: int, whole: int) -> Asked | None:
    """Return the row's question if what it needs stands in [first, last) of its document."""
    if row.get("answerable") is False or not row["answers"]:
        spans = row.get("evidence") or [[0, whole]]
        if spans[0][0] >= first and spans[0][1] <= last:
            return Asked(row["question"], "", -1, row["task"])
        return None
    answer = row["answers"][0]
    start = row.get("answer_start")
    if row["task"] == "extractive" and start is not None:
        if start < first or start + len(answer) > last:
            return None
        return Asked(row["question"], answer, start - first, row["task"])
    spans = row.get("evidence") or [[0, whole]]
    if any(a < first or b > last for a, b in spans):
        return None
    return Asked(row["question"], answer, -1, row["task"], tuple(row.get("choices") or ()))


def _slice(encoded: Encoded, text: str, start: int, end: int) -> list[int]:
    """Return the ids that cover text[start:end], widened to token edges and one leading space."""
    if start > 0 and text[start - 1] == " ":
        start -= 1
    return [i for i, (a, b) in zip(encoded.ids, encoded.chars, strict=True) if b > start and a < end]


def _trimmed(quote: list[int], answer: list[int], vocabulary: Vocabulary) -> list[int]:
    """Cut a long sentence to about MAX_QUOTE tokens that hold the answer, starting at a word."""
    at = next((i for i in range(len(quote)) if quote[i : i + len(answer)] == answer), 0)
    first = max(0, min(at - 8, len(quote) - MAX_QUOTE))
    while first > 0 and not vocabulary.word_start[quote[first]]:
        first -= 1
    return quote[first : max(first + MAX_QUOTE, at + len(answer))]
