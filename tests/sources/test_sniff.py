"""A file is what its bytes say, whatever it is called."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.sniff import container_media_type, require_readable, sniff

PROSE = b"""The tenant shall give notice in writing.
It takes effect after ninety days, or, where the annex says so, after thirty.
Nothing else ends this lease, save by consent.
"""


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("a.py")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"a=1\n"))
    return buffer.getvalue()


def content_types(part: str) -> bytes:
    kind = f"application/vnd.openxmlformats-officedocument.{part}.main+xml"
    return f'<Types><Override ContentType="{kind}"/></Types>'.encode()


NOTEBOOK = json.dumps({"cells": [{"cell_type": "code", "source": "1"}], "nbformat": 4}).encode()
SRT = b"1\n00:00:01,000 --> 00:00:02,000\nHello\n"

READ = {
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "docx": zipped({"[Content_Types].xml": content_types("wordprocessingml.document"), "word/document.xml": b"<x/>"}),
    "pptx": zipped({"[Content_Types].xml": content_types("presentationml.presentation")}),
    "xlsx": zipped({"[Content_Types].xml": content_types("spreadsheetml.sheet")}),
    "epub": zipped({"mimetype": b"application/epub+zip", "META-INF/container.xml": b"<x/>"}),
    "codebase": zipped({"src/a.py": b"a = 1\n"}),
    "html": b"<!DOCTYPE html><html><body><p>Hello</p></body></html>",
    "json": b'{"name": "lease",\n "rent": 1240}',
    "jsonl": b'{"a": 1}\n{"a": 2}\n{"a": 3}\n',
    "ipynb": NOTEBOOK,
    "srt": SRT,
    "vtt": b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n",
    "csv": b"city,population,founded\nDelft,103595,1246\nLeiden,124899,1266\nGouda,73681,1272\n",
    "markdown": b"# Lease\n\nText with a [link](https://example.org).\n\n- one\n- two\n",
    "text": PROSE,
}


@pytest.mark.parametrize("name", ["right", "file", "file.txt.bak", "picture.png", "thesis.doc"])
@pytest.mark.parametrize("expected", READ)
def test_content_decides_under_any_name(expected: str, name: str, tmp_path: Path):
    path = tmp_path / "x"
    path.write_bytes(READ[expected])
    assert sniff(path, f"a.{expected}" if name == "right" else name) == expected


@pytest.mark.parametrize("extension", [".pdf", ".docx", ".zip", ".html", ".csv", ".json", ".ipynb", ".srt", ".epub"])
def test_prose_under_a_lying_name_is_text(extension: str, tmp_path: Path):
    path = tmp_path / "x"
    path.write_bytes(PROSE)
    assert sniff(path, "lease" + extension) == "text"


@pytest.mark.parametrize("name", ["call.mp3", "Call.WAV", "call.ogg", "call.mp4"])
@pytest.mark.parametrize("kind", ["text", "srt", "html", "json", "markdown"])
def test_text_under_the_name_of_a_recording_is_refused_and_said_to_be_text(kind: str, name: str, tmp_path: Path):
    path = tmp_path / "x"
    path.write_bytes(READ[kind])
    with pytest.raises(SourceError, match="is not a recording that can be read: it holds text") as caught:
        sniff(path, name)
    assert caught.value.code == "unsupported"
    assert caught.value.next_step == "If it is to be read as text, give it a name that ends in .txt."


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.py", b"import os\n", "code"),
        ("Makefile", b"all:\n\techo\n", "code"),
        ("script", b"#!/bin/sh\necho\n", "code"),
        ("a.md", PROSE, "markdown"),
        ("a.tsv", b"a\tb\n1\t2\n", "csv"),
        ("a.csv", b"name;age\nMara;41\n", "csv"),
        ("a.html", b"<p>One</p> and <b>two", "html"),
        ("a.txt", b"<?xml version='1.0'?><!-- x --><html xmlns='x'><body/></html>", "html"),
        ("a.py", b'PAGE = "<html><body></body></html>"\n', "code"),
        ("a.svg", b"<svg xmlns='x'><text>hi</text></svg>", "text"),
        ("a.txt", b"%PDF- is how such files begin, as everyone in this office knows by heart.", "pdf"),
        ("a.py", b'MAGIC = b"%PDF-"\n', "code"),
        ("a.txt", b"GGUF is a format. BM is a bank, ID3 a tag and RIFF a mountain chain.\n", "text"),
        ("a.txt", "[1] A note that begins with a bracket.\n".encode("utf-16"), "text"),
        ("a.jsonl", b'{"a": 1}\n', "jsonl"),
        ("a.log", b"2024-01-01 INFO start, all well\n2024-01-01 WARN low, very low\n", "text"),
        ("a.tar", tarred(), "codebase"),
        ("a.tgz", gzip.compress(tarred()), "codebase"),
        ("a.txt", b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "audio"),
        ("a.pdf", b"ID3\x04\0\0\0\0\0\0", "audio"),
        ("a.mp3", b"\xff\xfb\x90\x64" + bytes(100), "audio"),
        ("a", b"fLaC\0\0\0\x22", "audio"),
        ("a.ogg", b"OggS\0\x02\0\0", "audio"),
        ("a.m4a", b"\0\0\0\x20ftypM4A \0\0", "audio"),
        ("a.mp4", b"\0\0\0\x20ftypisom\0\0", "audio"),
        ("a.webm", b"\x1a\x45\xdf\xa3\x01\0\0", "audio"),
    ],
)
def test_names_choose_only_among_kinds_of_text(name: str, data: bytes, expected: str, tmp_path: Path):
    path = tmp_path / "x"
    path.write_bytes(data)
    assert sniff(path, name) == expected


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "an image (PNG)"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "an image (JPEG)"),
        (b"GIF89a\x01\0\x01\0\x80\0\0", "an image (GIF)"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "an image (WebP)"),
        (b"RIFF\x24\0\0\0AVI LIST", "a video (AVI)"),
        (b"FORM\0\0\0\x24AIFFCOMM", "an audio recording (AIFF)"),
        (b"\x7fELF\x02\x01\x01\0", "a program (Linux)"),
        (b"MZ\x90\0\x03\0\0\0", "a program (Windows)"),
        (b"SQLite format 3\0\x10\0", "a database (SQLite)"),
        (b"{\\rtf1\\ansi Hello}", "an RTF document"),
        (b"%!PS-Adobe-3.0\nshowpage\n", "a PostScript file"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "an archive (7z)"),
        (b"Rar!\x1a\x07\x01\0", "an archive (RAR)"),
        (gzip.compress(PROSE), "a compressed single file (gzip)"),
        (zipped({"mimetype": b"application/vnd.oasis.opendocument.text"}), "an OpenDocument file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "an old Word document (DOC)"),
        (random.Random(0).randbytes(5000), "a binary file"),
        (PROSE + bytes(2000), "a binary file"),
    ],
)
@pytest.mark.parametrize("name", ["report.txt", "report.pdf"])
def test_what_cannot_be_read_is_named_with_a_next_step(data: bytes, words: str, name: str, tmp_path: Path):
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(SourceError) as caught:
        sniff(path, name)
    assert caught.value.code == "unsupported"
    assert words in caught.value.message
    assert name in caught.value.message
    assert caught.value.next_step


def test_a_protected_office_file_is_said_to_be_protected(tmp_path: Path):
    path = tmp_path / "x.docx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"))
    with pytest.raises(SourceError) as caught:
        sniff(path, "x.docx")
    assert caught.value.code == "encrypted"


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04", b"PK\x03\x04" + bytes(500), READ["docx"][:-30], b"\x1f\x8b\x08\0broken"]
)
def test_a_damaged_container_is_said_to_be_damaged(data: bytes, tmp_path: Path):
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(SourceError) as caught:
        sniff(path, "x.docx")
    assert caught.value.code == "damaged"


def test_a_directory_of_a_million_entries_is_refused_before_it_is_built(tmp_path: Path):
    path = tmp_path / "x.zip"
    directory = (b"PK\x01\x02" + bytes(42)) * 60_000
    end = b"PK\x05\x06" + bytes(8) + len(directory).to_bytes(4, "little") + bytes(4) + bytes(2)
    path.write_bytes(b"PK\x03\x04" + bytes(26) + directory + end)
    with pytest.raises(SourceError) as caught:
        sniff(path, "x.zip")
    assert caught.value.code == "bomb"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda p: None, "not_found"),
        (lambda p: p.write_bytes(b""), "empty"),
        (lambda p: os.mkfifo(p), "unsupported"),
        (lambda p: p.write_bytes(b"x" * 101), "too_large"),
        (lambda p: p.symlink_to(p), "unreadable"),
    ],
)
def test_paths_that_hold_no_readable_file(make, code: str, tmp_path: Path):
    path = tmp_path / "x"
    make(path)
    with pytest.raises(SourceError) as caught:
        require_readable(path, "x", replace(Settings(), max_source_bytes=100))
    assert caught.value.code == code
    assert caught.value.next_step


def test_containers_have_their_media_types(tmp_path: Path):
    (tmp_path / "z").write_bytes(READ["codebase"])
    (tmp_path / "t").write_bytes(tarred())
    (tmp_path / "g").write_bytes(gzip.compress(tarred()))
    found = [container_media_type(tmp_path / name) for name in ("z", "t", "g", ".")]
    assert found == ["application/zip", "application/x-tar", "application/gzip", "inode/directory"]
