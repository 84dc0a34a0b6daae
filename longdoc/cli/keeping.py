"""`cache` and `library`: what is kept, whether it is whole, and how to be rid of it."""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from longdoc.cache.disk import CacheEntry, DiskCache
from longdoc.cli import output
from longdoc.cli.progress import ProgressLine
from longdoc.errors import Stopped, StoreError
from longdoc.files import display_name
from longdoc.library import find, overview, remove
from longdoc.settings import Settings
from longdoc.store import Library


def cache_list(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Show kept readings, the last used first."""
    cache = _cache(settings)
    entries = cache.entries()
    if args.json:
        output.print_json(
            {
                "entries": [_entry_json(entry) for entry in entries],
                "bytes": cache.used_bytes(),
                "limit_bytes": settings.cache_budget_bytes,
            }
        )
        return 0
    if not entries:
        output.print_text("Nothing has been read and kept yet.")
        return 0
    titles = _titles(settings)
    rows = [
        (entry.key[:12], _tokens(entry), _megabytes(entry.n_bytes), _day(entry.last_used_at), _what(entry, titles))
        for entry in entries
    ]
    output.print_text(output.table(rows, ("Reading", "Tokens", "Size", "Last used", "Documents")))
    output.print_text(f"{_megabytes(cache.used_bytes())} of {_megabytes(settings.cache_budget_bytes)}.")
    return 0


def cache_verify(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Check every byte of every reading. Damaged ones are set aside; the exit code stays 0."""
    line = ProgressLine()
    line.show("verify", "Checking kept readings")
    entries = _cache(settings).verify(stop)
    line.done()
    if stop.is_set():
        raise Stopped
    damaged = [entry for entry in entries if entry.problem]
    if args.json:
        output.print_json(
            {"checked": len(entries), "damaged": len(damaged), "entries": [_entry_json(entry) for entry in entries]}
        )
        return 0
    for entry in damaged:
        output.print_text(f"{entry.key[:12]}: {entry.problem}. It was set aside and will be read again when needed.")
    count = "1 reading" if len(entries) == 1 else f"{len(entries)} readings"
    output.print_text(f"{count} checked, {len(damaged) or 'none'} damaged.")
    return 0


def cache_prune(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Delete what is damaged, left over, or beyond the limit, oldest first."""
    gone, freed = _cache(settings).prune(args.keep)
    tokens = settings.cache / "tokens"
    if args.keep == 0 and tokens.is_dir():
        for file in tokens.glob("*.tokens"):
            freed += file.stat().st_size
            file.unlink(missing_ok=True)
    if args.json:
        output.print_json({"deleted": gone, "freed_bytes": freed})
    else:
        output.print_text(
            f"{gone or 'No'} kept {'reading' if gone == 1 else 'readings'} deleted, {_megabytes(freed)} freed."
        )
    return 0


def library_list(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Show all documents."""
    with _library(settings) as library:
        entries = overview(library)
    if args.json:
        output.print_json({"documents": entries})
    elif not entries:
        output.print_text("The library is empty. `longdoc ask FILE -q ...` adds what it reads.")
    else:
        rows = [
            (
                entry["id"][:12],
                entry["kind"],
                f"{entry['n_characters']:,}",
                _day(entry["added_at"]),
                display_name(entry["name"]),
            )
            for entry in entries
        ]
        output.print_text(output.table(rows, ("Document", "Kind", "Characters", "Added", "Name")))
    return 0


def library_remove(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Delete documents with their readings; nothing is deleted unless all are found."""
    with _library(settings) as library:
        items = list({item.document_id: item for name in args.documents for item in find(library, name)}.values())
        removed = [remove(library, item, _cache(settings)) for item in items]
    if args.json:
        output.print_json({"removed": removed})
        return 0
    for entry in removed:
        cited = ", ".join(entry["cited_in"])
        output.print_text(f"Removed {entry['name']}." + (f" Its quotes stay in: {cited}." if cited else ""))
    return 0


def library_export(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Write the whole library to one archive."""
    path = Path(args.file).expanduser()
    with _library(settings) as library:
        count = len(library.documents())
        library.export(path)
    if args.json:
        output.print_json({"file": str(path), "documents": count, "bytes": path.stat().st_size})
    else:
        output.print_text(f"{count} {'document' if count == 1 else 'documents'} exported to {path}.")
    return 0


@contextmanager
def _library(settings: Settings) -> Iterator[Library]:
    with Library(settings) as library:
        if library.notice:
            ProgressLine().note(f"longdoc: {library.notice}")
        yield library


def _cache(settings: Settings) -> DiskCache:
    return DiskCache(settings.cache, settings.cache_budget_bytes)


def _titles(settings: Settings) -> dict[str, str]:
    """Return names of documents for the list of readings; a library that cannot be opened gives none."""
    try:
        with Library(settings) as library:
            return {item.document_id: item.source.name for item in library.documents()}
    except StoreError:
        return {}


def _entry_json(entry: CacheEntry) -> dict[str, Any]:
    return {
        "key": entry.key,
        "n_tokens": entry.n_tokens,
        "n_planned": entry.n_planned,
        "n_bytes": entry.n_bytes,
        "last_used_at": entry.last_used_at,
        "fingerprint": entry.fingerprint,
        "documents": list(entry.documents),
        "about": entry.about,
        "problem": entry.problem,
    }


def _what(entry: CacheEntry, titles: dict[str, str]) -> str:
    if entry.problem:
        return f"({entry.problem})"
    names = [display_name(titles.get(document_id, "removed")) for document_id in entry.documents]
    return ", ".join(names)


def _tokens(entry: CacheEntry) -> str:
    part = f" of {entry.n_planned:,}" if entry.n_planned > entry.n_tokens else ""
    return f"{entry.n_tokens:,}{part}"


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 2**20:,.1f} MB"


def _day(when_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(when_s))
