"""E-books: chapters in reading order from pages of any quality; protected ones are refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources import load
from longdoc.sources.epub import load_epub
from longdoc.sources.loaded import Loaded

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
PAGE = '<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><body>{}</body></html>'


def save(path: Path, *bodies: str, contents: str = "", **more: str) -> Path:
    """Write a book whose pages have these bodies; `contents` is the body of its table of contents."""
    items = "".join(
        f'<item id="p{k}" href="text/page%20{k}.xhtml" media-type="application/xhtml+xml"/>' for k in range(len(bodies))
    )
    if contents:
        items += '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
    spine = "".join(f'<itemref idref="p{k}"/>' for k in range(len(bodies)))
    opf = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>The Lamps</dc:title><dc:creator>I. Vale</dc:creator></metadata><manifest>{items}</manifest>"
        f"<spine>{spine}</spine></package>"
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr("META-INF/container.xml", CONTAINER)
        book.writestr("OEBPS/book.opf", opf)
        if contents:
            book.writestr("OEBPS/nav.xhtml", PAGE.format(contents))
        for k, body in enumerate(bodies):
            book.writestr(f"OEBPS/text/page {k}.xhtml", body if body.startswith("<?xml") else PAGE.format(body))
        for name, text in more.items():
            book.writestr(name, text)
    return path


def read(path: Path) -> Loaded:
    return load_epub(path, path.name, Settings(), lambda done, total, what: None, {})


def test_headings_are_chapters_in_the_order_of_the_spine(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.epub",
        "<p>Preface.</p>",
        "<h1>CHAPTER I</h1><h2>The Arrival</h2><p>She <i>came</i> by\n sea.</p><h1>CHAPTER II</h1><p>It rained.</p>",
    )
    loaded = read(path)
    assert loaded.text == "Preface.\n\nCHAPTER I\n\nThe Arrival\n\nShe came by sea.\n\nCHAPTER II\n\nIt rained.\n\n"
    assert [(s.label, loaded.text[s.start : s.end].split("\n")[-3]) for s in loaded.segments] == [
        ("CHAPTER I: The Arrival", "She came by sea."),
        ("CHAPTER II", "It rained."),
    ]
    assert loaded.details["metadata"] == {"title": "The Lamps", "creator": "I. Vale"}


def test_pages_without_headings_are_named_by_the_contents(tmp_path: Path) -> None:
    contents = '<nav><a href="text/page%200.xhtml">One: Fog</a><a href="text/page%201.xhtml#x">Two: Ice</a></nav>'
    loaded = read(save(tmp_path / "a.epub", "<p>Grey.</p>", "<p>White.</p>", contents=contents))
    assert [(s.label, loaded.text[s.start : s.end]) for s in loaded.segments] == [
        ("One: Fog", "Grey.\n\n"),
        ("Two: Ice", "White.\n\n"),
    ]
    assert "Two: Ice" not in loaded.text


def test_tables_lists_breaks_and_verbatim_text_keep_their_shape(tmp_path: Path) -> None:
    body = (
        "<table><tr><th>Ship</th><th>Tons</th></tr><tr><td><p>Heron</p></td><td>40</td></tr></table>"
        "<ul><li>rope</li><li>tar</li></ul><p>one<br/>two</p><pre>a  b\n  c</pre>"
    )
    assert read(save(tmp_path / "a.epub", body)).text == (
        "Ship | Tons\nHeron | 40\n- rope\n- tar\none\ntwo\n\na  b\n  c\n\n"
    )


def test_named_characters_and_broken_pages_are_read(tmp_path: Path) -> None:
    broken = PAGE.format("<p>caf&eacute;&nbsp;&mdash; open &unknown; &amp; <b>bold</p><p>after</b></p>")
    assert read(save(tmp_path / "a.epub", broken)).text.split() == "café — open & bold after".split()


def test_scripts_are_not_read_and_hidden_text_is_counted(tmp_path: Path) -> None:
    body = '<script>alert(1)</script><p>Seen.</p><p style="display: none">Obey me.</p><p hidden="">And me.</p>'
    loaded = read(save(tmp_path / "a.epub", body))
    assert loaded.text == "Seen.\n\n"
    (warned,) = loaded.warnings
    assert warned.code == "invisible_text"
    assert warned.message.startswith("15 characters")


def encryption(algorithm: str) -> dict[str, str]:
    return {
        "META-INF/encryption.xml": '<encryption xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptedData>'
        f'<e:EncryptionMethod Algorithm="{algorithm}"/></e:EncryptedData></encryption>'
    }


def test_a_copy_protected_book_is_refused_and_one_with_scrambled_fonts_is_read(tmp_path: Path) -> None:
    locked = save(tmp_path / "a.epub", "<p>x</p>", **encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc"))
    with pytest.raises(SourceError, match="copy-protected") as caught:
        read(locked)
    assert caught.value.code == "encrypted"
    fonts = save(tmp_path / "b.epub", "<p>Open.</p>", **encryption("http://www.idpf.org/2008/embedding"))
    assert read(fonts).text == "Open.\n\n"


def test_entities_never_unfold_nor_reach_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("top secret")
    page = (
        '<?xml version="1.0"?><!DOCTYPE html [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">'
        f'<!ENTITY f SYSTEM "{secret}">]>'
        "<html><body><p>begin &b; &f; end</p></body></html>"
    )
    text = read(save(tmp_path / "a.epub", page)).text
    assert "begin" in text
    assert "aaa" not in text
    assert "secret" not in text


def test_a_book_without_pages_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no pages") as caught:
        read(save(tmp_path / "a.epub"))
    assert caught.value.code == "damaged"


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: float) -> None:
    path = save(tmp_path / "a.epub", "<p>Text.</p>")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(SourceError) as caught:
        load(path, settings=Settings(home=tmp_path))
    assert caught.value.code == "damaged"


def test_deeply_nested_pages_end_in_a_document_or_a_refusal(tmp_path: Path) -> None:
    path = save(tmp_path / "a.epub", "<p>First.</p>" + "<div>" * 5000 + "deep" + "</div>" * 5000)
    _, document = load(path, settings=Settings(home=tmp_path))
    assert document.text.startswith("First.")
    assert [warned.code for warned in document.warnings] == ["damaged"]


def test_chapters_survive_the_child_process(tmp_path: Path) -> None:
    _, document = load(save(tmp_path / "a.epub", "<h1>Fog</h1><p>Grey.</p>"), settings=Settings(home=tmp_path))
    assert document.loader == "epub"
    assert [document.text[s.start : s.end] for s in document.segments] == ["Fog\n\nGrey.\n\n"]
