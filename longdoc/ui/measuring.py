"""What a person chose to measure, checked; and the measuring itself, as a job of the server.

Every finished run is on disk twice: under the model, where `longdoc evaluate` and
the planner read it, and under the job, where the page reads it. So a stop, a
refresh or a kill loses at most the run that was going on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longdoc import ingest
from longdoc.errors import Stopped, UserError
from longdoc.evaluation import question_sources, report
from longdoc.evaluation.asking import Model, Session, Way
from longdoc.evaluation.haystack import Book, Filler, open_books
from longdoc.evaluation.items import Reply
from longdoc.evaluation.needle import NeedleTask
from longdoc.evaluation.opening import model_of, plan_maker
from longdoc.evaluation.qa_data import QaSet
from longdoc.evaluation.questions import QuestionsTask, limited
from longdoc.evaluation.results import Record, Results, keep_summary, model_folder
from longdoc.evaluation.runner import Run
from longdoc.evaluation.suite import Part, Suite, way_words
from longdoc.files import sha256_text
from longdoc.planning import ATTENTIONS, Measurements
from longdoc.positions import canonical
from longdoc.settings import Settings
from longdoc.store import Job
from longdoc.tokens import TextTokenizer
from longdoc.types import Document, Mode, ReadingPlan
from longdoc.ui.jobs import Live

if TYPE_CHECKING:
    from longdoc.ui.context import Context

SAMPLES = {"contract": "lease.pdf", "code": "shop.zip", "book": "chronicle.txt", "meeting": "meeting.vtt"}
KINDS = ("needles", "keys", *SAMPLES, "own", "file")
MODES: dict[str, Mode] = {"single": "single", "chunked": "chunked", "none": "none"}
MOST_RUNS = 20_000
_MOST_LENGTHS = 12
_LEAST_TOKENS = 256
_MOST_TOKENS = 1 << 24
_GROUPS = {
    "needle": (("distractors",), ("distractors", "depth")),
    "questions": (("set",), ("set", "depth")),
}


@dataclass(frozen=True)
class Wanted:
    """What is measured: which questions, how many, at which lengths, how read, by which models."""

    kind: str
    limit: int  # questions of each length; for made ones, how many are made
    lengths: tuple[int, ...]  # 0: documents as long as they are
    ways: tuple[Way, ...]
    models: tuple[str, ...]
    documents: tuple[str, ...] = ()
    lines: str = ""
    upload: str = ""
    name: str = ""


def wanted_of(given: Mapping[str, Any], settings: Settings) -> Wanted:
    """Return choices of a page, checked. Raises UserError."""

    def listed(field: str, kind: type, most: int) -> list[Any]:
        values = given.get(field, [])
        if not isinstance(values, list) or len(values) > most or any(type(v) is not kind for v in values):
            raise UserError("The page sent something that does not fit.", next_step="Reload it.")
        return list(dict.fromkeys(values))

    kind, limit = given.get("kind"), given.get("limit")
    if kind not in KINDS or type(limit) is not int or not 1 <= limit <= 1000:
        raise UserError("Choose questions, and how many.", next_step="1 to 1,000.")
    lengths = sorted(listed("lengths", int, _MOST_LENGTHS))
    modes, positions = listed("modes", str, 3), listed("positions", str, 40)
    models = listed("models", str, 20) or [settings.model]
    texts = [given.get(field, "") for field in ("lines", "upload", "name", "attention")]
    if not all(isinstance(text, str) and len(text) < 200_000 for text in texts):
        raise UserError("The page sent something that does not fit.", next_step="Reload it.")
    if not lengths or any(n != 0 and not _LEAST_TOKENS <= n <= _MOST_TOKENS for n in lengths):
        raise UserError("Choose at least one length.", next_step=f"A length has {_LEAST_TOKENS} tokens or more.")
    if kind in ("needles", "keys") and 0 in lengths:
        raise UserError("Made sentences are hidden in texts of a length.", next_step="Choose a number of tokens.")
    if not modes or any(mode not in MODES for mode in modes):
        raise UserError("Choose how to read.", next_step="Single pass, Chunked or both.")
    attention = texts[3] or None
    if attention is not None and attention not in ATTENTIONS:
        raise UserError(f"There is no attention called {attention!r}.", next_step=f"Use {' or '.join(ATTENTIONS)}.")
    methods = [canonical(name) if name else None for name in positions] or [None]
    ways = [
        Way(method, attention if mode == "single" else None, None, MODES[mode], top_k=settings.top_k)
        for mode in modes
        for method in (methods if mode == "single" else [None])
    ]
    documents = listed("documents", str, 2_000)
    return Wanted(
        str(kind), limit, tuple(lengths), tuple(ways), tuple(models), tuple(documents), texts[0], texts[1],
        texts[2][:200],
    )  # fmt: skip


class Measuring:
    """Prepares and runs what was chosen, over the library and the engine of a context."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._fillers: dict[str, Filler] = {}
        self._lock = threading.Lock()

    def suite(self, wanted: Wanted, model: str) -> Suite:
        """Return the grid of one model. Raises UserError for questions that cannot be had, ModelError."""
        tokenizer = self._tokenizer(model)
        left_out: list[str] = []
        if wanted.kind in ("needles", "keys"):
            task: Any = NeedleTask(distractors=(0 if wanted.kind == "needles" else 4,), limit=wanted.limit)
        else:
            task = QuestionsTask(limited(self._questions(wanted), wanted.limit), left_out=left_out.append)
        books = wanted.documents if wanted.kind in ("needles", "keys") else ()
        suite = Suite(task, self._filler(books, tokenizer), wanted.lengths, wanted.ways)
        suite.left_out = left_out
        return suite

    def parts(self, wanted: Wanted, model: str) -> tuple[Suite, list[Part]]:
        """Return the grid of one model and what of it can be run."""
        suite = self.suite(wanted, model)
        return suite, suite.parts(plan_maker(self.context.engine, model, self.context.settings))

    def run(self, job: Job, live: Live, tell: Callable[[Mapping[str, Any]], None]) -> dict[str, Any]:
        """Run an `evaluate` job: models one after another, lengths rising. Returns what was left out."""
        wanted = wanted_of(job.request, self.context.settings)
        points = Results(points_path(self.context.settings, job.id))
        prepared = []
        tell({"stage": "preparing", "done": 0, "total": 0})
        for name in wanted.models:
            prepared.append((name, *self.parts(wanted, name)))
        progress = _Progress(tell, [part for _, _, parts in prepared for part in parts])
        left_out: list[str] = []
        stopped = False
        for name, suite, parts in prepared:
            if stopped or not parts:
                left_out += suite.left_out
                continue
            tell({**progress.now(), "what": f"Loading {name}"})
            model = InTurn(model_of(self.context.engine, name, self.context.settings), self.context)
            run = Run(model, self._results(name, suite.name), stop=live.stop)
            records: list[Record] = []
            for part in parts:
                prefix = f"{name}: " if len(wanted.models) > 1 else ""
                series = prefix + way_words(part.way)
                run.seen = _Keeper(points, records, progress, part, name, series)
                progress.begin(part, series)
                try:
                    suite.run(run, part)
                except Stopped:
                    stopped = True
                finally:
                    self._keep(name, suite.name, records, model.identity, [*suite.left_out, *run.skipped])
                if stopped or live.stop.is_set():
                    stopped = True
                    break
            left_out += [*suite.left_out, *run.skipped]
        message = f"Stopped. {progress.done:,} of {progress.total:,} runs are kept." if stopped else ""
        return {"left_out": list(dict.fromkeys(left_out)), "stopped": stopped, "message": message}

    def _questions(self, wanted: Wanted) -> QaSet:
        if wanted.kind == "file":
            return question_sources.file_set(self.context.upload(wanted.upload), wanted.name or "questions")
        if wanted.kind == "own":
            documents = [self.context.library.document(one) for one in wanted.documents]
            return question_sources.own_set(wanted.lines, documents)
        return question_sources.sample_set(SAMPLES[wanted.kind], sample_document(SAMPLES[wanted.kind]))

    def _tokenizer(self, model: str) -> TextTokenizer:
        kit = self.context.models.kit(model)
        return kit.tokenizer or TextTokenizer.from_folder(self.context.settings.models / "reader")

    def _filler(self, documents: Sequence[str], tokenizer: TextTokenizer) -> Filler:
        """Return running text of the chosen documents, or of the sample chronicle; the last ones are kept."""
        key = sha256_text(tokenizer.fingerprint, *documents)
        with self._lock:
            if key not in self._fillers:
                books = [Book(d.title, d.text) for d in map(self.context.library.document, documents)]
                if len(self._fillers) >= 4:
                    self._fillers.clear()
                self._fillers[key] = Filler(books or open_books(None), tokenizer)
            return self._fillers[key]

    def _results(self, model: str, task: str) -> Results:
        return Results(model_folder(self.context.settings, model) / f"{task}.jsonl")

    def _keep(self, model: str, task: str, records: Sequence[Record], identity: str, left_out: Sequence[str]) -> None:
        """Add what was measured to the model's results, where the planner finds it."""
        if records:
            rows = report.rows(records, _GROUPS[task])
            found = report.as_json(task, model, rows, {"left_out": list(left_out)})
            keep_summary(model_folder(self.context.settings, model), found, identity)


class InTurn:
    """A model whose every question waits for the engine, so that questions of people go between."""

    def __init__(self, model: Model, context: Context) -> None:
        self.name, self.tokenizer, self.identity = model.name, model.tokenizer, model.identity
        self._model, self._context = model, context

    def plan(self, way: Way, n_tokens: int) -> ReadingPlan:
        return self._model.plan(way, n_tokens)

    def fingerprint(self, plan: ReadingPlan) -> str:
        return self._model.fingerprint(plan)

    def prefix_tokens(self, documents: Sequence[Document]) -> int:
        return self._model.prefix_tokens(documents)

    def session(self, documents: Sequence[Document], way: Way, plan: ReadingPlan, stop: threading.Event) -> Session:
        return _SessionInTurn(self._model.session(documents, way, plan, stop), self._turn, stop)

    @contextmanager
    def _turn(self, stop: threading.Event) -> Iterator[None]:
        if self._context.models.kit(self.name).remote:
            yield
            return
        with self._context.engine.lend(self.name, stop, owner="evaluation"):
            yield


class _SessionInTurn:
    def __init__(self, session: Session, turn: Callable[[threading.Event], Any], stop: threading.Event) -> None:
        self._session, self._turn, self._stop = session, turn, stop

    def ask(self, question: str, max_new_tokens: int) -> Reply:
        with self._turn(self._stop):
            return self._session.ask(question, max_new_tokens)


class _Progress:
    """Counts runs and guesses the time left: what is measured weighs as much as its tokens."""

    def __init__(self, tell: Callable[[Mapping[str, Any]], None], parts: Sequence[Part]) -> None:
        self.tell, self.total, self.done = tell, sum(part.n_runs for part in parts), 0
        self._weights = {id(part): _weight(part) for part in parts}
        self._left = sum(self._weights.values())
        self._spent_s = self._spent = 0.0
        self._what = ""
        self._began = time.monotonic()

    def begin(self, part: Part, series: str) -> None:
        words = f"{part.length:,} tokens" if part.length else "whole documents"
        self._what = f"{series}, {words}"
        self._began = time.monotonic()
        self.tell(self.now())

    def one(self, part: Part, seconds: float) -> None:
        """Note a finished run that took `seconds` when it was asked; one taken from disk tells nothing about speed."""
        now = time.monotonic()
        weight = self._weights[id(part)] / max(1, part.n_runs)
        self.done += 1
        self._left = max(0.0, self._left - weight)
        if now - self._began >= 0.5 * seconds:
            self._spent_s += now - self._began
            self._spent += weight
        self._began = now
        self.tell(self.now())

    def now(self) -> dict[str, Any]:
        left = self._spent_s / self._spent * self._left if self._spent else None
        return {"stage": "measuring", "done": self.done, "total": self.total, "left_s": left, "what": self._what}


@dataclass
class _Keeper:
    """Keeps a finished run under its job, with what the page tells it by."""

    points: Results
    records: list[Record]
    progress: _Progress
    part: Part
    model: str
    series: str

    def __call__(self, record: Record) -> None:
        self.records.append(record)
        key = sha256_text(self.model, self.series, str(self.part.length), record.key)
        labels = {**record.labels, "model": self.model, "series": self.series, "length": self.part.length}
        if self.points.get(key) is None:
            self.points.add(replace(record, key=key, labels=labels))
        self.progress.one(self.part, record.seconds)


def points_path(settings: Settings, job: int) -> Path:
    """Return where the finished runs of a job are."""
    return settings.home / "evaluation" / "runs" / f"{job}.jsonl"


def measurements(context: Context, model: str, attention: str) -> Measurements:
    return Measurements.of(context.settings, context.engine.info(model), attention)


@lru_cache(maxsize=4)
def sample_document(name: str) -> Document:
    """Return a sample as a loader reads it; nothing is kept in the library."""
    return ingest.add(question_sources.SAMPLES / name, None, Settings(), name=name).document


def _weight(part: Part) -> float:
    sizes = part.sizes if part.way.mode == "single" else (1600,) * part.n_runs
    return float(sum(sizes) + 100 * part.n_runs)
