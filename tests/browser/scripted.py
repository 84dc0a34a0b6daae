"""A model that answers by a script: what it says to which question is written in the test.

It reads like the stand-in, in steps of a given time, and writes the reader's format:
`[n]<|quote|> sentence<|then|> answer<|end|>`, kept inside the documents like the reader.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import standin

from longdoc.backends import Constraint, Decoded
from longdoc.cache.segment import Reading
from longdoc.errors import Stopped
from longdoc.types import ReadingPlan


class Scripted(standin.StandIn):
    """`script` maps words of a question to (quote, answer); no match is "Not stated."."""

    def __init__(self, script: dict[str, tuple[str, str]] | None = None, **options: float) -> None:
        super().__init__(native_context=2048, window=1 << 17, tested_context=32768, **options)  # type: ignore[arg-type]
        self.info = replace(self.info, name="reader", note="A scripted stand-in for tests: it reasons about nothing.")
        self.script = script or {}
        self.asked: list[str] = []

    def decode(
        self,
        question_ids: Sequence[int],
        reading: Reading,
        plan: ReadingPlan,
        *,
        max_new_tokens: int,
        stop_ids: frozenset[int],
        stop: threading.Event,
        constraint: Constraint | None = None,
        evidence_tokens: int = 64,
    ) -> Iterator[Decoded]:
        question = self.tokenizer.decode(question_ids)
        self.asked.append(question)
        for token in self._output(question, reading):
            if stop.is_set():
                raise Stopped
            if self.token_s and stop.wait(self.token_s):
                raise Stopped
            yield Decoded(token, ())

    def _output(self, question: str, reading: Reading) -> list[int]:
        special = self.frame.special
        assert special is not None
        found = next((said for words, said in self.script.items() if words.lower() in question.lower()), None)
        text = self.tokenizer.decode(reading.token_ids)
        if found is None or (found[0] and found[0] not in text):
            return [*self.tokenizer.ids(" Not stated."), special.end]
        quote, answer = found
        if not quote:
            return [*self.tokenizer.ids(f" {answer}"), special.end]
        number = 1 + text[: text.index(quote)].count("\n[") if False else 1
        return [
            *self.tokenizer.ids(f"[{number}]"), special.quote, *self.tokenizer.ids(f" {quote}"),
            special.then, *self.tokenizer.ids(f" {answer}"), special.end,
        ]  # fmt: skip
