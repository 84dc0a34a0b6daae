"""Which files of a code base its own .gitignore files, at every depth, leave out.

Follows git: a deeper file overrides a higher one, the last matching line of a file
decides, and nothing inside an ignored folder can be brought back. Some folders hold no
source of the project in any code base and go without being asked for.
"""

from __future__ import annotations

import re
from typing import Any

import pathspec

from longdoc.sources.decode import decode

GITIGNORE = ".gitignore"
_FOLDER_END = "ps_d"  # name of a group in pathspec's regular expressions
_MAX_LINES = 5_000
_MAX_LINE_CHARACTERS = 1_000
_ALWAYS = {
    ".git": "version control",
    ".hg": "version control",
    ".svn": "version control",
    ".bzr": "version control",
    "node_modules": "installed packages",
    "bower_components": "installed packages",
    "site-packages": "installed packages",
    ".venv": "installed packages",
    "venv": "installed packages",
    ".tox": "installed packages",
    ".nox": "installed packages",
    ".yarn": "installed packages",
    ".pnpm-store": "installed packages",
    ".terraform": "installed packages",
    "__pycache__": "a cache",
    ".mypy_cache": "a cache",
    ".pytest_cache": "a cache",
    ".ruff_cache": "a cache",
    ".hypothesis": "a cache",
    ".ipynb_checkpoints": "a cache",
    ".gradle": "a cache",
    ".next": "build output",
    ".nuxt": "build output",
    ".svelte-kit": "build output",
    "__macosx": "system files",
}


class IgnoreRules:
    """All .gitignore files of one code base. Add them from the top down, then ask."""

    def __init__(self) -> None:
        self._patterns: dict[str, list[Any]] = {}  # folder ("" or "a/b") -> its rules in order
        self._folders: dict[str, tuple[str, str]] = {"": ("", "")}

    def add(self, folder: str, data: bytes) -> None:
        """Add the .gitignore of `folder` ("" for the top). Lines that git would not understand are passed over."""
        decoded = decode(data)
        if decoded is None:
            return
        lines = [line for line in decoded.text.splitlines()[:_MAX_LINES] if len(line) <= _MAX_LINE_CHARACTERS]
        try:
            spec = pathspec.GitIgnoreSpec.from_lines(lines)
        except ValueError:
            spec = pathspec.GitIgnoreSpec.from_lines([line for line in lines if _is_pattern(line)])
        self._patterns[folder] = [pattern for pattern in spec.patterns if pattern.include is not None]

    def why(self, label: str) -> tuple[str, str]:
        """Return what of a file's path is ignored and why: ("build/", "ignored by .gitignore") or ("", "")."""
        folder, _, _ = label.rpartition("/")
        found = self.why_folder(folder)
        return found if found[0] else self._decide(label, label)

    def why_folder(self, label: str) -> tuple[str, str]:
        """Return the topmost ignored folder of a folder's path and why, or ("", "")."""
        if label not in self._folders:
            above, _, name = label.rpartition("/")
            found = self.why_folder(above)
            if not found[0]:
                reason = _ALWAYS.get(name.lower(), "")
                found = (label + "/", reason) if reason else self._decide(label + "/", label)
            self._folders[label] = found
        return self._folders[label]

    def _decide(self, path: str, label: str) -> tuple[str, str]:
        """Ask the nearest .gitignore first; the last of its lines that matches decides."""
        folder = label
        while folder:
            folder = folder.rpartition("/")[0]
            below = path[len(folder) + 1 if folder else 0 :]
            for pattern in reversed(self._patterns.get(folder, [])):
                if _matches_itself(pattern.regex, below):
                    where = f"{folder}/{GITIGNORE}" if folder else GITIGNORE
                    return (path, f"ignored by {where}") if pattern.include else ("", "")
        return "", ""


def _matches_itself(regex: re.Pattern[str], path: str) -> bool:
    """Whether a pattern matches `path` and not only a folder above it.

    pathspec lets "deep/" match all that is in deep as well. That is right for leaving things out, but
    "!deep/" would then bring back files that git leaves out. Its regex marks where the folder ends.
    """
    match = regex.match(path)
    if match is None:
        return False
    if _FOLDER_END in regex.groupindex:
        return match.end(_FOLDER_END) in (-1, len(path))
    return not (match.end() == len(path) and path.endswith("/") and regex.pattern.endswith("/"))  # "docs/**" on docs


def _is_pattern(line: str) -> bool:
    try:
        pathspec.GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True
