"""Which files of a code base its own .gitignore files, at every depth, leave out.

Follows git: a deeper file overrides a higher one, the last matching line of a file
decides, and nothing inside an ignored folder can be brought back. Some folders hold no
source of the project in any code base and go without being asked for.
"""

from __future__ import annotations

import pathspec

from longdoc.sources.decode import decode

GITIGNORE = ".gitignore"
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
        self._specs: dict[str, pathspec.GitIgnoreSpec] = {}  # folder ("" or "a/b") -> its rules
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
        self._specs[folder] = spec

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
        """Ask the nearest .gitignore first; the first that has an opinion decides."""
        folder = label
        while folder:
            folder = folder.rpartition("/")[0]
            spec = self._specs.get(folder)
            if spec is None:
                continue
            include = spec.check_file(path[len(folder) + 1 if folder else 0 :]).include
            if include is not None:
                where = f"{folder}/{GITIGNORE}" if folder else GITIGNORE
                return (path, f"ignored by {where}") if include else ("", "")
        return "", ""


def _is_pattern(line: str) -> bool:
    try:
        pathspec.GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True
