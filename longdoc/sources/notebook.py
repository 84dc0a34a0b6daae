"""Jupyter notebooks: every cell with its text output, in order."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.decode import read_text
from longdoc.sources.loaded import Loaded, Report, TextBuilder

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_HEADING = re.compile(r"(?m)^#{1,2}[ \t]+(\S.*?)[ \t#]*$")
_MAX_OUTPUT_CHARACTERS = 20_000  # of one cell; logs of training runs reach megabytes


def load_notebook(path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]) -> Loaded:
    """Read a notebook of format 3 or 4. Segments: one a cell, "cell 3". Pictures in outputs are counted."""
    text, _, removed = read_text(path, name, settings)
    cells = _cells(text, name)
    builder = TextBuilder()
    builder.count_invisible(removed)
    title, n_pictures = "", 0
    for number, cell in enumerate(cells, start=1):
        kind = cell.get("cell_type", "code")
        source = _joined(cell.get("source", cell.get("input", ""))).strip("\n")
        start = builder.length
        if source.strip():
            builder.add(source + "\n")
        if kind in ("markdown", "heading") and not title:
            heading = _HEADING.search(source)
            title = heading[1] if heading else (source if kind == "heading" else "")
        outputs = cell.get("outputs") if kind == "code" else None
        words, pictures = _outputs(outputs if isinstance(outputs, list) else [])
        n_pictures += pictures
        if len(words) > _MAX_OUTPUT_CHARACTERS:
            left = len(words) - _MAX_OUTPUT_CHARACTERS
            words = words[:_MAX_OUTPUT_CHARACTERS]
            builder.warn("long_output", f"The last {left:,} characters of an output were left out.", f"cell {number}")
        if words.strip():
            builder.add(f"Output:\n{words}\n")
        builder.segment(start, "cell", f"cell {number}", page=None)
        if builder.length > start:
            builder.add("\n")
        report(number, len(cells), f"cell {number} of {len(cells)}")
    if n_pictures:
        pictures_are = "1 picture in an output is" if n_pictures == 1 else f"{n_pictures} pictures in outputs are"
        builder.warn("no_text", f"{pictures_are} not read.")
    return builder.build(title or name, {"cells": len(cells)})


def _cells(text: str, name: str) -> list[dict[str, Any]]:
    try:
        notebook = json.loads(text)
        if "cells" in notebook:
            cells = notebook["cells"]
        else:  # format 3
            cells = [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
        return [cell for cell in cells if isinstance(cell, dict)]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SourceError(
            f"{name} is a damaged notebook.",
            code="damaged",
            next_step="Open and save it in Jupyter, then add it again.",
        ) from error


def _outputs(outputs: list[Any]) -> tuple[str, int]:
    """Return the text of a code cell's outputs and the number of pictures among them."""
    pieces, n_pictures = [], 0
    for output in outputs:
        if not isinstance(output, dict):
            continue
        data = output.get("data", output)
        data = data if isinstance(data, dict) else {}
        if output.get("output_type") == "stream":
            words = _joined(output.get("text", ""))
        elif output.get("output_type") in ("error", "pyerr"):
            words = f"{output.get('ename', '')}: {output.get('evalue', '')}"
        else:
            words = _joined(data.get("text/plain", data.get("text", data.get("text/markdown", ""))))
        n_pictures += any(key.startswith("image/") or key in ("png", "jpeg", "svg") for key in data)
        words = _overwritten(_ANSI.sub("", words)).strip("\n")
        if words.strip():
            pieces.append(words)
    return "\n".join(pieces), n_pictures


def _overwritten(words: str) -> str:
    """Keep what a terminal would show of progress bars that rewrite their line."""
    if "\r" not in words:
        return words
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in words.split("\n"))


def _joined(value: object) -> str:
    """Return a multi-line string of the notebook format: a string, or a list of strings."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
