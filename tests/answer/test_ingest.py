from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from bench import Bench

from longdoc import ingest
from longdoc.errors import SourceError, StoreError
from longdoc.ingest import add, add_all
from longdoc.library import find, overview, remove
from longdoc.settings import Settings
from longdoc.store import Library
from longdoc.types import Document, Source


def test_a_file_is_read_once_and_known_by_its_content(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Rent is due.\n")
    first = add(path, bench.library, bench.settings)
    copy = tmp_path / "copy.txt"
    copy.write_bytes(path.read_bytes())

    def never(*args: object, **named: object) -> tuple[Source, Document]:
        raise AssertionError("read again")

    monkeypatch.setattr(ingest, "load", never)
    second = add(copy, bench.library, bench.settings)
    assert (first.is_new, second.is_new) == (True, False)
    assert second.document == first.document
    assert (second.name, second.marker) == ("copy.txt", first.marker)


def test_the_same_bytes_under_a_name_that_means_another_format_are_read_anew(bench: Bench, tmp_path: Path) -> None:
    for name in ("a.txt", "a.md"):
        (tmp_path / name).write_text("# Title\n\nRent is due.\n")
    text, markdown = (add(tmp_path / name, bench.library, bench.settings) for name in ("a.txt", "a.md"))
    assert (text.document.loader, markdown.document.loader) == ("text", "markdown")


def test_a_code_base_read_with_options_is_not_taken_for_the_plain_one(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "shop.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.py", "a = 1\n")
        archive.writestr("b.js", "let b = 2\n")
    part = add(path, bench.library, bench.settings, options={"include": ["*.py"]})
    whole = add(path, bench.library, bench.settings)
    assert [s.label for s in part.document.segments] == ["a.py"]
    assert [s.label for s in whole.document.segments] == ["a.py", "b.js"]


def test_one_bad_source_does_not_hold_up_the_others(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Rent is due.\n")
    (tmp_path / "empty.txt").write_text("")
    paths = [str(tmp_path / name) for name in ("missing.txt", "empty.txt", "a.txt", "a.txt")] + ["x" * 5000, "nul\0"]
    added, failed = add_all(paths, bench.library, bench.settings)
    assert [item.name for item in added] == ["a.txt"]
    assert [item.error.code for item in failed][:2] == ["not_found", "empty"]
    assert len(failed) == 4
    assert all(isinstance(item.error, SourceError) for item in failed)


def test_sources_of_one_name_are_told_apart_by_their_folders(bench: Bench, tmp_path: Path) -> None:
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "lease.txt").write_text(f"The {folder} lease.\n")
    added, _ = add_all([str(tmp_path / f / "lease.txt") for f in ("old", "new")], bench.library, bench.settings)
    assert [item.name for item in added] == ["old/lease.txt", "new/lease.txt"]


def test_a_source_that_cannot_be_kept_can_still_be_asked(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Rent is due.\n")

    def full(*args: object) -> bool:
        raise StoreError("The disk is full.", code="disk")

    monkeypatch.setattr(bench.library, "add_document", full)
    added = add(path, bench.library, bench.settings)
    assert added.document.text == "Rent is due.\n"
    assert "not kept" in added.warning
    assert add(path, None, bench.settings).document == added.document


def test_removing_a_document_removes_its_readings_and_its_file(tmp_path: Path) -> None:
    from bench import MODEL

    from longdoc.answer import How, ask

    bench = Bench(tmp_path / "home")
    try:
        item = bench.write(tmp_path / "a.txt", "Rent is due.\n" * 20)
        ask(bench.desk, [item], "What is due?", "single", How(MODEL))
        (entry,) = find(bench.library, "a.txt")
        assert find(bench.library, entry.document_id[:8]) == [entry]
        kept = Path(entry.source.path)
        assert kept.exists()
        report = remove(bench.library, entry, bench.engine.keeper.disk)
        assert report["readings"] == 1
        assert not kept.exists()
        assert overview(bench.library) == []
        assert bench.engine.keeper.disk.entries() == []
    finally:
        bench.close()


def test_names_that_are_missing_or_mean_several_are_refused(bench: Bench, tmp_path: Path) -> None:
    from longdoc.errors import UserError

    with pytest.raises(UserError, match=r"no document nothing"):
        find(bench.library, "nothing")
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_text(f"In {folder}.\n")
        add(tmp_path / folder / "x.txt", bench.library, bench.settings)
    with pytest.raises(UserError, match=r"2 documents are called"):
        find(bench.library, "x.txt")


def test_a_newer_library_is_read_but_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from longdoc.store import migrations

    settings = Settings(home=tmp_path / "home")

    def of_tomorrow(db: object) -> None:
        """A step that today's version does not know."""

    with monkeypatch.context() as tomorrow:
        tomorrow.setattr(migrations, "STEPS", (*migrations.STEPS, of_tomorrow))
        Library(settings).close()
    with Library(settings) as library:
        (tmp_path / "a.txt").write_text("Rent is due.\n")
        added = add(tmp_path / "a.txt", library, settings)
    assert added.document.text == "Rent is due.\n"
    assert "newer version" in added.warning
