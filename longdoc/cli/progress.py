"""Progress of long work on stderr: one line that is rewritten on a terminal, a line now and then elsewhere.

Knows `Progress` and streams. Stdout is never touched, so that JSON stays clean.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

from longdoc.types import Progress

_TTY_EVERY_S = 0.2
_PLAIN_EVERY_S = 15.0
_WORDS = {
    "queued": "Waiting",
    "loading": "Loading",
    "reading": "Reading",
    "reused": "Already read",
    "answering": "Answering",
    "saving": "Keeping what was read",
    "indexing": "Indexing",
}
# Stages that count something other than tokens are shown as a share or by name alone.
_IN_TOKENS = frozenset({"reading", "reused"})


class ProgressLine:
    """Shows progress; `note` writes a line of its own, `done` leaves the screen clean."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.tty = self.stream.isatty()
        self._clock = clock
        self._shown = 0  # characters of the line on the terminal
        self._last_s = float("-inf")
        self._last_stage = ""

    def __call__(self, progress: Progress) -> None:
        if progress.stage == "loading" and progress.done >= progress.total:
            return  # what comes next says so itself
        self.show(progress.stage, in_words(progress), finished=progress.done >= progress.total > 0)

    def show(self, stage: str, text: str, *, finished: bool = False) -> None:
        """Show `text` unless a line of the same stage was shown a moment ago."""
        now = self._clock()
        every_s = _TTY_EVERY_S if self.tty else _PLAIN_EVERY_S
        changed = stage != self._last_stage
        # Elsewhere than on a terminal, answering is told once: its text comes whole on stdout.
        if (
            not changed
            and (now - self._last_s < every_s or (not self.tty and stage == "answering"))
            and not (self.tty and finished)
        ):
            return
        self._last_s, self._last_stage = now, stage
        self._write(text)

    def note(self, text: str) -> None:
        """Write a line that stays."""
        self.done()
        self._try(text + "\n")

    def done(self) -> None:
        """Clear the line on a terminal."""
        if self._shown:
            self._try("\r" + " " * self._shown + "\r")
            self._shown = 0

    def _write(self, text: str) -> None:
        if not self.tty:
            self._try(text + "\n")
            return
        width = max(20, shutil.get_terminal_size().columns - 1)
        line = text if len(text) <= width else text[: width - 1] + "…"
        self._try("\r" + line.ljust(self._shown))
        self._shown = len(line)

    def _try(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):
            pass  # a closed stderr must not end the work


def in_words(progress: Progress) -> str:
    """Return one step as a person reads it: "Reading 61,440 of 148,310 tokens, 1 min 12 s left"."""
    word = _WORDS[progress.stage]
    if progress.stage == "queued":
        before = "1 request" if progress.total == 1 else f"{progress.total} requests"
        return f"{word}: {before} before this one" if progress.total else word
    if progress.stage == "loading":
        return f"{word} the model"
    if progress.stage == "saving":
        return word
    if progress.stage == "reused":
        return f"{word}: {progress.done:,} tokens"
    if progress.stage == "answering":
        return f"{word}: {' '.join(progress.text.split())}" if progress.text else word
    if not progress.total:
        return f"{word}: {progress.text}" if progress.text else word
    if progress.stage in _IN_TOKENS:
        text = f"{word} {progress.done:,} of {progress.total:,} tokens"
    else:
        text = f"{word} {100 * progress.done // progress.total} %"
    if progress.text:
        text += f" ({progress.text})"
    return text + (f", {duration(progress.left_s)} left" if progress.left_s is not None else "")


def duration(seconds: float) -> str:
    """Return seconds as people say them: "0.4 s", "12 s", "2 min 10 s", "1 h 5 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
