"""A code base, as folder, zip or tar, into one document: its source files in path order.

Decides which files are read and why others are not; the tree in `details` names every
one of them. Members of archives are read in memory and never written anywhere.

Options: `include` and `exclude` (lists of gitignore-style globs; a path named in full
overrides every other reason to leave a file out), `with_secrets` (bool).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pathspec

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.archives import ENCRYPTED, TOO_LARGE, Archive, Entry, open_archive
from longdoc.sources.clean import clean
from longdoc.sources.decode import decode
from longdoc.sources.folders import Folder
from longdoc.sources.generated import NESTED_ARCHIVES, generated_by_content, generated_by_name
from longdoc.sources.ignore import GITIGNORE, IgnoreRules
from longdoc.sources.languages import extension_of
from longdoc.sources.loaded import Loaded, Report, invisible_warning
from longdoc.sources.secrets import find_secrets
from longdoc.types import Segment, Warned

_ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")
_NAMED_IN_WARNING = 5


@dataclass
class Row:
    """One line of the tree: a file, or a folder (ends with "/") that is left out as a whole."""

    path: str
    bytes: int
    status: str
    reason: str = ""
    lines: int = 0
    line: int | None = None  # of a possible secret
    files: int = 1  # a folder's files, where they are known

    def as_json(self) -> dict[str, Any]:
        """Return the row as it stands in `details["tree"]`."""
        row: dict[str, Any] = {
            "path": self.path,
            "bytes": self.bytes,
            "lines": self.lines,
            "status": self.status,
            "reason": self.reason,
            "line": self.line,
        }
        if self.path.endswith("/"):
            row["files"] = self.files
        return row


@dataclass
class Choice:
    """What a person asked for, over the rules."""

    named: frozenset[str] = frozenset()
    include: pathspec.GitIgnoreSpec | None = None
    exclude: pathspec.GitIgnoreSpec | None = None
    with_secrets: bool = False

    def leaves_out(self, label: str) -> bool:
        """Whether the options leave a file out, rules aside."""
        if self.include is not None and not self.include.match_file(label):
            return True
        return self.exclude is not None and self.exclude.match_file(label)


@dataclass
class _Reading:
    """What has been found so far."""

    rows: dict[str, Row] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    warnings: list[Warned] = field(default_factory=list)
    n_invisible: int = 0
    invisible_in: list[str] = field(default_factory=list)
    n_characters: int = 0


def load_codebase(path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]) -> Loaded:
    """Read a code base. See the module for options.

    Raises SourceError: bomb, damaged, encrypted, too_large, or no_text when nothing in it can be read as source.
    """
    choice = _choice(options)
    rules = IgnoreRules()
    archive: Archive = Folder(path, name, settings, rules) if path.is_dir() else open_archive(path, name, settings)
    report(0, 0, "listing files")
    entries, ignores = archive.entries(lambda label: label.rpartition("/")[2] == GITIGNORE)
    labels = {entry.key: entry.label for entry in entries}
    for key, data in sorted(ignores.items(), key=lambda item: labels[item[0]].count("/")):
        rules.add(labels[key].rpartition("/")[0], data)
    reading = _Reading()
    wanted = {}
    for entry in entries:
        row = _judge(entry, rules, choice, settings)
        if row is None:
            wanted[entry.key] = entry
        elif row.path in reading.rows:  # a folder that is left out as a whole
            known = reading.rows[row.path]
            known.bytes, known.files = known.bytes + row.bytes, known.files + 1
        else:
            reading.rows[row.path] = row
    for done, (key, content) in enumerate(archive.read(set(wanted)), start=1):
        _read_one(wanted[key], content, choice, settings, reading, name)
        report(done, len(wanted), wanted[key].label)
    return _assemble(path, name, entries, reading)


def _choice(options: Mapping[str, Any]) -> Choice:
    def globs(key: str) -> list[str]:
        value = options.get(key) or []
        return [value] if isinstance(value, str) else [str(glob) for glob in value]

    def spec(patterns: list[str]) -> pathspec.GitIgnoreSpec | None:
        return pathspec.GitIgnoreSpec.from_lines(patterns) if patterns else None

    try:
        include, exclude = spec(globs("include")), spec(globs("exclude"))
    except ValueError as error:
        raise SourceError(
            f"A filter is not understood: {error}.", code="bad_filter", next_step="Use globs such as *.py or tests/."
        ) from error
    named = frozenset(glob.lstrip("/") for glob in globs("include"))
    return Choice(named, include, exclude, bool(options.get("with_secrets")))


def _judge(entry: Entry, rules: IgnoreRules, choice: Choice, settings: Settings) -> Row | None:
    """Return the row of an entry that is left out by its name or size; None if its content must be seen."""
    if entry.problem:
        return Row(entry.label, entry.size_bytes, "unreadable", entry.problem)
    if entry.label not in choice.named:
        ignored, reason = rules.why(entry.label)
        if ignored:
            return Row(ignored, entry.size_bytes, "ignored", reason)
        if choice.leaves_out(entry.label):
            return Row(entry.label, entry.size_bytes, "ignored", "left out by choice")
        reason = generated_by_name(entry.label)
        if reason:
            return Row(entry.label, entry.size_bytes, "generated", reason)
    if extension_of(entry.label) in NESTED_ARCHIVES:
        return Row(entry.label, entry.size_bytes, "nested_archive", "an archive inside; not opened")
    if entry.size_bytes > settings.max_code_file_bytes:
        return Row(entry.label, entry.size_bytes, "too_large", _over(settings))
    return None


def _over(settings: Settings) -> str:
    return f"over {settings.max_code_file_bytes / (1 << 20):g} MB"


def _read_one(
    entry: Entry, content: bytes | str, choice: Choice, settings: Settings, reading: _Reading, name: str
) -> None:
    row = Row(entry.label, entry.size_bytes, "included")
    reading.rows[entry.label] = row
    if isinstance(content, str):
        row.status, row.reason = ("too_large", _over(settings)) if content == TOO_LARGE else ("unreadable", content)
        return
    row.bytes = len(content)
    if content.startswith((b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!\x1a", b"\xfd7zXZ")):
        row.status, row.reason = "nested_archive", "an archive inside; not opened"
        return
    decoded = decode(content)
    if decoded is None or content.startswith(b"%PDF-"):
        row.status, row.reason = "binary", "not text"
        return
    text, n_invisible = clean(decoded.text)
    row.lines = text.count("\n") + (not text.endswith("\n") and bool(text))
    if entry.label not in choice.named:
        reason = generated_by_content(text)
        if reason:
            row.status, row.reason = "generated", reason
            return
    secrets = find_secrets(text, entry.label)
    if secrets:
        row.line = secrets[0].line
        row.reason = f"line {row.line} may hold a secret ({secrets[0].kind})"
        left_out = not choice.with_secrets and entry.label not in choice.named
        row.status = "possible_secret" if left_out else "included"
        outcome = "was left out" if left_out else "is included"
        reading.warnings.append(
            Warned("possible_secret", f"{entry.label} {outcome}: {row.reason}.", f"{entry.label}:{row.line}")
        )
        if left_out:
            return
    reading.warnings.extend(decoded.warnings(entry.label))
    if n_invisible:
        reading.n_invisible += n_invisible
        reading.invisible_in.append(entry.label)
    text = text if text.endswith("\n") or not text else text + "\n"
    reading.n_characters += len(text)
    if reading.n_characters > settings.max_text_characters:
        raise SourceError(
            f"{name} holds more than {settings.max_text_characters:,} characters of source.",
            code="too_large",
            next_step="Add a part of it, exclude folders, or raise LONGDOC_MAX_TEXT_CHARACTERS.",
        )
    reading.texts[entry.label] = text


def _assemble(path: Path, name: str, entries: list[Entry], reading: _Reading) -> Loaded:
    if not any(text.strip() for text in reading.texts.values()):
        raise _nothing(name, path, reading)
    pieces, segments, position = [], [], 0
    for label in sorted(reading.texts, key=_path_order):
        text = reading.texts[label]
        pieces.append(text)
        if text:
            segments.append(Segment(position, position + len(text), "file", label))
        position += len(text)
    rows = sorted(reading.rows.values(), key=lambda row: _path_order(row.path))
    warnings = [*reading.warnings, *_skipped(rows)]
    if reading.n_invisible:
        warned = invisible_warning(reading.n_invisible)
        warnings.append(Warned(warned.code, warned.message, _some(reading.invisible_in)))
    details = {
        "tree": [row.as_json() for row in rows],
        "root": _common_folder([entry.label for entry in entries]),
        "files": len(segments),
    }
    return Loaded("".join(pieces), tuple(segments), tuple(warnings), _title(name), details)


def _path_order(label: str) -> list[str]:
    """Sort so that a folder's files stand together: "a/b" before "a.c"."""
    return label.split("/")


def _title(name: str) -> str:
    for suffix in _ARCHIVE_SUFFIXES:
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


def _common_folder(labels: list[str]) -> str:
    """Return the one folder that holds everything, as in archives made by GitHub, or ""."""
    tops = {label.partition("/")[0] if "/" in label else "" for label in labels if not label.startswith("__MACOSX/")}
    return tops.pop() if len(tops) == 1 else ""


def _some(labels: list[str]) -> str:
    more = len(labels) - _NAMED_IN_WARNING
    return ", ".join(labels[:_NAMED_IN_WARNING]) + (f" and {more:,} more" if more > 0 else "")


def _skipped(rows: list[Row]) -> list[Warned]:
    """Return one warning a kind for files that a person would expect to be read and are not."""
    found = []
    for status, one, many in (
        ("too_large", "1 file is too large and was left out.", "{:,} files are too large and were left out."),
        ("unreadable", "1 entry could not be read.", "{:,} entries could not be read."),
        ("nested_archive", "1 archive inside was not opened.", "{:,} archives inside were not opened."),
    ):
        labels = [f"{row.path} ({row.reason})" for row in rows if row.status == status]
        if labels:
            message = one if len(labels) == 1 else many.format(len(labels))
            found.append(Warned("skipped_file", message, _some(labels)))
    return found


def _nothing(name: str, path: Path, reading: _Reading) -> SourceError:
    """Explain why no file of a code base could be read."""
    rows = list(reading.rows.values())
    counts = Counter(row.status for row in rows)
    if any(row.reason == ENCRYPTED for row in rows):
        return SourceError(
            f"{name} is protected by a password.", code="encrypted", next_step="Unpack it and add the folder."
        )
    packed = path.stat().st_size if path.is_file() else 0
    if packed and sum(row.bytes for row in rows if row.status == "too_large") > max(10 << 20, 100 * packed):
        return SourceError(
            f"{name} declares files far larger than itself and nothing else that can be read.",
            code="bomb",
            next_step="If it is genuine, unpack it and add the files.",
        )
    documents = Counter(extension_of(row.path) for row in rows if row.status in ("binary", "nested_archive"))
    readable = [f"{n} {extension[1:].upper()}" for extension, n in documents.items() if extension in _DOCUMENTS]
    if readable:
        return SourceError(
            f"{name} holds no source files, but {' and '.join(readable)}.",
            code="no_text",
            next_step="Unpack it and add those files by themselves.",
        )
    words = [f"{n:,} {status.replace('_', ' ')}" for status, n in counts.most_common() if status != "included"]
    what = f" ({', '.join(words)})" if words else ""
    return SourceError(
        f"{name} holds no source file that can be read{what}.",
        code="no_text",
        next_step="Check that it is the right one; single files can be added by themselves.",
    )


_DOCUMENTS = frozenset((".pdf", ".docx", ".pptx", ".xlsx", ".epub"))
