"""Every limit and path, in one frozen dataclass, checked once.

`LONGDOC_HOME` (environment) holds all state: library, caches, measurements.
Any field can be set by an environment variable `LONGDOC_<FIELD>` in capitals.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from longdoc.errors import UserError

MiB = 1 << 20
GiB = 1 << 30


def _default_home() -> Path:
    base = os.environ.get("XDG_DATA_HOME")
    return Path(base) / "longdoc" if base else Path.home() / ".local" / "share" / "longdoc"


def _default_models() -> Path:
    return Path(__file__).resolve().parent.parent / "models"


@dataclass(frozen=True)
class Settings:
    """Limits are inclusive. Bytes, seconds and tokens as the names say."""

    home: Path = field(default_factory=_default_home)
    models: Path = field(default_factory=_default_models)

    # sources
    max_source_bytes: int = 512 * MiB
    max_text_characters: int = 40_000_000
    max_characters_per_byte: int = 100  # past 1,000,000 characters (Apache Tika's rule)
    max_pages: int = 20_000
    loader_timeout_s: float = 120.0
    loader_memory_bytes: int = 3 * GiB
    max_archive_entries: int = 50_000
    max_archive_bytes: int = 2 * GiB
    max_code_file_bytes: int = 1 * MiB

    # recordings
    max_recording_s: float = 12 * 3600.0
    listening_silence_s: float = 300.0  # a speech engine that shows no progress for so long is given up
    speaker_model: Path = field(default_factory=lambda: Path(""))  # folder for telling speakers apart; empty: not done

    # asking
    max_question_characters: int = 20_000
    answer_reserve_tokens: int = 256
    model: str = "reader"

    # engine
    prefill_step: int = 1024  # upper bound, tokens; the engine sizes steps to at most about 1 s
    cache_budget_bytes: int = 20 * GiB
    checkpoint_every_s: float = 20.0  # an interrupted read resumes from at most this long ago
    threads: int = 0  # 0: as many as the machine has cores for us

    # a model on a server
    remote_api_key: str = field(default="", repr=False)  # a bearer token for the chosen server, sent nowhere else
    remote_window: int = 0  # tokens; 0: ask the server
    remote_timeout_s: float = 600.0  # longest silence of a server that is reading

    # retrieval
    passage_tokens: int = 256
    top_k: int = 5

    @property
    def library(self) -> Path:
        return self.home / "library"

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def cache_working(self) -> Path:
        """Where readings on the disk tier are made; what is kept of them is linked into the cache."""
        return self.cache / "working"

    @property
    def database(self) -> Path:
        return self.home / "longdoc.db"

    @property
    def measurements(self) -> Path:
        return self.home / "measurements"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read settings from the environment.

    Raises UserError for an unknown `LONGDOC_*` name (naming the nearest) or a value that does not parse.
    """
    environ = os.environ if environ is None else environ
    known = {f"LONGDOC_{f.name.upper()}": f for f in fields(Settings)}
    values: dict[str, Path | int | float | str] = {}
    for name, text in environ.items():
        if not name.startswith("LONGDOC_"):
            continue
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise UserError(
                f"The environment variable {name} is not a setting of LongDoc.",
                next_step=f"Did you mean {near[0]}?" if near else "Remove it.",
            )
        values[known[name].name] = _parse(name, text, str(known[name].type))
    return Settings(**values)  # type: ignore[arg-type]  # each value was parsed by its field's own type


def _parse(name: str, text: str, kind: str) -> Path | int | float | str:
    if kind == "Path":
        return Path(text).expanduser()
    if kind == "str":
        return text
    try:
        value = int(text.replace("_", "")) if kind == "int" else float(text)
    except ValueError as error:
        raise UserError(f"{name} must be a number, and is {text!r}.", next_step="Correct or remove it.") from error
    if value < 0:
        raise UserError(f"{name} must not be negative, and is {text}.", next_step="Correct or remove it.")
    return value
