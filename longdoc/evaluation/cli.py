"""`longdoc evaluate`: options, one function per task, table or JSON, plot, results kept per model.

What a task asks and how it is scored is in its own file; here are only the
command line and the order of things.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longdoc.errors import UserError
from longdoc.evaluation import (
    altered,
    babilong,
    infinite,
    methods,
    needle,
    perplexity,
    plot,
    qa,
    report,
    ruler,
)
from longdoc.evaluation.asking import LocalModel, Model, Way
from longdoc.evaluation.costs import costs
from longdoc.evaluation.haystack import Filler, open_books
from longdoc.evaluation.opening import open_model
from longdoc.evaluation.options import ANYWHERE, counts, in_tokens, lengths, names, positive, shares, ways
from longdoc.evaluation.paired import shares as shares_of_first
from longdoc.evaluation.qa_haystacks import PASSAGE_TOKENS, Shape
from longdoc.evaluation.results import Record, Results, Row, keep_summary, model_folder
from longdoc.evaluation.runner import GridTask, Run, run_grid
from longdoc.settings import Settings, load_settings

LENGTHS = "1024,2048,4096,8192"
_TABLES = ("costs", "shares")  # of the JSON; printed as tables


@dataclass
class Outcome:
    """What a task found: rows, and what else belongs in its JSON."""

    rows: list[Row]
    extra: dict[str, Any] = field(default_factory=dict)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `evaluate` and its tasks to the command line."""
    parser = subparsers.add_parser("evaluate", help="measure a model, with 95 %% intervals")
    tasks = parser.add_subparsers(dest="task", metavar="TASK", required=True)
    for name, (text, add_options, _) in TASKS.items():
        # An abbreviation would take --mode for --model where a task has no modes.
        one = tasks.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
        _add_common(one)
        add_options(one)


def run(args: argparse.Namespace) -> int:
    """Run the chosen task and print its table or JSON. Raises LongDocError."""
    settings: Settings = getattr(args, "settings", None) or load_settings()
    if args.plot is not None:
        plot.check_path(args.plot)
    ways(args)  # a name that is not known is told before anything is loaded
    with open_model(args.model or settings.model, settings) as model:
        return run_with(model, args, settings)


def run_with(model: Model, args: argparse.Namespace, settings: Settings) -> int:
    """Run the chosen task with an open model."""
    folder = model_folder(settings, model.name)
    path = folder / f"{args.task}.jsonl"
    if args.fresh:
        path.unlink(missing_ok=True)
    say = _talker()
    if getattr(args, "lengths", None) is not None:
        args.lengths = in_tokens(args.lengths, _native(model))
    outcome = TASKS[args.task][2](args, Run(model, Results(path), say))
    found = report.as_json(args.task, model.name, outcome.rows, outcome.extra)
    if getattr(args, "style", None) != ANYWHERE:  # plans are made for answers as the product gives them
        keep_summary(folder, found, model.identity)
    if args.plot is not None:
        plot.save_plot(args.plot, args.task, model.name, outcome.rows)
    say("")
    if args.json:
        print(json.dumps(found, ensure_ascii=True, indent=1))
    else:
        cost, share = (outcome.extra.get(name, []) for name in _TABLES)
        print(methods.page(outcome.rows, cost, share, _native(model)))
        for name, value in outcome.extra.items():
            if value and name not in _TABLES:
                print(f"\n{name.replace('_', ' ')}: {value if isinstance(value, str) else json.dumps(value)}")
    return 0


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="NAME", help="a model's name, folder, or server address")
    parser.add_argument("--position", metavar="NAME,...", help="position methods to compare; default: the planner's")
    parser.add_argument("--attention", metavar="NAME,...", help="attention to read with; the others beside the first")
    parser.add_argument("--kv-dtype", metavar="NAME,...", help="forms of keys and values; the others beside the first")
    parser.add_argument("--tier", metavar="NAME", help="where keys and values are kept")
    parser.add_argument("--data", type=Path, metavar="PATH", help="data folder or file; default: the sample chronicle")
    parser.add_argument("--limit", type=positive, metavar="N", help="items of each kind and length")
    parser.add_argument("--seed", type=int, default=0, help="another number makes other items")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the scores to a .png, .svg or .pdf")
    parser.add_argument("--fresh", action="store_true", help="ask everything again, also what was asked before")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_asking(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mode", default="single", metavar="MODE,...", help="single, chunked, none")
    parser.add_argument(
        "--style",
        choices=("quote", "short", ANYWHERE),
        default="quote",
        help="how the bundled reader is asked; 'anywhere' does not keep quotes near what the question names, so that "
        "the model alone is measured (not kept for plans)",
    )
    parser.add_argument("--top-k", type=positive, default=5, metavar="N", help="passages of a chunked answer")


def _add_grid(parser: argparse.ArgumentParser) -> None:
    _add_asking(parser)
    parser.add_argument(
        "--lengths", type=lengths, default=LENGTHS, metavar="N,...", help="prompt lengths: tokens, or 4x native"
    )
    parser.add_argument("--forms", type=names, metavar="NAME,...", help="only these forms")


def _add_needle(parser: argparse.ArgumentParser) -> None:
    _add_grid(parser)
    parser.add_argument("--depths", type=shares, default=needle.DEPTHS, metavar="D,...", help="0 start to 1 end")
    parser.add_argument("--distractors", type=counts, default=(0, 4), metavar="N,...", help="needles with near keys")
    parser.add_argument("--multi-key", action="store_true", help="ask RULER's questions among several keys as well")


def _add_qa(parser: argparse.ArgumentParser) -> None:
    _add_asking(parser)
    parser.add_argument("--sets", type=names, default=(), metavar="NAME,...", help="question sets of the folder")
    parser.add_argument("--split", default="dev", help="which questions (default: dev)")
    parser.add_argument("--tasks", type=names, default=(), metavar="NAME,...", help="extractive, abstractive, ...")
    parser.add_argument("--hide-in", type=positive, default=0, metavar="TOKENS", help="hide among other documents")
    parser.add_argument("--whole", action="store_true", help="whole documents instead of gold passages")
    parser.add_argument("--passage-tokens", type=positive, default=PASSAGE_TOKENS, metavar="N")
    parser.add_argument("--renamed", action="store_true", help="with people, places and numbers renamed")
    parser.add_argument("--no-absent", action="store_true", help="ask no questions about absent documents")
    parser.add_argument("--max-new-tokens", type=positive, default=192, metavar="N")


def _add_perplexity(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lengths", type=lengths, metavar="N,...", help="default: the native length")


def _grid(
    make: Callable[[argparse.Namespace, dict[str, Any]], GridTask], groupings: Sequence[Sequence[str]]
) -> Callable[[argparse.Namespace, Run], Outcome]:
    """Return how a task of made texts is run."""

    def run_task(args: argparse.Namespace, run: Run) -> Outcome:
        task = make(args, _chosen(args))
        records = run_grid(run, task, _filler(args, run.model), args.lengths, ways(args))
        outcome = _outcome(run, records, report.rows(records, groupings), groupings[:2])
        if getattr(args, "multi_key", False):
            outcome = _with_multi_key(args, run, records, outcome)
        if task.name == "ruler":
            outcome.extra["effective_length"] = _effective(outcome.rows)
        return outcome

    return run_task


def _outcome(
    run: Run, records: Sequence[Record], rows: list[Row], groupings: Sequence[Sequence[str]] = ((),)
) -> Outcome:
    """Return rows with what the ways cost, and what the others found of what the first one found."""
    extra = {"left_out": run.skipped, "costs": costs(records), "shares": shares_of_first(records, groupings)}
    return Outcome(rows, extra)


def _with_multi_key(args: argparse.Namespace, run: Run, asked: Sequence[Record], found: Outcome) -> Outcome:
    """Ask RULER's questions among several keys of the same model and ways, and add them to what was found."""
    given = {name: value for name, value in _chosen(args).items() if name != "forms"}
    task = ruler.RulerTask(forms=(methods.MULTI_KEY,), **given)
    records = run_grid(run, task, _filler(args, run.model), args.lengths, ways(args))
    more = _outcome(run, records, report.rows(records, [("form",)]), [("form",)])
    shared = [*found.extra["shares"], *more.extra["shares"]]
    # What it cost is told of both together.
    return Outcome([*found.rows, *more.rows], {**more.extra, "costs": costs([*asked, *records]), "shares": shared})


def _native(model: Model) -> int:
    return model.plan(Way(), 1).native_context


def _chosen(args: argparse.Namespace) -> dict[str, Any]:
    """Return what was given of the options that every task knows, so that each keeps its own defaults."""
    given = {"forms": args.forms, "limit": args.limit, "seed": args.seed}
    return {name: value for name, value in given.items() if value is not None}


def _effective(rows: Sequence[Row]) -> dict[str, int]:
    averages: dict[str, dict[int, float]] = {}
    for one in rows:
        if "form" not in one:
            name = f"{one['position_method']}, {one['mode']}"
            averages.setdefault(name, {})[int(one["length"] or 0)] = float(one["score"] or 0)
    return {name: ruler.effective_length(scores) for name, scores in averages.items()}


def _run_altered(args: argparse.Namespace, run: Run) -> Outcome:
    task = altered.AlteredTask(**_chosen(args))
    filler = _filler(args, run.model)
    records = []
    if isinstance(run.model, LocalModel) and args.mode == "single":
        records += task.run_surprisal(run, run.model, filler, args.lengths, ways(args))
    records += run_grid(run, task, filler, args.lengths, ways(args))
    return _outcome(run, records, report.rows(records, [("by",), ("by", "form")]), [("by",)])


def _run_qa(args: argparse.Namespace, run: Run) -> Outcome:
    if args.data is None:
        raise UserError("There are no questions to ask.", next_step="Name a question file or folder with --data.")
    shape = Shape(args.hide_in, args.whole, not args.no_absent, args.renamed, args.passage_tokens)
    given = {"limit": args.limit} if args.limit else {}
    task = qa.QaTask(
        args.data, args.sets, args.split, args.tasks, shape, seed=args.seed, max_new_tokens=args.max_new_tokens, **given
    )
    records = task.run(run, ways(args))
    return _outcome(run, records, qa.rows(records), ())


def _run_perplexity(args: argparse.Namespace, run: Run) -> Outcome:
    if not isinstance(run.model, LocalModel):
        raise UserError("A server does not tell perplexity.", next_step="Choose a local model.")
    lengths = args.lengths or [_native(run.model)]
    task = perplexity.PerplexityTask(args.data, **({"limit": args.limit} if args.limit else {}))
    records = task.run(run, run.model, lengths, ways(args))
    return Outcome(perplexity.rows(records), {"left_out": run.skipped})


def _filler(args: argparse.Namespace, model: Model) -> Filler:
    return Filler(open_books(args.data), model.tokenizer)


Task = tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace, Run], Outcome]]
_BY_FORM = ((), ("form",))
TASKS: Mapping[str, Task] = {
    "needle": (
        "find single sentences in long unseen text",
        _add_needle,
        _grid(
            lambda args, chosen: needle.NeedleTask(depths=args.depths, distractors=args.distractors, **chosen),
            (("distractors",), ("distractors", "form"), ("distractors", "depth")),
        ),
    ),
    "ruler": ("RULER's thirteen forms", _add_grid, _grid(lambda args, chosen: ruler.RulerTask(**chosen), _BY_FORM)),
    "babilong": (
        "facts of a little story spread through a book",
        _add_grid,
        _grid(lambda args, chosen: babilong.BabilongTask(**chosen), _BY_FORM),
    ),
    "infinite": (
        "pass keys, numbers and key-value pairs as in InfiniteBench",
        _add_grid,
        _grid(lambda args, chosen: infinite.InfiniteTask(**chosen), _BY_FORM),
    ),
    "altered": ("one changed sentence in a novel, by surprisal and by asking", _add_grid, _run_altered),
    "qa": ("question files: F1, exact match, evidence, not stated", _add_qa, _run_qa),
    "perplexity": ("perplexity of held-out text by category", _add_perplexity, _run_perplexity),
}


def _talker() -> Callable[[str], None]:
    """Return what writes progress to stderr: one line that is rewritten on a terminal, lines elsewhere."""
    terminal = sys.stderr.isatty()

    def say(text: str) -> None:
        if terminal:
            print(f"\r\x1b[K{text[:110]}", end="" if text else "\r", file=sys.stderr, flush=True)
        elif text:
            print(text, file=sys.stderr, flush=True)

    return say
