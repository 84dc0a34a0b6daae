"""What goes in comes out, once; what is removed is gone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from longdoc.errors import SourceError, StoreError, UserError
from longdoc.settings import Settings
from longdoc.store import Library
from longdoc.store.codec import pack_text, storable, unpack_text


def test_a_document_comes_back_as_it_was_added(library: Library, given: Callable) -> None:
    source, document, file = given()
    assert library.add_document(source, document, file)
    assert library.document(document.id) == document
    assert library.find_source(source.id) == document
    (item,) = library.documents()
    assert (item.title, item.n_characters, item.kind) == ("Lease", len(document.text), "page")
    assert item.warnings == document.warnings


def test_the_bytes_are_kept_under_their_hash_and_not_by_name(library: Library, given: Callable) -> None:
    source, document, file = given(name="../../etc/passwd")
    library.add_document(source, document, file)
    kept = Path(library.source(source.id).path)
    assert kept.read_bytes() == file.read_bytes()
    assert kept == library.settings.library / source.id[:2] / source.id


def test_adding_the_same_document_again_stores_nothing_twice(library: Library, given: Callable) -> None:
    source, document, file = given()
    library.add_document(source, document, file)
    marker = library.marker(document.id)
    assert not library.add_document(source, document, file)
    assert len(library.documents()) == 1
    assert library.marker(document.id) == marker
    assert len(list(library.settings.library.rglob("*"))) == 2  # one folder, one file


def test_two_files_with_one_text_share_a_document_and_keep_their_bytes(library: Library, given: Callable) -> None:
    source, document, file = given()
    library.add_document(source, document, file)
    other_source, _, other_file = given("The rent is 1,240 euros.\n")
    same_text = dataclasses.replace(document, source_id=other_source.id)
    assert not library.add_document(other_source, same_text, other_file)
    found = library.find_source(other_source.id)
    assert found is not None
    assert found.id == document.id
    library.remove(document.id)
    assert not [p for p in library.settings.library.rglob("*") if p.is_file()]


def test_markers_differ_between_documents_and_are_eight_hexadecimal_digits(library: Library, given: Callable) -> None:
    markers = set()
    for text in ("one", "two", "three"):
        source, document, file = given(text)
        library.add_document(source, document, file)
        markers.add(library.marker(document.id))
    assert len(markers) == 3
    assert all(len(marker) == 8 and int(marker, 16) >= 0 for marker in markers)


def test_bytes_that_changed_meanwhile_are_refused_and_leave_nothing(library: Library, given: Callable) -> None:
    source, document, file = given()
    file.write_text("The rent is 9,999 euros.")
    with pytest.raises(SourceError, match="changed while it was added"):
        library.add_document(source, document, file)
    assert library.documents() == []
    assert not [p for p in library.settings.library.rglob("*") if p.is_file()]


def test_a_document_of_another_source_is_refused(library: Library, given: Callable) -> None:
    source, _, file = given("one")
    _, document, _ = given("two")
    with pytest.raises(StoreError) as caught:
        library.add_document(source, document, file)
    assert caught.value.code == "bad_reference"


def test_removing_a_document_takes_its_bytes_only_when_no_other_document_needs_them(
    library: Library, given: Callable
) -> None:
    source, document, file = given()
    second = dataclasses.replace(document, id="f" * 64, loader="text 2")
    library.add_document(source, document, file)
    library.add_document(source, second, file)
    kept = Path(library.source(source.id).path)
    library.remove(document.id)
    assert kept.exists()
    library.remove(second.id)
    assert not kept.exists()
    with pytest.raises(StoreError):
        library.source(source.id)


def test_the_newest_reading_of_a_source_is_the_one_found(library: Library, given: Callable) -> None:
    source, document, file = given()
    second = dataclasses.replace(document, id="e" * 64)
    library.add_document(source, document, file)
    library.add_document(source, second, file)
    found = library.find_source(source.id)
    assert found is not None
    assert found.id == second.id
    assert library.find_source("0" * 64) is None


@pytest.mark.parametrize(
    "call",
    [
        lambda lib: lib.document("nope"),
        lambda lib: lib.item("nope"),
        lambda lib: lib.marker("nope"),
        lambda lib: lib.remove("nope"),
        lambda lib: lib.rename("nope", "Title"),
        lambda lib: lib.set_token_count("nope", "t", 1),
        lambda lib: lib.source("nope"),
        lambda lib: lib.add_thread("Talk", ["nope"]),
        lambda lib: lib.add_collection("Set", ["nope"]),
    ],
)
def test_an_unknown_document_is_one_clear_error(library: Library, call: Callable) -> None:
    with pytest.raises(StoreError) as caught:
        call(library)
    assert caught.value.code == "not_found"
    assert library.threads() == []
    assert library.collections() == []


def test_renaming_changes_the_title_and_nothing_else(library: Library, given: Callable) -> None:
    source, document, file = given()
    library.add_document(source, document, file)
    library.rename(document.id, "  Flat in\nHall Street 4/5 ")
    assert library.item(document.id).title == "Flat in Hall Street 4/5"
    assert library.document(document.id).text == document.text
    with pytest.raises(UserError):
        library.rename(document.id, "  ")


def test_token_counts_are_kept_for_each_tokenizer(library: Library, given: Callable) -> None:
    source, document, file = given()
    library.add_document(source, document, file)
    assert library.token_count(document.id, "a") is None
    library.set_token_count(document.id, "a", 7)
    library.set_token_count(document.id, "a", 8)
    library.set_token_count(document.id, "b", 9)
    assert (library.token_count(document.id, "a"), library.token_count(document.id, "b")) == (8, 9)


def test_everything_is_there_after_closing_and_opening_again(settings: Settings, given: Callable) -> None:
    source, document, file = given()
    with Library(settings) as library:
        library.add_document(source, document, file)
        marker = library.marker(document.id)
    with Library(settings) as library:
        assert library.document(document.id) == document
        assert library.marker(document.id) == marker


def test_a_closed_library_says_so(settings: Settings) -> None:
    library = Library(settings)
    library.close()
    library.close()
    with pytest.raises(StoreError) as caught:
        library.documents()
    assert caught.value.code == "closed"


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(text=st.text(max_size=200) | st.text(st.characters(categories=["Cs", "L"]), max_size=20))
def test_any_text_is_stored_exactly_even_with_broken_characters(text: str) -> None:
    assert unpack_text(pack_text(text)) == text
    assert len(storable(text)) == len(text)
    storable(text).encode("utf-8")
