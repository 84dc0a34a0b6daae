"""Commands whose work is done elsewhere: the web app, the version."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import threading
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version

from longdoc.errors import UserError
from longdoc.settings import Settings


def version(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Print the version."""
    try:
        print(f"longdoc {installed_version('longdoc')}")
    except PackageNotFoundError:
        print("longdoc, run from its source folder")
    return 0


def serve(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Start the web app. Raises UserError where this version has none."""
    if args.auth is not None and not all(args.auth.partition(":")[::2]):
        raise UserError("--auth needs a name and a password.", next_step="Write it as USER:PASSWORD.")
    if importlib.util.find_spec("longdoc.ui") is None:
        raise UserError("The web app is not part of this version.", next_step="Use `longdoc ask` in the terminal.")
    importlib.import_module("longdoc.ui").serve(settings, host=args.host, port=args.port, auth=args.auth)
    return 0
