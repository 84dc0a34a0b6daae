from __future__ import annotations

import io

import pytest

from longdoc.cli.progress import ProgressLine, duration, in_words
from longdoc.types import Progress


class Stream(io.StringIO):
    def __init__(self, tty: bool) -> None:
        super().__init__()
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress("reading", 61440, 148310, 72.0), "Reading 61,440 of 148,310 tokens, 1 min 12 s left"),
        (Progress("reading", 1, 10), "Reading 1 of 10 tokens"),
        (Progress("reused", 500, 600), "Already read: 500 tokens"),
        (Progress("queued", 0, 2), "Waiting: 2 requests before this one"),
        (Progress("queued", 0, 1), "Waiting: 1 request before this one"),
        (Progress("answering", 3, 9, None, "thirty\ndays"), "Answering: thirty days"),
        (Progress("loading", 0, 1), "Loading the model"),
        (Progress("indexing", 1, 4, text="a.txt"), "Indexing 25 % (a.txt)"),
        (Progress("saving", 5, 5), "Keeping what was read"),
    ],
)
def test_progress_reads_as_a_sentence(progress: Progress, text: str) -> None:
    assert in_words(progress) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (12.4, "12 s"), (59.7, "1 min 0 s"), (130, "2 min 10 s"), (3900, "1 h 5 min")],
)
def test_durations_are_written_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_terminal_shows_one_line_that_is_rewritten_and_cleared() -> None:
    stream, clock = Stream(True), Clock()
    line = ProgressLine(stream, clock)
    line(Progress("reading", 10, 1000))
    line(Progress("reading", 20, 1000))  # a moment later: not shown
    clock.now = 1.0
    line(Progress("reading", 30, 1000))
    assert "\n" not in stream.getvalue()
    assert "20 of" not in stream.getvalue()
    line.done()
    assert stream.getvalue().endswith("\r")
    line.note("longdoc: a.txt was not found.")
    assert stream.getvalue().endswith("longdoc: a.txt was not found.\n")


def test_elsewhere_lines_are_few() -> None:
    stream, clock = Stream(False), Clock()
    line = ProgressLine(stream, clock)
    for second in range(60):
        clock.now = float(second)
        line(Progress("reading", second, 60))
    for token in range(100):
        line(Progress("answering", token, 256, None, "text " * token))
    lines = stream.getvalue().splitlines()
    assert 3 <= len(lines) <= 7
    assert sum(text.startswith("Answering") for text in lines) == 1


def test_a_closed_stderr_does_not_end_the_work() -> None:
    stream = Stream(True)
    line = ProgressLine(stream)
    stream.close()
    line(Progress("reading", 1, 10))
    line.note("x")
