"""What the commands that read documents share: library, engine, sources, progress.

A library that cannot be opened for writing does not keep anyone from asking; a
damaged one is explained and left as it is.
"""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from longdoc.answer import Desk, How, outline, part
from longdoc.backends.remote import is_address
from longdoc.cli.faults import one_line
from longdoc.cli.progress import ProgressLine
from longdoc.engine import Engine
from longdoc.errors import StoreError, UserError
from longdoc.files import display_name
from longdoc.ingest import Added, Failed, add_all
from longdoc.packing import Included
from longdoc.settings import Settings
from longdoc.store import Library


@dataclass
class Session:
    """One command's run."""

    desk: Desk
    line: ProgressLine
    warnings: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return self.desk.settings

    def warn(self, text: str) -> None:
        """Show a warning on stderr and keep it for the JSON."""
        text = one_line(text)
        if text not in self.warnings:
            self.warnings.append(text)
            self.line.note(f"longdoc: {text}")

    def sources(self, args: argparse.Namespace) -> list[Included]:
        """Return what can be read of a command's paths, in order, with the parts chosen.

        Raises UserError if nothing can be read or a part does not exist, Stopped.
        """
        return chosen_parts(self._sources(args.paths), args.part, args.outline)

    def _sources(self, paths: list[str]) -> list[Included]:

        def report(name: str, done: int, total: int, what: str) -> None:
            share = f" {100 * done // total} %" if total else ""
            self.line.show(f"adding {name}", one_line(f"Adding {name}{share}{f' ({what})' if what else ''}"))

        added, failed = add_all(paths, self.desk.library, self.settings, on_progress=report, stop=self.desk.stop)
        self.line.done()
        if not added:
            raise nothing_read(failed)
        for item in failed:
            self.warn(str(item.error))
        for one in added:
            self.tell(one)
        return [one.included() for one in added]

    def tell(self, added: Added) -> None:
        """Pass on what a person should know about a source."""
        if added.warning:
            self.warn(added.warning)
        for warned in added.document.warnings:
            told = warned.where.partition(":")[0] in warned.message
            where = f" ({warned.where})" if warned.where and not told else ""
            self.warn(f"{added.name}: {warned.message.rstrip('.')}{where}.")


def chosen_parts(items: list[Included], parts: list[str], outlines: list[str]) -> list[Included]:
    """Return the sources with `--part NAME=PAGES` and `--outline NAME=GLOBS` applied."""
    result = list(items)
    for spec in parts:
        at, what = _which(result, spec, "--part")
        result[at] = part(result[at], what)
    for spec in outlines:
        at, what = _which(result, spec, "--outline")
        result[at] = outline(result[at], what.split(","))
    return result


def _which(items: list[Included], spec: str, option: str) -> tuple[int, str]:
    """Return the number of the source that an option names and what follows the name."""
    name, equals, what = spec.rpartition("=")
    if not equals and len(items) == 1:
        return 0, spec
    for at, item in enumerate(items):
        if name in (item.name, item.document.title):
            return at, what
    names = ", ".join(display_name(item.name) for item in items)
    raise UserError(
        f"{option} {display_name(spec)} names none of the sources.", next_step=f"Write NAME=PART with one of {names}."
    )


def nothing_read(failed: list[Failed]) -> UserError:
    """Return one error for sources none of which can be read."""
    if len(failed) == 1:
        error = failed[0].error
        return UserError(error.message, code=error.code, next_step=error.next_step)
    reasons = " ".join(str(item.error) for item in failed)
    return UserError(f"None of the {len(failed)} sources can be read. {reasons}", code="unreadable")


@contextmanager
def opened(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> Iterator[Session]:
    """Yield a session; everything is closed at its end, and readings are saved."""
    line = ProgressLine()
    library: Library | None = None
    warning = ""
    try:
        library = Library(settings)
        warning = library.notice
    except StoreError as error:
        warning = f"Nothing is kept this time. {error}"
    try:
        with Engine(settings, library) as engine:
            session = Session(Desk(engine, settings, library, stop, line), line)
            if warning:
                session.warn(warning)
            yield session
    finally:
        line.done()
        if library is not None:
            library.close()


def how(args: argparse.Namespace, settings: Settings) -> How:
    """Return a command's choices."""
    return How(
        model=args.model or settings.model,
        position=args.position,
        attention=args.attention,
        tier=args.tier,
        kv_dtype=args.kv_dtype,
        window=args.window,
        top_k=getattr(args, "top_k", None) or settings.top_k,
        short=getattr(args, "short", False),
        max_new_tokens=settings.answer_reserve_tokens,
    )


def tell_where_documents_go(session: Session, model: str) -> None:
    """Say that documents leave this machine, if they will."""
    if is_address(model):
        host = urlsplit(model).hostname or model
        here = host in ("localhost", "::1") or host.startswith("127.")
        session.line.note(
            f"longdoc: The documents {'go to a server on this machine' if here else f'leave this machine, to {host}'}."
        )
