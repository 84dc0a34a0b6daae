"""A model that answers by a script: what it says to which question is written in the test.

It reads like the stand-in, in steps of a given time, and writes the reader's format:
`[n]<|quote|> sentence<|then|> answer<|end|>`, kept inside the documents like the reader.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import standin

from longdoc.backends import Constraint, Decoded
from longdoc.cache.segment import Reading
from longdoc.errors import Stopped
from longdoc.types import ReadingPlan

Said = tuple[str, str] | tuple[str, str, str]


class Scripted(standin.StandIn):
    """`script` maps words of a question to (quote, answer) or (quote, answer, where attention was too).

    A quote that is not in what was read, and a question that no words match, is "Not stated.".
    """

    def __init__(self, script: dict[str, Said] | None = None, **options: float) -> None:
        super().__init__(native_context=2048, window=1 << 17, tested_context=32768, **options)  # type: ignore[arg-type]
        note = "A scripted stand-in for tests: it reasons about nothing."
        rope = {"rope_type": "default", "rope_theta": 10000.0}
        self.info = replace(self.info, name="reader", note=note, rope_parameters=rope)
        self.script = script or {}

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
        output, blocks = self._output(self.tokenizer.decode(question_ids), reading, evidence_tokens)
        for token in output:
            if stop.is_set():
                raise Stopped
            if self.token_s and stop.wait(self.token_s):
                raise Stopped
            yield Decoded(token, tuple((block, 1 / len(blocks)) for block in blocks))

    def _output(self, question: str, reading: Reading, block: int) -> tuple[list[int], list[int]]:
        special = self.frame.special
        assert special is not None
        found = next((said for words, said in self.script.items() if words.lower() in question.lower()), None)
        places = [self._find(text, reading) for text in (found[0], *found[2:])] if found else []
        if found is None or -1 in places:
            return [*self.tokenizer.ids(" Not stated."), special.end], []
        quote, answer = found[:2]
        if not quote:
            return [*self.tokenizer.ids(f" {answer}"), special.end], []
        number = reading.token_ids[: places[0]].count(special.doc)
        output = [
            *self.tokenizer.ids(f"[{number}]"), special.quote, *self.tokenizer.ids(f" {quote}"),
            special.then, *self.tokenizer.ids(f" {answer}"), special.end,
        ]  # fmt: skip
        return output, [(place + 30) // block for place in places] if block else []

    def _find(self, text: str, reading: Reading) -> int:
        """Return where a text begins in what was read, in tokens; -1 where it is not."""
        pattern = r"\s+".join(re.escape("".join(map(chr, self.tokenizer.ids(word)))) for word in text.split())
        space = "".join(map(chr, self.tokenizer.ids(" \n")))
        match = re.search(pattern.replace(r"\s", f"[{re.escape(space)}]"), "".join(map(chr, reading.token_ids)))
        return match.start() if match else -1
