"""A library in a temporary folder and small documents to put in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from longdoc.files import sha256_text
from longdoc.settings import Settings
from longdoc.store import Library
from longdoc.types import Document, Segment, Source, Warned

Given = tuple[Source, Document, Path]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def library(settings: Settings) -> Iterator[Library]:
    with Library(settings) as opened:
        yield opened


@pytest.fixture
def given(tmp_path: Path) -> Callable[..., Given]:
    """Return a source, its document and its file, for some text."""

    def make(text: str = "The rent is 1,240 euros.", name: str = "lease.txt", title: str = "Lease") -> Given:
        data = text.encode("utf-8", "surrogatepass")
        identity = hashlib.sha256(data).hexdigest()
        file = tmp_path / f"{identity[:8]}.txt"
        file.write_bytes(data)
        source = Source(identity, name, "text/plain", len(data), str(file))
        document = Document(
            id=sha256_text("text", "1", text),
            source_id=identity,
            title=title,
            text=text,
            segments=(Segment(0, len(text), "page", "p. 1", page=1),) if text else (),
            warnings=(Warned("encoding", "Read as UTF-8."),),
            loader="text",
            details={"pages": [{"label": "1", "width": 595.0}]},
        )
        return source, document, file

    return make
