"""An export holds everything, in forms that other programs read."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from longdoc.errors import UserError
from longdoc.store import Library
from longdoc.types import Answer


def test_an_export_holds_texts_files_and_conversations(library: Library, given: Callable, tmp_path: Path) -> None:
    source, document, file = given(title="Lease / Hall Street")
    library.add_document(source, document, file)
    library.add_collection("Flat", [document.id])
    thread = library.add_thread("Rent", [document.id])
    library.add_turn(thread, Answer("How much?", "single", "1,240 euros", "end", "reader", None))
    library.export(tmp_path / "export.zip")
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        content = json.loads(archive.read("library.json"))
        (entry,) = content["documents"]
        assert archive.read(entry["text"]).decode() == document.text
        assert archive.read(entry["file"]) == file.read_bytes()
        assert not any(name.startswith("/") or ".." in name for name in archive.namelist())
    assert content["conversations"][0]["turns"][0]["answer"]["text"] == "1,240 euros"
    assert content["collections"][0]["document_ids"] == [document.id]
    assert str(library.settings.home) not in json.dumps(content)


def test_an_export_never_overwrites(library: Library, tmp_path: Path) -> None:
    target = tmp_path / "export.zip"
    target.write_text("mine")
    with pytest.raises(UserError, match="exists already"):
        library.export(target)
    assert target.read_text() == "mine"
