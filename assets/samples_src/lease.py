"""The sample lease: 60 pages, printed labels i-iv then 1-56, page 33 a picture without text.

Lays out text/lease_*.txt and draws the plan. Nothing is compressed, so that the bytes
do not depend on a machine's zlib. locked.pdf is a short letter behind a password.
"""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFName, PDFStream
from reportlab.pdfgen.canvas import Canvas

PASSWORD = "heron"  # of locked.pdf, a sample
_TEXTS = Path(__file__).resolve().parent / "text"
_WIDTH, _HEIGHT = A4
_LEFT, _TOP, _MEASURE = 92.0, _HEIGHT - 96, _WIDTH - 184
_BODY, _LEADING = 12.5, 17.5
_COLUMNS = {2: (0, 400), 3: (0, 210, 300)}
_PLAN_WIDTH, _PLAN_HEIGHT = 600, 840  # pixels, one bit each


def pages() -> list[tuple[str, str]]:
    """Return (printed label, text) of each page."""
    found = []
    for part in sorted(_TEXTS.glob("lease_*.txt")):
        for page in part.read_text(encoding="utf-8").split("=== ")[1:]:
            label, _, text = page.partition("\n")
            found.append((label, text.strip()))
    return found


def lease() -> bytes:
    """Return lease.pdf."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=A4, invariant=1, pageCompression=0)
    canvas.setTitle("Lease of Shed 7, Old Harbour, Vellmar")
    canvas.setAuthor("Vellmar Harbour Trust")
    canvas.addPageLabel(0, style="ROMAN_LOWER", start=1)
    canvas.addPageLabel(4, style="ARABIC", start=1)
    for label, text in pages():
        if text == "[plan]":
            _draw_plan(canvas)
        else:
            _draw_page(canvas, label, text)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def locked() -> bytes:
    """Return locked.pdf: one page that opens with PASSWORD."""
    file = io.BytesIO()
    lock = StandardEncryption(PASSWORD, ownerPassword="owner", strength=128)
    canvas = Canvas(file, pagesize=A4, invariant=1, pageCompression=0, encrypt=lock)
    text = (
        "# Side letter\nThe code of the alarm in Shed 7 is kept in a sealed envelope at the night watch, Quay Street 4."
    )
    _draw_page(canvas, "1", text)
    canvas.showPage()
    canvas.save()
    return file.getvalue()


def _draw_page(canvas: Canvas, label: str, text: str) -> None:
    y = _TOP
    for block in text.split("\n"):
        if not block:
            y -= 0.55 * _LEADING
        elif block.startswith("#"):
            size = 17 if block.startswith("# ") else 14
            title = block.lstrip("# ")
            if size == 17 and "continued" not in title:
                canvas.bookmarkPage(label)
                canvas.addOutlineEntry(title, label)
            y = _draw_lines(canvas, title, y, "Times-Bold", size) - 4
        elif block.startswith("|"):
            cells = [cell.strip() for cell in block.strip("|").split("|")]
            canvas.setFont("Times-Roman", _BODY)
            for cell, x in zip(cells, _COLUMNS[len(cells)], strict=True):
                canvas.drawString(_LEFT + x, y, cell)
            y -= _LEADING
        else:
            y = _draw_lines(canvas, block, y, "Times-Roman", _BODY)
    if y < 80:
        raise ValueError(f"page {label} does not fit on its paper")
    canvas.setFont("Times-Roman", 11)
    canvas.drawCentredString(_WIDTH / 2, 52, label)


def _draw_lines(canvas: Canvas, text: str, y: float, font: str, size: float) -> float:
    """Draw text in lines of the page's measure and return where the next line goes."""
    canvas.setFont(font, size)
    for line in simpleSplit(text, font, size, _MEASURE):
        canvas.drawString(_LEFT, y, line)
        y -= 1.4 * size
    return y


def _draw_plan(canvas: Any) -> None:
    """Put the plan on the page as an uncompressed image, by hand because reportlab always compresses images."""
    content = _plan()
    shape = {
        "Type": PDFName("XObject"),
        "Subtype": PDFName("Image"),
        "Width": _PLAN_WIDTH,
        "Height": _PLAN_HEIGHT,
        "ColorSpace": PDFName("DeviceGray"),
        "BitsPerComponent": 1,
    }
    document = canvas._doc
    name = document.getXObjectName("plan")
    document.addForm("plan", PDFStream(PDFDictionary(shape), content, filters=[]))
    canvas._code.append(f"q {_WIDTH - 60:.2f} 0 0 {_HEIGHT - 60:.2f} 30 30 cm /{name} Do Q")
    canvas._formsinuse.append("plan")


def _plan() -> bytes:
    """Return a scanned drawing of the shed: rows of one-bit pixels, white is 1."""
    rows = [bytearray(b"\xff" * (_PLAN_WIDTH // 8)) for _ in range(_PLAN_HEIGHT)]

    def ink(x: int, y: int) -> None:
        rows[y][x // 8] &= ~(0x80 >> x % 8) & 0xFF

    def box(x0: int, y0: int, x1: int, y1: int, thick: int = 2) -> None:
        for x in range(x0, x1 + 1):
            for k in range(thick):
                ink(x, y0 + k)
                ink(x, y1 - k)
        for y in range(y0, y1 + 1):
            for k in range(thick):
                ink(x0 + k, y)
                ink(x1 - k, y)

    box(90, 180, 470, 640, 5)  # the shed
    box(90, 110, 320, 180, 4)  # its lean-to
    box(480, 300, 560, 700)  # the slipway
    box(100, 560, 160, 630, 3)  # the winch
    for k in range(11):
        box(95, 200 + 40 * k, 465, 201 + 40 * k, 1)  # trusses
    for x in range(90, 470, 9):  # the yard, hatched
        for y in range(650, 780):
            if (x + y) % 18 == 0:
                ink(x, y)
                ink(x + 1, y)
    rng = random.Random(33)
    for _ in range(900):  # dust on the glass of the scanner
        ink(rng.randrange(_PLAN_WIDTH), rng.randrange(_PLAN_HEIGHT))
    return b"".join(rows)
