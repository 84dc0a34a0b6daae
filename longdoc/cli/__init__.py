"""The command line: the same verbs as on screen, for a terminal and for scripts.

Results go to stdout (with --json one JSON object and nothing else), progress and
reasons to stderr. Exit code 0 on success, 2 with one clear sentence for whatever
a person can put right, 130 when stopped, 1 for a fault of our own. Modules of
the verbs are imported when they run, so that `longdoc --help` is instant.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Sequence

from longdoc.cli.parser import parse
from longdoc.errors import LongDocError, PromptTooLong, Stopped

STOPPED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; without `argv`, those of this process, which then ends."""
    if argv is not None:
        return run(argv)
    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    # Everything is saved and closed. Taking torch apart would cost a second or more for nothing.
    os._exit(code)


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    from longdoc.cli.faults import one_line, record, stop_on_interrupt
    from longdoc.settings import Settings, load_settings

    settings: Settings | None = None
    try:
        args = parse(argv)
        settings = load_settings()
        with stop_on_interrupt() as stop:
            module, _, function = str(args.run).partition(":")
            code = getattr(importlib.import_module(module), function)(args, settings, stop)
        sys.stdout.flush()
        return int(code or 0)
    except SystemExit as left:  # after --help
        return int(left.code or 0)
    except (Stopped, KeyboardInterrupt):
        return _say("Stopped.", STOPPED)
    except PromptTooLong as error:
        return _say(one_line(f"{error} (Options: --part, --outline, --mode chunked.)"), 2)
    except LongDocError as error:
        return _say(one_line(str(error)), 2)
    except BrokenPipeError:
        # Whoever read our output has enough (`| head`); the interpreter must not complain when it closes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except Exception as error:
        where = record(error, settings)
        kept = f" Details are in {where}." if where else ""
        return _say(f"LongDoc failed by a fault of its own ({type(error).__name__}).{kept}", 1)


def _say(text: str, code: int) -> int:
    with contextlib.suppress(OSError, ValueError):  # stderr is closed
        print(f"longdoc: {text}", file=sys.stderr, flush=True)
    return code
