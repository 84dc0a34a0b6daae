"""`longdoc evaluate`: the tasks are in `longdoc.evaluation`; Ctrl-C keeps every finished item."""

from __future__ import annotations

import argparse
import signal
import threading

from longdoc.evaluation.cli import run
from longdoc.settings import Settings


def evaluate(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Run one evaluation task."""
    args.settings = settings
    if threading.current_thread() is threading.main_thread():
        # Finished items are on disk and nothing else is: the plain interrupt is the quickest clean end.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return run(args)
