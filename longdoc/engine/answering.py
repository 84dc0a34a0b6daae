"""Answering on top of a read prefix: tokens in, text and evidence out, as they come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence

from longdoc.backends import Backend, Constraint
from longdoc.engine.reading import Read
from longdoc.errors import Stopped
from longdoc.types import Generation, Progress, Prompt, Usage

BLOCK_TOKENS = 64
Render = Callable[[Sequence[int]], str]


class Answering:
    """One answer being written."""

    def __init__(
        self, backend: Backend, render: Render | None, on_progress: Callable[[Progress], None], began: float
    ) -> None:
        self._backend, self._on_progress, self._began = backend, on_progress, began
        self._render = render or backend.tokenizer.decode
        self.output_ids: list[int] = []
        self.evidence: list[tuple[tuple[int, float], ...]] = []
        self.stop_reason = "length"
        self.first_token_s = 0.0
        self.token_s: float | None = None  # mean seconds of a token after the first

    def run(
        self,
        prompt: Prompt,
        read: Read,
        max_new_tokens: int,
        stop: threading.Event,
        constraint: Constraint | None,
        evidence: bool,
    ) -> None:
        """Write the answer. Stop ends it with what there is. Raises ModelError."""
        stop_ids = self._backend.frame.stop_ids
        tokens = self._backend.decode(
            prompt.token_ids[prompt.prefix_len :],
            read.reading,
            read.plan,
            max_new_tokens=max_new_tokens,
            stop_ids=stop_ids,
            stop=stop,
            constraint=constraint,
            evidence_tokens=BLOCK_TOKENS if evidence and prompt.prefix_len else 0,
        )
        first = last = self._began
        try:
            for decoded in tokens:
                last = time.perf_counter()
                if not self.first_token_s:
                    first, self.first_token_s = last, last - self._began
                if decoded.token_id in stop_ids:
                    self.stop_reason = "end"
                    break
                self.output_ids.append(decoded.token_id)
                self.evidence.append(decoded.evidence)
                done = len(self.output_ids)
                self._on_progress(Progress("answering", done, max_new_tokens, None, self._text(partial=True)))
            else:
                # A constraint that allows nothing more ends the answer as well.
                self.stop_reason = "length" if len(self.output_ids) >= max_new_tokens else "end"
        except Stopped:
            self.stop_reason = "stopped"
        finally:
            if isinstance(tokens, Generator):
                tokens.close()  # the tail is dropped now, not when the iterator is collected
        if len(self.output_ids) > 1:
            self.token_s = (last - first) / (len(self.output_ids) - 1)

    def generation(self, usage: Usage, warnings: Sequence[str]) -> Generation:
        return Generation(
            tuple(self.output_ids),
            self._text(),
            self.stop_reason,
            usage,
            tuple(self.evidence),
            BLOCK_TOKENS,
            tuple(dict.fromkeys(warnings)),
        )

    def _text(self, partial: bool = False) -> str:
        text = self._render(self.output_ids)
        # A character of several tokens shows only once it is complete.
        return text.rstrip("\N{REPLACEMENT CHARACTER}") if partial else text
