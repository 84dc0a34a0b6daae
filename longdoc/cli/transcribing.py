"""`transcribe`: one recording, its words with times, in the form asked for."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from longdoc.cli import output
from longdoc.cli.faults import one_line
from longdoc.cli.progress import ProgressLine
from longdoc.errors import ModelError, StoreError, UserError
from longdoc.files import atomic_write, display_name
from longdoc.settings import Settings
from longdoc.speech import SpeechOptions
from longdoc.speech.export import export
from longdoc.speech.progress import Listening, in_words
from longdoc.speech.weights import SIZES, download, find, suited
from longdoc.store import Library
from longdoc.transcribe import Transcribed
from longdoc.transcribe import transcribe as hear


def transcribe(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Transcribe a recording; what was heard before Ctrl-C is kept, and the same command goes on from there."""
    if "://" in args.audio:
        raise UserError(
            f"{display_name(args.audio)} is an address; LongDoc reads recordings on this computer only.",
            next_step="Save it to a file first.",
        )
    line = ProgressLine()
    model = _model(args, settings, stop, line)
    library, warning = _library(settings)
    if warning:
        line.note(f"longdoc: {one_line(warning)}")
    try:
        found = hear(
            Path(args.audio).expanduser(),
            library,
            settings,
            engine=args.engine,
            options=SpeechOptions(language=args.language, terms=tuple(args.term), model=model),
            again=args.again,
            on_progress=lambda step: _show(line, step),
            stop=stop,
        )
    finally:
        line.done()
        if library is not None:
            library.close()
    _tell(found, line)
    text = export(found.transcript, args.format, found.source.name)
    if args.output:
        atomic_write(Path(args.output).expanduser(), text.encode("utf-8", "replace"))
        line.note(f"longdoc: saved as {display_name(args.output)}.")
    else:
        output.print_text(text.rstrip("\n"))
    return 0


def _model(args: argparse.Namespace, settings: Settings, stop: threading.Event, line: ProgressLine) -> str:
    """Return the model asked for, fetched first if a person said so: size and licence are told before."""
    model: str = args.model
    if not args.download:
        return model
    size = SIZES.get(model) if model else suited()
    if size is None:
        raise UserError(f"{model} is no size of Whisper.", next_step=f"Sizes: {', '.join(SIZES)}.")
    try:
        find(size.name, settings)
    except ModelError:
        line.note(f"longdoc: fetching {size.described()}.")
        try:
            download(
                size,
                settings,
                lambda done, total: line.show("download", f"Fetching {done / 1e6:,.0f} of {total / 1e6:,.0f} MB"),
                stop,
            )
        finally:
            line.done()
    return size.name


def _library(settings: Settings) -> tuple[Library | None, str]:
    try:
        library = Library(settings)
    except StoreError as error:
        return None, f"Nothing is kept this time. {error}"
    return library, library.notice


def _show(line: ProgressLine, step: Listening) -> None:
    line.show(step.stage, in_words(step))


def _tell(found: Transcribed, line: ProgressLine) -> None:
    if found.warning:
        line.note(f"longdoc: {one_line(found.warning)}")
    for warned in found.document.warnings:
        line.note(f"longdoc: {one_line(warned.message)}")
