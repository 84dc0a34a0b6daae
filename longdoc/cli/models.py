"""`models`: what is on this machine, what is known of it, and fetching one from the hub.

`pull` is the only command that uses the network by itself, and only when a
person types it.
"""

from __future__ import annotations

import argparse
import sys
import threading
from dataclasses import asdict
from typing import Any

from longdoc.backends.catalogue import available, describe, resolve
from longdoc.backends.hub import fetch, look_up
from longdoc.cli import output
from longdoc.cli.faults import one_line
from longdoc.planning import memory
from longdoc.settings import Settings
from longdoc.types import ModelInfo


def models_list(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Show all models, usable or not."""
    entries = available(settings)
    if args.json:
        output.print_json(
            {
                "models": [
                    (_info_json(entry.info) if entry.info else {"name": entry.name, "folder": str(entry.folder)})
                    | {"problem": entry.problem}
                    for entry in entries
                ]
            }
        )
        return 0
    if not entries:
        output.print_text("No model is on this machine. `longdoc models pull OWNER/NAME` fetches one.")
        return 0
    rows = []
    for entry in entries:
        info = entry.info
        if info is None:
            rows.append((entry.name, "", "", "", "", f"cannot be used: {one_line(entry.problem)}"))
            continue
        tested = f"{info.tested_context:,}" if info.tested_context else "not measured"
        size = f"{info.weight_bytes / 2**20:,.0f} MB"
        rows.append(
            (entry.name, f"{info.native_context:,}", f"{info.window:,}", tested, size, info.licence or "unknown")
        )
    output.print_text(output.table(rows, ("Model", "Trained for", "Window", "Tested up to", "Size", "Licence")))
    return 0


def models_show(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Show one model."""
    info = describe(resolve(args.name, settings))
    if args.json:
        output.print_json(_info_json(info))
    else:
        output.print_text(_info_text(info))
    return 0


def models_pull(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Say what a model weighs and may be used for, download it, check it, and put it where `models list` finds it."""
    offer = look_up(args.name, settings, args.revision)
    about = f"{args.name}: {memory.size(offer.size_bytes)}, licence {offer.licence or 'not stated'}"
    print(f"{about}. Ctrl+C stops; what came is kept.", file=sys.stderr)
    shown = -1

    def on_progress(done: int, total: int) -> None:
        nonlocal shown
        percent = 100 * done // max(total, 1)
        if percent // 5 != shown:
            shown = percent // 5
            print(f"  {memory.size(done)} of {memory.size(total)} ({percent} %)", file=sys.stderr)

    info = fetch(offer, settings, on_progress, stop)
    if args.json:
        output.print_json(_info_json(info))
    else:
        output.print_text(f"{args.name} is here. Use it with --model {info.name}.")
    return 0


def _info_json(info: ModelInfo) -> dict[str, Any]:
    return asdict(info)


def _info_text(info: ModelInfo) -> str:
    tested = f"{info.tested_context:,} tokens" if info.tested_context else "not measured"
    rows = [
        ("Model", info.name),
        ("Architecture", info.architecture),
        ("Parameters", f"{info.n_parameters:,}"),
        ("Size", f"{info.weight_bytes / 2**20:,.0f} MB"),
        ("Trained for", f"{info.native_context:,} tokens"),
        ("Window", f"{info.window:,} tokens"),
        ("Tested up to", tested),
        ("Licence", info.licence or "unknown"),
        ("Folder", info.folder or ""),
    ]
    text = "\n".join(f"{name + ':':<14}{value}" for name, value in rows)
    return f"{text}\n\n{output.wrapped(info.note)}" if info.note else text
