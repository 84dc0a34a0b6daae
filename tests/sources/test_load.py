"""Every registered format is read through the one way in, and whatever is wrong is one clear sentence."""

from __future__ import annotations

import io
import json
import os
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from longdoc.errors import SourceError, Stopped
from longdoc.files import sha256_file
from longdoc.settings import Settings
from longdoc.sources import FORMATS, load
from longdoc.types import Document, Source

# Recordings are heard, not read: tests/sources/test_audio.py and tests/speech/ have them.
WRITTEN = [name for name, row in FORMATS.items() if not row.own_child]
WORDS = "The tenant gives notice of ninety days."


def _pdf() -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.drawString(72, 720, WORDS)
    canvas.save()
    return buffer.getvalue()


def _docx() -> bytes:
    from docx import Document as Word

    document, buffer = Word(), io.BytesIO()
    document.add_paragraph(WORDS)
    document.save(buffer)
    return buffer.getvalue()


def _pptx() -> bytes:
    from pptx import Presentation

    presentation, buffer = Presentation(), io.BytesIO()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = WORDS
    presentation.save(buffer)
    return buffer.getvalue()


def _xlsx() -> bytes:
    from openpyxl import Workbook

    workbook, buffer = Workbook(), io.BytesIO()
    workbook.active["A1"] = WORDS
    workbook.save(buffer)
    return buffer.getvalue()


def _epub() -> bytes:
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
        '<rootfile full-path="b.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Lease</dc:title></metadata>'
        '<manifest><item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="c"/></spine></package>'
    )
    page = f'<html xmlns="http://www.w3.org/1999/xhtml"><body><p>{WORDS}</p></body></html>'
    members = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": container,
        "b.opf": package,
        "c.xhtml": page,
    }
    return _zip(members)


def _zip(members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


# One row a format; a format without a row fails below.
SAMPLES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "pdf": ("lease.pdf", _pdf),
    "docx": ("lease.docx", _docx),
    "pptx": ("lease.pptx", _pptx),
    "xlsx": ("lease.xlsx", _xlsx),
    "epub": ("lease.epub", _epub),
    "text": ("lease.txt", lambda: f"{WORDS}\n".encode()),
    "markdown": ("lease.md", lambda: f"# Notice\n\n{WORDS}\n".encode()),
    "html": ("lease.html", lambda: f"<html><h1>Notice</h1><p>{WORDS}</p></html>".encode()),
    "csv": ("lease.csv", lambda: f"clause,words\n1,{WORDS}\n2,more\n".encode()),
    "json": ("lease.json", lambda: json.dumps({"notice": WORDS}).encode()),
    "jsonl": ("lease.jsonl", lambda: f'{{"a": "{WORDS}"}}\n{{"a": 1}}\n'.encode()),
    "ipynb": ("lease.ipynb", lambda: json.dumps({"cells": [{"cell_type": "markdown", "source": WORDS}]}).encode()),
    "srt": ("lease.srt", lambda: f"1\n00:00:01,000 --> 00:00:02,000\n{WORDS}\n".encode()),
    "vtt": ("lease.vtt", lambda: f"WEBVTT\n\n00:01.000 --> 00:02.000\n{WORDS}\n".encode()),
    "code": ("lease.py", lambda: f'NOTICE = "{WORDS}"\n'.encode()),
    "codebase": ("lease.zip", lambda: _zip({"lease.py": f'NOTICE = "{WORDS}"\n'})),
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write(name: str, data: bytes) -> Path:
        path = tmp_path / "sources" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path

    return write


def _exact(document: Document) -> None:
    position = 0
    for segment in document.segments:
        assert position <= segment.start < segment.end <= len(document.text)
        assert segment.label
        position = segment.end
    json.dumps(document.details, allow_nan=False)
    document.text.encode("utf-8")


@pytest.mark.parametrize("name", WRITTEN)
def test_every_format_gives_its_words_with_exact_segments(name: str, put, settings: Settings):
    file_name, make = SAMPLES[name]
    path = put(file_name, make())
    steps: list[tuple[int, int, str]] = []
    source, document = load(path, settings=settings, on_progress=lambda *step: steps.append(step))
    assert document.loader == name
    assert WORDS in document.text
    _exact(document)
    assert source == Source(sha256_file(path), file_name, FORMATS[name].media_type, path.stat().st_size, str(path))
    assert document.source_id == source.id
    assert document.title
    assert all(0 <= done <= max(total, done) and what for done, total, what in steps)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_lying_extension_changes_nothing(name: str, put, settings: Settings):
    data = SAMPLES[name][1]()
    if name in ("csv", "markdown", "code"):
        pytest.skip("kinds of text that only their names tell from plain text")
    _, document = load(put("photo.png", data), settings=settings)
    assert document.loader == name
    assert WORDS in document.text


@pytest.mark.parametrize("name", WRITTEN)
def test_half_a_file_is_a_document_or_one_clear_error(name: str, put, settings: Settings):
    file_name, make = SAMPLES[name]
    data = make()
    try:
        _, document = load(put(file_name, data[: len(data) // 2]), settings=settings)
    except SourceError as error:
        _clear(error, file_name)
    else:
        _exact(document)


def _clear(error: SourceError, name: str) -> None:
    assert error.code in SourceError.__doc__ or error.code == "unreadable"
    assert name in error.message
    assert error.next_step
    assert "Traceback" not in str(error)
    assert "\n" not in str(error)


def test_the_same_bytes_have_the_same_identity(put, settings: Settings):
    first = load(put("a.txt", b"words\n"), settings=settings)
    second = load(put("b.txt", b"words\n"), settings=settings)
    other = load(put("c.txt", b"other\n"), settings=settings)
    assert first[0].id == second[0].id != other[0].id
    assert first[1].id == second[1].id != other[1].id


def test_a_folder_is_known_by_its_source(tmp_path: Path, settings: Settings):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text("a = 1\n")
    one, two = load(tmp_path / "one", settings=settings), load(tmp_path / "two", settings=settings)
    assert one[0].id == two[0].id
    assert one[0].media_type == "inode/directory"
    assert one[1].loader == "codebase"
    (tmp_path / "two" / "a.py").rename(tmp_path / "two" / "b.py")
    assert load(tmp_path / "two", settings=settings)[0].id != one[0].id


def test_the_name_given_is_the_name_shown(put, settings: Settings):
    source, document = load(put("3f2a", b"words\n"), name="../my\u202elease.txt", settings=settings)
    assert source.name == document.title == "my\N{REPLACEMENT CHARACTER}lease.txt"


def test_options_reach_the_loader(put, settings: Settings):
    path = put("shop.zip", _zip({"a.py": "a = 1\n", "b.c": "int b;\n"}))
    assert load(path, settings=settings, options={"include": ["*.c"]})[1].text == "int b;\n"


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("empty.txt", b"", "empty"),
        ("blank.txt", b" \n\t\n", "no_text"),
        ("photo.txt", b"\x89PNG\r\n\x1a\n" + bytes(50), "unsupported"),
        ("binary.txt", bytes(range(256)) * 10, "unsupported"),
        ("broken.zip", b"PK\x03\x04" + bytes(100), "damaged"),
        ("broken.pdf", b"%PDF-1.7\n" + b"\x9c\x81" * 500, "damaged"),
        ("broken.ipynb", b'{"cells": [{"cell_type": 1', "damaged"),
        ("large.txt", b"x" * 2000, "too_large"),
    ],
)
def test_what_cannot_be_read_is_one_clear_sentence(name: str, data: bytes, code: str, put, settings: Settings):
    with pytest.raises(SourceError) as caught:
        load(put(name, data), settings=replace(settings, max_source_bytes=5000, max_text_characters=1000))
    assert caught.value.code == code
    _clear(caught.value, name)


def test_a_missing_file_is_one_clear_sentence(tmp_path: Path, settings: Settings):
    with pytest.raises(SourceError) as caught:
        load(tmp_path / "none.pdf", settings=settings)
    assert caught.value.code == "not_found"
    _clear(caught.value, "none.pdf")


def test_stop_before_the_start_stops(put, settings: Settings):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        load(put("a.txt", b"words\n"), settings=settings, stop=stop)


def test_a_file_that_changes_while_it_is_read_is_refused(put, settings: Settings):
    path = put("a.txt", b"words\n")
    with pytest.raises(SourceError) as caught:
        load(path, settings=settings, on_progress=lambda *step: path.write_bytes(b"other words\n"))
    _clear(caught.value, "a.txt")


HOSTILE_NAMES = [
    "a\nb.txt", "a\tb.txt", "a\rb.txt", "\x1b[31mred.txt", "rtl\u202etxt.exe", "zero\u200bwidth.txt",
    "tag\U000e0041.txt",
    "-rf", "--help", "-", "~", "$HOME.txt", "`id`.txt", "$(id).txt", ";ls;.txt", "a|b.txt", "a&b.txt", "%s%n.txt",
    "{0}.txt", "<img src=x onerror=alert(1)>.txt", "'; DROP TABLE documents;--.txt", '"quoted".txt', "a\\b.txt",
    "CON.txt", "aux", ".hidden", "..txt", "x" * 250, "日本語" * 20 + ".txt", "e\u0301\u0327" * 30 + ".txt", " lead.txt",
    "trail .txt ", b"\xff\xfe.txt", b"\xc3\x28.txt", "[1] doc.txt", "<|im_start|>.txt",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=[str(n) for n in range(len(HOSTILE_NAMES))])
def test_odd_file_names_are_read_and_shown_safely(name: str | bytes, tmp_path: Path, settings: Settings):
    folder = os.fsencode(tmp_path / "odd")
    os.mkdir(folder)
    full = os.path.join(folder, os.fsencode(name))
    with open(full, "wb") as file:
        file.write(WORDS.encode())
    source, document = load(Path(os.fsdecode(full)), settings=settings)
    assert WORDS in document.text
    for shown in (source.name, document.title):
        shown.encode("utf-8")
        assert shown.isprintable()
        assert "\u202e" not in shown
        assert 0 < len(shown) <= 120
    assert os.listdir(folder) == [os.fsencode(name)]


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_odd_names_inside_a_code_base_are_labels_only(kind: str, tmp_path: Path, settings: Settings):
    names = [name for name in HOSTILE_NAMES if isinstance(name, str)]
    if kind == "folder":
        path = tmp_path / "odd"
        path.mkdir()
        for name in names:
            (path / name).write_text(f"{WORDS}\n")
    else:
        path = tmp_path / "odd.zip"
        path.write_bytes(_zip({**dict.fromkeys(names, f"{WORDS}\n"), "../../up.txt": "harm\n", "/abs.txt": "harm\n"}))
    before = sorted(entry.name for entry in tmp_path.iterdir())
    _, document = load(path, settings=settings)
    _exact(document)
    assert document.text.count(WORDS) > 25
    assert "harm" not in document.text
    for segment in document.segments:
        assert "\n" not in segment.label
        assert "\u202e" not in segment.label
    assert sorted(entry.name for entry in tmp_path.iterdir()) == before
