"""Loaders that misbehave, one way each. Imported only by child processes."""

from __future__ import annotations

import ctypes
import os
import sys
import time

from longdoc.errors import SourceError
from longdoc.sources.loaded import Loaded
from longdoc.types import Segment


def good(path, name, settings, report, options):
    report(1, 2, "half")
    report(2, 2, "done")
    text = path.read_text(encoding="utf-8") + options.get("more", "")
    return Loaded(text, (Segment(0, len(text), "section", "all"),), title=name, details={"home": str(settings.home)})


def sleeps(path, name, settings, report, options):
    report(0, 1, f"pid {os.getpid()}")
    time.sleep(3600)


def spins(path, name, settings, report, options):
    while True:
        pass


def allocates(path, name, settings, report, options):
    kept = []
    while True:
        kept.append(bytes(b"x" * (8 << 20)))
        time.sleep(0.005)


def allocates_at_once(path, name, settings, report, options):
    return Loaded("x" * (1 << 40))


def exits(path, name, settings, report, options):
    os._exit(3)


def crashes(path, name, settings, report, options):
    ctypes.string_at(0)


def prints(path, name, settings, report, options):
    line = "x" * (1 << 20)
    for _ in range(2048):
        sys.stdout.write(line)
        sys.stderr.write(line)
    os.write(1, b"more")
    return Loaded("quiet")


def garbles(path, name, settings, report, options):
    for descriptor in range(3, 30):
        try:
            os.write(descriptor, b"t" + b"\x7f" + b"\xff" * 7)
        except OSError:
            continue
    time.sleep(3600)


def returns_too_much(path, name, settings, report, options):
    return Loaded("x" * (settings.max_text_characters + 1))


def returns_bomb(path, name, settings, report, options):
    return Loaded("x" * 2_000_000)


def returns_nothing(path, name, settings, report, options):
    return Loaded(" \n")


def returns_disorder(path, name, settings, report, options):
    return Loaded("abc", (Segment(1, 3, "section", "b"), Segment(0, 1, "section", "a")))


def refuses(path, name, settings, report, options):
    raise SourceError(f"{name} is locked.", code="encrypted", next_step="Unlock it.")


def stumbles(path, name, settings, report, options):
    raise ZeroDivisionError("secret words of the document")


def nests(path, name, settings, report, options):
    return nests(path, name, settings, report, options)


def connects(path, name, settings, report, options):
    import socket

    try:
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    except PermissionError:
        return Loaded("refused")
    except OSError:
        pass
    return Loaded("tried")


def writes(path, name, settings, report, options):
    with open(str(path) + ".out", "wb") as file:
        for _ in range(64):
            file.write(b"x" * (1 << 20))
    return Loaded("written")
