"""Sources: bytes to Document. This file is the registry of formats and the one way in, `load`.

A new file type takes one loader file, one row in FORMATS, one line in sniff.py and
one row in the table of tests. Loaders run in a child process (worker.py) and are
named by string, so that importing this package loads none of their libraries.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.types import Document, Source


@dataclass(frozen=True)
class Format:
    """One kind of source. `version` rises whenever its loader gives other text for the same bytes."""

    name: str
    media_type: str
    loader: str  # "module:function"
    extensions: tuple[str, ...]  # for choosing files on screen; the type itself comes from content
    version: int = 1
    own_child: bool = False  # the loader runs here and starts its own child, for work of hours that can be resumed


FORMATS: dict[str, Format] = {
    row.name: row
    for row in (
        Format("pdf", "application/pdf", "longdoc.sources.pdf:load_pdf", (".pdf",)),
        Format(
            "docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "longdoc.sources.docx:load_docx",
            (".docx", ".docm", ".dotx"),
        ),
        Format(
            "pptx",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            "longdoc.sources.pptx:load_pptx",
            (".pptx", ".pptm", ".ppsx"),
        ),
        Format(
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "longdoc.sources.xlsx:load_xlsx",
            (".xlsx", ".xlsm", ".xltx"),
        ),
        Format("epub", "application/epub+zip", "longdoc.sources.epub:load_epub", (".epub",)),
        Format("text", "text/plain", "longdoc.sources.text:load_text", (".txt", ".text", ".log", ".rst")),
        Format("markdown", "text/markdown", "longdoc.sources.markdown:load_markdown", (".md", ".markdown")),
        Format("html", "text/html", "longdoc.sources.html:load_html", (".html", ".htm", ".xhtml")),
        Format("csv", "text/csv", "longdoc.sources.tables:load_csv", (".csv", ".tsv")),
        Format("json", "application/json", "longdoc.sources.json_files:load_json", (".json",)),
        Format("jsonl", "application/jsonl", "longdoc.sources.json_files:load_jsonl", (".jsonl", ".ndjson")),
        Format("ipynb", "application/x-ipynb+json", "longdoc.sources.notebook:load_notebook", (".ipynb",)),
        Format("srt", "application/x-subrip", "longdoc.sources.subtitles:load_srt", (".srt",)),
        Format("vtt", "text/vtt", "longdoc.sources.subtitles:load_vtt", (".vtt",)),
        Format("code", "text/x-source-code", "longdoc.sources.text:load_code", (".py", ".js", ".ts", ".c", ".java")),
        Format(
            "codebase", "application/zip", "longdoc.sources.codebase:load_codebase", (".zip", ".tar.gz", ".tgz", ".tar")
        ),
        Format(
            "audio",
            "audio/*",
            "longdoc.sources.audio:load_recording",
            (".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus", ".webm", ".mp4"),
            own_child=True,
        ),
    )
}


def load(
    path: Path,
    *,
    name: str | None = None,
    settings: Settings,
    on_progress: Callable[[int, int, str], None] | None = None,
    stop: threading.Event | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[Source, Document]:
    """Read a file or a folder into a document, in a child process with limits.

    `name` is what people call the file (default: its own name). `on_progress(done, total, what)` is
    called in this thread. Raises SourceError with one clear sentence, or Stopped once `stop` is set.
    """
    from longdoc.files import display_name, sha256_file, sha256_text
    from longdoc.sources.loaded import check
    from longdoc.sources.sniff import container_media_type, require_readable, sniff
    from longdoc.sources.worker import run

    name = display_name(name or path.resolve().name)
    before = require_readable(path, name, settings)
    row = FORMATS[sniff(path, name)]
    is_folder = path.is_dir()
    source_id = "" if is_folder else _hashed(path, name, sha256_file)
    if row.own_child:
        import importlib

        module, _, function = row.loader.partition(":")
        read = getattr(importlib.import_module(module), function)
        return read(path, name, source_id, settings, on_progress=on_progress, stop=stop, options=options or {})  # type: ignore[no-any-return]  # loaders are found by name
    loaded = run(row.loader, path, name, settings, on_progress=on_progress, stop=stop, options=options or {})
    check(loaded, name, settings, None if is_folder else before.size_bytes)
    if not is_folder and require_readable(path, name, settings) != before:
        raise SourceError(f"{name} changed while it was being read.", code="damaged", next_step="Add it again.")
    if is_folder:
        # A folder is known by what was read from it: names and text of the files that count.
        source_id = sha256_text("folder", loaded.text, *(segment.label for segment in loaded.segments))
    media_type = container_media_type(path) if row.name == "codebase" else row.media_type
    size_bytes = len(loaded.text.encode()) if is_folder else before.size_bytes
    source = Source(source_id, name, media_type, size_bytes, str(path))
    document = Document(
        id=sha256_text(row.name, str(row.version), loaded.text),
        source_id=source_id,
        title=loaded.title or name,
        text=loaded.text,
        segments=loaded.segments,
        warnings=loaded.warnings,
        loader=row.name,
        details=loaded.details,
    )
    return source, document


def _hashed(path: Path, name: str, sha256_file: Callable[[Path], str]) -> str:
    try:
        return sha256_file(path)
    except OSError as error:
        raise SourceError(
            f"{name} could not be read: {error.strerror or error}.", next_step="Check the disk and its permissions."
        ) from error
