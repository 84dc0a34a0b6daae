"""A grid of runs: questions x lengths x ways of reading, counted before it is run, then run part by part.

A run is one question at one length read in one way; a part is all runs of one
length and way. Ways that the planner makes the same are run once. What a part
costs comes from what reading and answering cost on this machine before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from longdoc.errors import UserError
from longdoc.evaluation.asking import PlanMaker, Way
from longdoc.evaluation.haystack import Filler
from longdoc.evaluation.items import Haystack, Item, Reply, Scores
from longdoc.evaluation.questions import WHOLE
from longdoc.evaluation.results import Record
from longdoc.evaluation.runner import GridTask, Run, run_grid, run_haystacks
from longdoc.planning import Measurements
from longdoc.types import ReadingPlan

RESERVE_TOKENS = 320  # question and answer
_CHUNKED_TOKENS = 1600  # about what a chunked prompt has
_QUESTION_TOKENS = 40
_ANSWER_TOKENS = 48
_NONE_TOKENS = 64


@dataclass(frozen=True)
class Part:
    """All runs of one length (0: documents as long as they are) and one way."""

    length: int
    way: Way
    plan: ReadingPlan  # of the longest prompt
    sizes: tuple[int, ...]  # prompt tokens of each text
    n_runs: int

    @property
    def n_readings(self) -> int:
        """How many texts are read: each once, or for passages once a question."""
        return self.n_runs if self.way.mode != "single" else len(self.sizes)

    def seconds(self, measured: Measurements) -> float | None:
        """Return about what it takes; None where nothing was measured."""
        cost = measured.cost
        if cost is None:
            return None
        sizes = self.sizes if self.way.mode == "single" else (self._short,) * self.n_runs
        reading = sum(cost.seconds(0, size) for size in sizes)
        longest = max(sizes, default=0)
        asking = cost.seconds(longest, longest + _QUESTION_TOKENS)
        answering = _ANSWER_TOKENS * (measured.token_s or cost.seconds(longest, longest + 1))
        return reading + self.n_runs * (asking + answering)

    @property
    def _short(self) -> int:
        return _CHUNKED_TOKENS if self.way.mode == "chunked" else _NONE_TOKENS


class Suite:
    """One task at some lengths in some ways; texts are made once for each length."""

    def __init__(self, task: GridTask, filler: Filler, lengths: Sequence[int], ways: Sequence[Way]) -> None:
        self.task, self.filler, self.lengths, self.ways = task, filler, lengths, ways
        self.left_out: list[str] = []
        self._made: dict[int, list[Haystack]] = {}

    @property
    def name(self) -> str:
        return self.task.name

    def haystacks(self, filler: Filler, length: int) -> Iterable[Haystack]:
        """Return the texts of a length with their questions: the task's, kept."""
        if length not in self._made:
            self._made[length] = list(self.task.haystacks(filler, length))
        return self._made[length]

    def score(self, item: Item, reply: Reply) -> Scores:
        return self.task.score(item, reply)

    def parts(self, make_plan: PlanMaker) -> list[Part]:
        """Return what will be run; what is over the window is in `left_out`."""
        found: list[Part] = []
        for length in self.lengths:
            made = list(self.haystacks(self.filler, length))
            planned: set[tuple[object, ...]] = set()
            for way in self.ways:
                fitting = [self._size(one, length) for one in made]
                try:
                    plan = make_plan(way, self._longest(fitting, way))
                except UserError as error:  # a method that this model cannot take
                    self._leave_out(str(error))
                    continue
                if plan.zone == "over" and way.mode == "single":
                    words = f"{length:,} tokens" if length else "Documents as long as they are"
                    self._leave_out(f"{words} are over the window of {plan.window:,}: left out.")
                    continue
                same = (way.mode, plan.position_method, plan.factor, plan.attention, plan.cache_tier)
                if same in planned or not made:
                    continue
                planned.add(same)
                found.append(Part(length, way, plan, tuple(fitting), sum(len(one.items) for one in made)))
        return found

    def run(self, run: Run, part: Part) -> list[Record]:
        """Ask every question of a part; those asked before are taken from disk. Raises Stopped."""
        if part.length != WHOLE:
            return run_grid(run, self, self.filler, [part.length], [part.way])
        made = list(self.haystacks(self.filler, WHOLE))
        return run_haystacks(run, self.name, made, [part.way], self.score, RESERVE_TOKENS)

    def _size(self, haystack: Haystack, length: int) -> int:
        if length != WHOLE:
            return length
        return sum(self.filler.count(document.text) + 24 for document in haystack.documents) + RESERVE_TOKENS

    def _longest(self, sizes: Sequence[int], way: Way) -> int:
        longest = max(sizes, default=1)
        return longest if way.mode == "single" else min(longest, _CHUNKED_TOKENS)

    def _leave_out(self, why: str) -> None:
        if why not in self.left_out:
            self.left_out.append(why)


def way_words(way: Way) -> str:
    """Return a way of reading as people say it."""
    mode = {"single": "Single pass", "chunked": "Chunked", "none": "No document"}[way.mode]
    return f"{mode}, {way.position}" if way.position else mode
