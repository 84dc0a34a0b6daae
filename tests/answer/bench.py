"""A model that answers from a script; all around it is real: files, library, index, engine, citations."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from standin import StandIn

from longdoc.answer import Desk, How
from longdoc.backends import Constraint, Decoded
from longdoc.cache.segment import Reading
from longdoc.engine import Engine
from longdoc.ingest import add
from longdoc.packing import Included, PromptFrame
from longdoc.settings import Settings
from longdoc.store import Library
from longdoc.types import ReadingPlan

MODEL = "scripted"
TAIL = "\nassistant:"


class Scripted(StandIn):
    """Writes what `script` holds for a question, and attends to the words in `attends`.

    `<|quote|>` and its kin in a script are special tokens. Unknown questions are "Not stated.".
    """

    def __init__(self, window: int = 1 << 20) -> None:
        super().__init__(window=window)
        self.script: dict[str, str] = {}
        self.attends: dict[str, str] = {}
        self.prompts: list[str] = []
        self.constraints: list[Constraint | None] = []

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
        question = self.tokenizer.decode(question_ids).rpartition("Question: ")[2].removeprefix(" ").removesuffix(TAIL)
        self.constraints.append(constraint)
        self.prompts.append(self.tokenizer._tokenizer.decode(reading.token_ids, skip_special_tokens=False))
        evidence: tuple[tuple[int, float], ...] = ()
        words = self.tokenizer.ids(self.attends.get(question, ""))
        if words and evidence_tokens:
            at = next(i for i in range(reading.n_tokens) if reading.token_ids[i : i + len(words)] == words)
            evidence = (((at + len(words) // 2) // evidence_tokens, 0.5),)
        output = self.script.get(question, " Not stated.")
        ids = self.tokenizer._tokenizer.encode(output, add_special_tokens=False).ids
        for token in [*ids[:max_new_tokens], next(iter(self.frame.stop_ids))]:
            if stop.is_set():
                return
            yield Decoded(token, evidence)


class ScriptedChat(Scripted):
    """The same with a chat template around the user's words."""

    def __init__(self) -> None:
        super().__init__()
        end = self.frame.stop_ids
        self.frame = PromptFrame("chat", tuple(self.tokenizer.ids("user:")), tuple(self.tokenizer.ids(TAIL)), None, end)


class Bench:
    """A desk over one home with a scripted model."""

    def __init__(self, home: Path, model: Scripted | None = None, **fields: object) -> None:
        self.model = model or Scripted()
        self.settings = Settings(home=home, **fields)  # type: ignore[arg-type]
        self.library = Library(self.settings)
        self.engine = Engine(self.settings, self.library, load=lambda name, settings: self.model)
        self.engine.backend(MODEL)
        self.seen: list[str] = []
        self.desk = Desk(
            self.engine, self.settings, self.library, threading.Event(), lambda p: self.seen.append(p.stage)
        )
        self.how = How(MODEL)

    def add(self, path: Path) -> Included:
        return add(path, self.library, self.settings).included()

    def write(self, path: Path, text: str) -> Included:
        path.write_text(text, encoding="utf-8")
        return self.add(path)

    def close(self) -> None:
        self.engine.close()
        self.library.close()
