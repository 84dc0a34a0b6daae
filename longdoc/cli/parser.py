"""The commands and options of `longdoc`. Nothing heavy is imported here.

Every command names the function that runs it as "module:function"; that function
takes (args, settings, stop) and returns an exit code or None.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn, cast

from longdoc.errors import UserError

_ATTENTION = ("dense", "sparse", "streaming")
_TIERS = ("device", "ram", "disk")
_TEMPLATES = ("general", "meeting", "contract", "codebase")


class Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        command = self.prog.removeprefix("longdoc").strip()
        help_line = f"`longdoc {command + ' ' if command else ''}--help` shows what is possible."
        raise UserError(f"{message[:1].upper()}{message[1:].rstrip('.')}.", next_step=help_line)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the arguments with `run` naming the function. Raises UserError; SystemExit(0) after help."""
    parser = build(with_evaluate="evaluate" in argv[:1])
    args = parser.parse_args(list(argv))
    if args.version:
        args.run = "longdoc.cli.serving:version"
    if not hasattr(args, "run"):
        parser.error("no command was given" if args.command is None else "this command needs one more word")
    return args


def build(*, with_evaluate: bool = True) -> Parser:
    """Return the whole parser; without `with_evaluate` that command is only named, since its options load much."""
    parser = Parser(
        prog="longdoc",
        description="Ask long documents: read whole in one pass by a local model, answered with evidence.",
    )
    parser.add_argument("--version", action="store_true", help="show the version and end")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    _serve(commands)
    _asking(commands)
    _other_reading(commands)
    if with_evaluate:
        _evaluate(commands)
    else:
        commands.add_parser("evaluate", help="measure a model, with 95 %% intervals")
    _keeping(commands)
    return parser


def _serve(commands: argparse._SubParsersAction[Parser]) -> None:
    serve = commands.add_parser("serve", help="the web app")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=_positive, default=7860)
    serve.add_argument("--auth", metavar="USER:PASSWORD", help="needed for any address but this machine's")
    serve.set_defaults(run="longdoc.cli.serving:serve")


def _asking(commands: argparse._SubParsersAction[Parser]) -> None:
    ask = commands.add_parser("ask", help="ask documents a question")
    _paths(ask)
    _question(ask)
    ask.add_argument("--mode", choices=("single", "chunked", "both"), default="single")
    _model(ask)
    _how(ask)
    ask.add_argument("--top-k", type=_positive, metavar="N", help="passages of a chunked answer")
    ask.add_argument("--short", action="store_true", help="the answer alone, without the sentence it stands in")
    _json(ask)
    ask.set_defaults(run="longdoc.cli.asking:ask")

    read = commands.add_parser("read", help="read documents and keep what was read")
    _paths(read)
    _model(read)
    _how(read)
    _json(read)
    read.set_defaults(run="longdoc.cli.asking:read")

    plan = commands.add_parser("plan", help="how documents would be read and what it would cost; nothing is run")
    _paths(plan)
    _model(plan)
    _how(plan)
    _json(plan)
    plan.set_defaults(run="longdoc.cli.asking:plan")

    compare = commands.add_parser("compare", help="single pass, chunked and no document, side by side")
    _paths(compare)
    _question(compare)
    _model(compare)
    _how(compare)
    compare.add_argument("--top-k", type=_positive, metavar="N", help="passages of the chunked answer")
    compare.add_argument("--short", action="store_true", help="answers alone, without the sentence they stand in")
    _json(compare)
    compare.set_defaults(run="longdoc.cli.asking:compare")


def _other_reading(commands: argparse._SubParsersAction[Parser]) -> None:
    summarize = commands.add_parser("summarize", help="sections of a summary, each item with its place")
    summarize.add_argument("paths", nargs=1, metavar="PATH")
    _parts(summarize)
    summarize.add_argument("--template", choices=_TEMPLATES, default="general")
    summarize.add_argument(
        "--mode", choices=("single", "chunked", "extractive"), default="single",
        help="the whole at once, part by part to compare with, or without any model",
    )  # fmt: skip
    _model(summarize)
    _how(summarize)
    _json(summarize)
    summarize.set_defaults(run="longdoc.cli.summarizing:summarize")

    transcribe = commands.add_parser("transcribe", help="speech to text with times")
    transcribe.add_argument("audio", metavar="AUDIO", help="WAV, FLAC, MP3, M4A, OGG, OPUS, WEBM or MP4")
    transcribe.add_argument(
        "--engine", choices=("auto", "whisper", "sphinx"), default="auto", help="auto: Whisper where a model of it is"
    )
    transcribe.add_argument("--model", metavar="SIZE", default="", help="size of Whisper, or a folder with a model")
    transcribe.add_argument("--download", action="store_true", help="fetch the Whisper model if it is not here")
    transcribe.add_argument("--language", metavar="CODE", default="", help="such as en; detected if left out")
    transcribe.add_argument("--term", action="append", default=[], metavar="NAME", help="a name or term that occurs")
    transcribe.add_argument("--again", action="store_true", help="anew, even if there is a transcript; edits are kept")
    transcribe.add_argument("--format", choices=("json", "srt", "vtt", "txt", "md"), default="txt")
    transcribe.add_argument("-o", "--output", metavar="FILE")
    transcribe.set_defaults(run="longdoc.cli.transcribing:transcribe")


def _evaluate(commands: argparse._SubParsersAction[Parser]) -> None:
    from longdoc.evaluation.cli import add_parser

    add_parser(cast("argparse._SubParsersAction[argparse.ArgumentParser]", commands))
    commands.choices["evaluate"].set_defaults(run="longdoc.cli.evaluating:evaluate")


def _keeping(commands: argparse._SubParsersAction[Parser]) -> None:
    cache = _group(commands, "cache", "what was read and kept")
    for name, text in (
        ("list", "kept readings"),
        ("verify", "check every byte of them"),
        ("prune", "delete what is damaged, left over or beyond the limit"),
    ):
        action = cache.add_parser(name, help=text)
        if name == "prune":
            action.add_argument("--keep", type=_megabytes, metavar="MB", help="keep at most this much")
        _json(action)
        action.set_defaults(run=f"longdoc.cli.keeping:cache_{name}")

    library = _group(commands, "library", "documents and conversations")
    action = library.add_parser("list", help="all documents")
    _json(action)
    action.set_defaults(run="longdoc.cli.keeping:library_list")
    action = library.add_parser("remove", help="delete documents; quotes in conversations stay")
    action.add_argument("documents", nargs="+", metavar="DOCUMENT", help="a name, or the beginning of an id")
    _json(action)
    action.set_defaults(run="longdoc.cli.keeping:library_remove")
    action = library.add_parser("export", help="everything as one .zip")
    action.add_argument("file", nargs="?", default="longdoc-library.zip", metavar="FILE")
    _json(action)
    action.set_defaults(run="longdoc.cli.keeping:library_export")

    models = _group(commands, "models", "models on this machine")
    action = models.add_parser("list", help="all models")
    _json(action)
    action.set_defaults(run="longdoc.cli.models:models_list")
    action = models.add_parser("show", help="what is known of one")
    action.add_argument("name", metavar="NAME")
    _json(action)
    action.set_defaults(run="longdoc.cli.models:models_show")
    action = models.add_parser("pull", help="download one from the Hugging Face hub")
    action.add_argument("name", metavar="OWNER/NAME")
    action.add_argument("--revision", metavar="COMMIT", help="a commit or tag instead of the newest")
    _json(action)
    action.set_defaults(run="longdoc.cli.models:models_pull")


def _group(commands: argparse._SubParsersAction[Parser], name: str, text: str) -> argparse._SubParsersAction[Parser]:
    group = commands.add_parser(name, help=text)
    return group.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)


def _paths(parser: Parser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, folders or archives, in reading order")
    _parts(parser)


def _parts(parser: Parser) -> None:
    parser.add_argument(
        "--part", action="append", default=[], metavar="NAME=PAGES", help='include a part only: "lease.pdf=1-40, 87"'
    )
    parser.add_argument(
        "--outline", action="append", default=[], metavar="NAME=GLOBS", help='files as outline: "shop.zip=tests/"'
    )


def _question(parser: Parser) -> None:
    parser.add_argument("-q", "--question", required=True, metavar="TEXT")


def _model(parser: Parser) -> None:
    parser.add_argument("--model", metavar="NAME", help="a model's name or folder, or a server's address")


def _how(parser: Parser) -> None:
    parser.add_argument("--position", metavar="NAME", help="position method, such as none, yarn, string")
    parser.add_argument("--attention", choices=_ATTENTION)
    parser.add_argument("--tier", choices=_TIERS, help="where keys and values lie while reading")
    parser.add_argument(
        "--kv-dtype", metavar="FORM", help="how keys and values are kept: bf16, fp8, int8, or keys/values as int8/bf16"
    )
    parser.add_argument("--window", type=_positive, metavar="TOKENS", help="longest prompt allowed")


def _json(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def _positive(text: str) -> int:
    try:
        value = int(text.replace("_", "").replace(",", ""))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from error
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def _megabytes(text: str) -> int:
    try:
        value = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of megabytes") from error
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"{text} is not a number of megabytes")
    return int(value * (1 << 20))
