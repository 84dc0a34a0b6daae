"""Lets tests import the stand-ins, and opens a context without a browser."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "browser")]


@pytest.fixture
def make_context(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Make a context around a scripted backend; close it at the end."""
    from scripted import Scripted

    from longdoc.settings import Settings
    from longdoc.ui.context import Context

    made: list[Any] = []

    def make(backend: Any = None, *, started: bool = True, **options: Any) -> Any:
        backend = backend or Scripted()
        settings = Settings(home=tmp_path / "home", prefill_step=256)
        context = Context(settings, load=lambda name, _: backend, **options)
        context.engine.backend("reader")
        if started:
            context.worker.start()
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@pytest.fixture
def put() -> Callable[..., str]:
    """Put a document into a library by its text; return its id."""
    import standin

    from longdoc.types import Source

    def put_in(library: Any, text: str, name: str = "text.txt", **fields: Any) -> str:
        from dataclasses import replace

        document = replace(standin.document_of(text, name), **fields)
        library.add_document(Source(document.source_id, name, "text/plain", len(text), ""), document)
        return document.id

    return put_in
