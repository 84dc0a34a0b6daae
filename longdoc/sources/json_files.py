"""JSON and JSON Lines. Readable files keep their text; packed ones are indented.

Indenting works on the tokens of the file rather than on parsed values, so numbers
and the order and repetition of keys stay as written. Escapes of letters (\\u00e9)
become the letters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from longdoc.settings import Settings
from longdoc.sources.decode import read_text
from longdoc.sources.loaded import Loaded, Report, TextBuilder

_TOKEN = re.compile(
    r'"[^"\\]*(?:\\.[^"\\]*)*"'  # a string
    r"|\[[ \t\n]*(?:[\d.eE+-]+[ \t\n]*,[ \t\n]*){0,20}[\d.eE+-]+[ \t\n]*\]"  # a short row of numbers stays in one line
    r"|[\[\]{},:]|[^\s\[\]{},:\"]+",
    re.DOTALL,
)
_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)((?:\\u[0-9a-fA-F]{4})+)")
_PACKED_LINE_CHARACTERS = 400
_MAX_SECTIONS = 5_000


def load_json(path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]) -> Loaded:
    """Read one JSON value. Segments: the keys of an object at the top, as sections. Broken JSON is kept as text."""
    text, decoded, removed = read_text(path, name, settings)
    builder = TextBuilder()
    builder.count_invisible(removed)
    for warned in decoded.warnings():
        builder.warn(warned.code, warned.message)
    problem = _problem(text)
    if problem:
        builder.add(text)
        builder.warn("not_json", f"It is not valid JSON ({problem}) and was read as plain text.")
    else:
        # Cleaned before offsets are taken: an escape may spell an invisible character.
        laid_out = _indented(text) if _is_packed(text) else text
        builder.add(_letters(laid_out))
        shown = builder.build().text
        starts = top_keys(shown)
        for n, (start, key) in enumerate(starts):
            end = starts[n + 1][0] if n + 1 < len(starts) else len(shown)
            builder.segment(start, "section", key, end=end, level=1)
    report(len(text), len(text), "text read")
    return builder.build(name, {"encoding": decoded.encoding})


def load_jsonl(path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]) -> Loaded:
    """Read JSON Lines: the text as it is, one record a line. No segments."""
    text, decoded, removed = read_text(path, name, settings)
    builder = TextBuilder()
    builder.count_invisible(removed)
    builder.add(_letters(text))
    for warned in decoded.warnings():
        builder.warn(warned.code, warned.message)
    bad = [n for n, line in enumerate(text.split("\n"), start=1) if line.strip() and _problem(line)]
    if bad:
        lines = ", ".join(map(str, bad[:5])) + (f" and {len(bad) - 5:,} more" if len(bad) > 5 else "")
        builder.warn("not_json", f"{len(bad):,} lines are not valid JSON and were kept as text.", f"line {lines}")
    report(len(text), len(text), "text read")
    return builder.build(name, {"encoding": decoded.encoding})


def _problem(text: str) -> str:
    """Return why `text` is not JSON, in a few words, or ""."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"line {error.lineno}: {error.msg}"
    except RecursionError:
        return "nested too deeply"
    except ValueError:  # Python refuses to convert numbers of thousands of digits; they are valid JSON
        return ""
    return ""


def _is_packed(text: str) -> bool:
    stripped = text.strip()
    return len(stripped) > _PACKED_LINE_CHARACTERS * (stripped.count("\n") + 1)


def _indented(text: str) -> str:
    """Lay out packed JSON with two spaces a level, token by token."""
    out: list[str] = []
    depth = 0
    fresh = False  # just after an opening bracket
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in "}]":
            depth -= 1
            out.append(token if fresh else "\n" + "  " * depth + token)
            fresh = False
            continue
        if fresh:
            out.append("\n" + "  " * depth)
            fresh = False
        if token in "{[":
            depth += 1
            fresh = True
            out.append(token)
        elif token == ",":
            out.append(",\n" + "  " * depth)
        elif token == ":":
            out.append(": ")
        else:
            out.append(" ".join(token.split()) if token[0] == "[" else token)
    return "".join(out) + "\n"


def top_keys(text: str) -> list[tuple[int, str]]:
    """Return (offset, key) of the members of a top-level object, or [] for other values and very many members."""
    found: list[tuple[int, str]] = []
    depth = 0
    expecting = False
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in "{[":
            depth += 1
            if depth == 1 and token == "[":
                return []
            expecting = depth == 1
        elif token in "}]":
            depth -= 1
        elif token == ",":
            expecting = depth == 1
        elif expecting and token[0] == '"':
            found.append((match.start(), token[1:-1] or '""'))
            expecting = False
            if len(found) > _MAX_SECTIONS:
                return []
    return found


def _letters(text: str) -> str:
    """Turn escapes of printable characters beyond ASCII into those characters."""
    if "\\u" not in text:
        return text

    def decoded(match: re.Match[str]) -> str:
        letters: str = json.loads(f'"{match[2]}"')
        return match[1] + "".join(ch if ch > "\x7f" and ch.isprintable() else _escaped(ch) for ch in letters)

    return _ESCAPE.sub(decoded, text)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
