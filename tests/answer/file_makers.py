"""One small file of every format LongDoc reads, each holding the same fact."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

FACT = "The tenant must give thirty days of written notice."
BEFORE = "The house stands at the harbour and was built of grey stone by two brothers."
AFTER = "Letters go to the landlord and the keys hang beside the kitchen door."


def _text(path: Path) -> None:
    path.write_text(f"{BEFORE}\n\n{FACT}\n\n{AFTER}\n", encoding="utf-8")


def _markdown(path: Path) -> None:
    path.write_text(f"# House\n\n{BEFORE}\n\n## Notice\n\n{FACT} {AFTER}\n", encoding="utf-8")


def _html(path: Path) -> None:
    path.write_text(
        f"<!doctype html><html><head><title>House</title></head><body><h1>House</h1><p>{BEFORE}</p>"
        f"<script>x = 1</script><h2>Notice</h2><p>{FACT.replace('thirty', '<b>thirty</b>')}</p></body></html>",
        encoding="utf-8",
    )


def _csv(path: Path) -> None:
    path.write_text(f'clause,text\n1,"{BEFORE}"\n2,"{FACT}"\n3,"{AFTER}"\n', encoding="utf-8")


def _json(path: Path) -> None:
    path.write_text(json.dumps({"clauses": [{"n": 1, "text": BEFORE}, {"n": 2, "text": FACT}]}, indent=1))


def _jsonl(path: Path) -> None:
    path.write_text("".join(json.dumps({"n": n, "text": t}) + "\n" for n, t in enumerate((BEFORE, FACT, AFTER))))


def _notebook(path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": [f"# House\n{BEFORE}"]},
        {"cell_type": "code", "metadata": {}, "source": [f"notice = '{FACT}'\n"], "outputs": [], "execution_count": 1},
    ]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))


def _srt(path: Path) -> None:
    path.write_text(
        f"1\n00:00:01,000 --> 00:00:04,000\n{BEFORE}\n\n2\n00:01:05,000 --> 00:01:09,500\n{FACT}\n\n", encoding="utf-8"
    )


def _vtt(path: Path) -> None:
    path.write_text(
        f"WEBVTT\n\n00:01.000 --> 00:04.000\n<v Ann>{BEFORE}\n\n01:05.000 --> 01:09.500\n<v Bo>{FACT}\n",
        encoding="utf-8",
    )


def _code(path: Path) -> None:
    path.write_text(f'"""House."""\n\n\ndef notice():\n    # {FACT}\n    return 30\n', encoding="utf-8")


def _files() -> dict[str, str]:
    return {
        "house/README.md": f"# House\n\n{BEFORE}\n",
        "house/src/notice.py": f'def notice():\n    """{FACT}"""\n    return 30\n',
        "house/src/keys.py": "def keys():\n    return 2\n",
        "house/.gitignore": "build/\n",
        "house/build/out.py": "x = 1\n",
    }


def _folder(path: Path) -> None:
    for name, text in _files().items():
        file = path / name.removeprefix("house/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in _files().items():
            archive.writestr(name, text)


def _tar(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in _files().items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))


def _pdf(path: Path) -> None:
    from reportlab.pdfgen import canvas

    page = canvas.Canvas(str(path))
    for lines in ([BEFORE], [FACT[:32], FACT[32:].strip()], [AFTER]):
        for number, line in enumerate(lines):
            page.drawString(72, 700 - 14 * number, line)
        page.showPage()
    page.save()


def _docx(path: Path) -> None:
    from docx import Document

    made = Document()
    made.add_heading("House", 1)
    made.add_paragraph(BEFORE)
    made.add_heading("Notice", 1)
    made.add_paragraph(FACT)
    made.save(str(path))


def _pptx(path: Path) -> None:
    from pptx import Presentation

    made = Presentation()
    for title, text in (("House", BEFORE), ("Notice", FACT)):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = text
    made.save(str(path))


def _xlsx(path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = "Clauses"
    for row in (("clause", "text"), (1, BEFORE), (2, FACT)):
        sheet.append(row)
    book.save(path)


def _epub(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
            '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        )
        book.writestr(
            "book.opf",
            '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i">'
            '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>House</dc:title>'
            '<dc:identifier id="i">x</dc:identifier></metadata><manifest>'
            '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
            '<item id="b" href="b.xhtml" media-type="application/xhtml+xml"/></manifest>'
            '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>',
        )
        for name, title, text in (("a", "House", BEFORE), ("b", "Notice", FACT)):
            book.writestr(
                f"{name}.xhtml",
                f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{title}</title></head>'
                f"<body><h1>{title}</h1><p>{text}</p></body></html>",
            )


# One row for each format of longdoc.sources, and one for every way a code base can come.
MAKERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "text": ("house.txt", _text),
    "markdown": ("house.md", _markdown),
    "html": ("house.html", _html),
    "csv": ("house.csv", _csv),
    "json": ("house.json", _json),
    "jsonl": ("house.jsonl", _jsonl),
    "ipynb": ("house.ipynb", _notebook),
    "srt": ("house.srt", _srt),
    "vtt": ("house.vtt", _vtt),
    "code": ("house.py", _code),
    "codebase": ("house.zip", _zip),
    "codebase folder": ("house", _folder),
    "codebase tar": ("house.tar.gz", _tar),
    "pdf": ("house.pdf", _pdf),
    "docx": ("house.docx", _docx),
    "pptx": ("house.pptx", _pptx),
    "xlsx": ("house.xlsx", _xlsx),
    "epub": ("house.epub", _epub),
}
