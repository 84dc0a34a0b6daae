"""What a model needs to be asked: its tokenizer and frame, or its address.

One face for local models, which take token ids, and servers, which take chat
messages. Weights are not loaded here: a plan needs none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from longdoc.backends.frames import frame_of
from longdoc.backends.remote import estimate_tokens, is_address
from longdoc.citations import reader_text
from longdoc.engine import Engine
from longdoc.errors import StoreError
from longdoc.grounding import Constraint
from longdoc.packing import Encoder, Included, PromptFrame, chat_messages, omissions, pack
from longdoc.store import Library
from longdoc.tokens import TextTokenizer
from longdoc.types import Generation, Progress, Prompt, ReadingPlan, Region


@dataclass(frozen=True)
class Kit:
    """A model ready to be asked. `tokenizer` and `frame` are None for a server."""

    engine: Engine
    model: str
    tokenizer: TextTokenizer | None
    frame: PromptFrame | None

    @property
    def remote(self) -> bool:
        return self.frame is None

    def pack(
        self, included: Sequence[Included], question: str | None, *, short: bool = False, encode: Encoder | None = None
    ) -> Prompt:
        """Return the prompt; for a server one whose tokens are only estimated."""
        if self.tokenizer is not None and self.frame is not None:
            return pack(included, question, self.tokenizer, self.frame, short=short, encode=encode)
        return _estimated(included, question or "", short)

    def generate(
        self,
        prompt: Prompt,
        plan: ReadingPlan,
        included: Sequence[Included],
        question: str,
        *,
        short: bool,
        max_new_tokens: int,
        stop: threading.Event,
        on_progress: Callable[[Progress], None],
        evidence: bool,
        keep: bool,
        constraint: Constraint | None,
        before_s: float,
    ) -> Generation:
        """Answer; `before_s` seconds of the request had passed before and are added to its times."""
        if self.remote:
            messages = chat_messages(included, question, short=short)
            generation = self.engine.generate_remote(
                self.model, messages, max_new_tokens=max_new_tokens, stop=stop, on_progress=on_progress
            )
        else:
            generation = self.engine.generate(
                self.model,
                prompt,
                plan,
                max_new_tokens=max_new_tokens,
                stop=stop,
                on_progress=on_progress,
                constraint=constraint,
                evidence=evidence,
                keep=keep,
                render=self._render(),
            )
        usage = generation.usage
        first_s = usage.first_token_s + before_s if usage.output_tokens else 0.0
        return replace(generation, usage=replace(usage, first_token_s=first_s, total_s=usage.total_s + before_s))

    def remember_count(self, library: Library, document_id: str, n_tokens: int) -> None:
        """Keep a document's length in this model's tokens; a library that refuses costs nothing."""
        if self.tokenizer is not None:
            with suppress(StoreError):
                if library.token_count(document_id, self.tokenizer.fingerprint) != n_tokens:
                    library.set_token_count(document_id, self.tokenizer.fingerprint, n_tokens)

    def _render(self) -> Callable[[Sequence[int]], str] | None:
        """Return how output ids become text on screen; the reader's special tokens would run its parts together."""
        tokenizer, special = self.tokenizer, self.frame.special if self.frame else None
        if tokenizer is None or special is None:
            return None
        return lambda ids: reader_text(ids, tokenizer, special)


def kit_of(engine: Engine, model: str) -> Kit:
    """Return the kit of a model by name, folder or address. Raises ModelError, RemoteError."""
    if is_address(model):
        return Kit(engine, model, None, None)
    info = engine.info(model)  # refuses a model that cannot be loaded, before anything is tokenised
    if info.folder is None:
        backend = engine.backend(model)
        return Kit(engine, model, backend.tokenizer, backend.frame)
    folder = Path(info.folder)
    tokenizer, frame = _read(folder, (folder / "tokenizer.json").stat().st_mtime_ns)
    return Kit(engine, model, tokenizer, frame)


@lru_cache(maxsize=8)
def _read(folder: Path, changed_ns: int) -> tuple[TextTokenizer, PromptFrame]:
    """Return tokenizer and frame of a folder, kept until its tokenizer changes."""
    tokenizer = TextTokenizer.from_folder(folder)
    return tokenizer, frame_of(folder, tokenizer)


def _estimated(included: Sequence[Included], question: str, short: bool) -> Prompt:
    """Return a prompt of the estimated length whose regions tell documents apart, for plans and budgets."""
    regions: list[Region] = []
    at = 0
    for item in included:
        ranges = item.ranges if item.ranges is not None else ((0, len(item.document.text)),)
        size = sum(estimate_tokens(item.document.text[a:b]) for a, b in ranges)
        regions.append(Region("system", (at, at + size), item.document.id))
        at += size
    messages = chat_messages(included, question, short=short)
    total = max(at, sum(estimate_tokens(message["content"]) for message in messages))
    regions.append(Region("question", (at, total)))
    return Prompt((0,) * total, tuple(regions), tuple(omissions(included)), at)
