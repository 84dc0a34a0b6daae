"""`models`: what is on this machine, what is known of it, and fetching one from the hub.

`pull` is the only command that uses the network by itself, and only when a
person types it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from longdoc.backends.catalogue import available, describe, resolve
from longdoc.cli import output
from longdoc.cli.faults import one_line
from longdoc.errors import LongDocError, ModelError, UserError
from longdoc.files import disk_error
from longdoc.settings import Settings
from longdoc.types import ModelInfo

# Weights as safetensors and plain descriptions only; nothing that could run.
_WANTED = ["*.safetensors", "*.safetensors.index.json", "config.json", "generation_config.json", "tokenizer*.json"]
_WANTED += ["special_tokens_map.json", "chat_template.jinja", "vocab.json", "merges.txt", "LICENSE*", "README.md"]


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
    """Download a model, check it, and put it where `models list` finds it."""
    parts = args.name.split("/")
    if len(parts) != 2 or not all(part and part[0].isalnum() for part in parts):
        raise UserError(f"{args.name!r} is not a name on the hub.", next_step="Write it as OWNER/NAME.")
    folder = settings.home / "models" / parts[1]
    if folder.exists():
        raise UserError(
            f"{parts[1]} is here already.", next_step=f"Use it with --model {parts[1]}, or delete {folder}."
        )
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the download has no other way to be stopped
    loading = settings.home / "downloads" / args.name.replace("/", "--")
    _download(args.name, args.revision, loading)
    try:
        describe(loading)
    except ModelError as error:
        shutil.rmtree(loading, ignore_errors=True)
        raise ModelError(f"{args.name} was downloaded and cannot be used. {error}", code=error.code) from error
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(loading / ".cache", ignore_errors=True)
        os.rename(loading, folder)
    except OSError as error:
        raise disk_error(folder, error) from error
    info = describe(folder)
    if args.json:
        output.print_json(_info_json(info))
    else:
        output.print_text(f"{args.name} is here. Use it with --model {info.name}.")
    return 0


def _download(name: str, revision: str | None, folder: Path) -> None:
    """Fetch the files of a model. What was fetched before an interruption is kept and not fetched again."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        from huggingface_hub import snapshot_download

        snapshot_download(name, revision=revision, local_dir=folder, allow_patterns=_WANTED)
    except LongDocError:
        raise
    except OSError as error:
        if error.errno is not None and not isinstance(error, ConnectionError):
            raise disk_error(folder, error) from error
        raise _no_download(name, error) from error
    except Exception as error:  # the hub's client and its transports raise many kinds
        raise _no_download(name, error) from error


def _no_download(name: str, error: Exception) -> ModelError:
    """Say in one sentence why a model did not come."""
    kind = type(error).__name__
    if kind == "GatedRepoError":
        return ModelError(f"{name} asks for consent on huggingface.co first.", next_step="Agree there, then log in.")
    if kind in ("RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError"):
        return ModelError(f"There is no model {name} on the hub.", code="not_found", next_step="Check its name.")
    return ModelError(
        f"{name} could not be downloaded: huggingface.co cannot be reached ({kind}).",
        code="offline",
        next_step="Check the network, or copy the model's folder here and name it with --model.",
    )


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
