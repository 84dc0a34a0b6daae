"""Small sources that browser tests make themselves."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

NOTICE = "The tenant may end this lease by giving ninety days of written notice."
AMENDED = "Clause 4 is amended: the tenant may end this lease by giving thirty days of written notice."


def lease(folder: Path, pages: int = 6, name: str = "contract.pdf") -> Path:
    """Write a PDF: NOTICE on page 2, AMENDED on the last but one, no text on page 3."""
    from reportlab.pdfgen import canvas

    path = folder / name
    sheet = canvas.Canvas(str(path), pagesize=(420, 595), invariant=True)
    for page in range(1, pages + 1):
        if page == 3:
            sheet.rect(60, 200, 300, 200)
        else:
            sheet.setFont("Times-Roman", 11)
            lines = [f"{page}. General provisions of part {page}."]
            lines += [f"The parties agree on matter {page}.{n} of the schedule." for n in range(1, 12)]
            if page == 2:
                lines.insert(6, NOTICE)
            if page == pages - 1:
                lines.insert(4, AMENDED)
            for n, line in enumerate(lines):
                sheet.drawString(40, 540 - 18 * n, line)
        sheet.showPage()
    sheet.save()
    return path


def code(folder: Path, name: str = "kiosk.zip", extra: str = "") -> Path:
    """Write a zip of a small code base with an ignored folder, a binary and a secret."""
    files = {
        "kiosk/.gitignore": "node_modules/\n",
        "kiosk/cart.py": "def total(items):\n    raw = sum(items)\n    return round(raw, 2)\n" + extra,
        "kiosk/checkout.py": "from cart import total\n\n\ndef pay(items):\n    return total(items)\n",
        "kiosk/tests/test_cart.py": "from cart import total\n\n\ndef test_total():\n    assert total([1]) == 1\n",
        "kiosk/config/keys.py": 'AWS_KEY = "AKIA' + "QZ7RM4XK2TVW9PLB"[:16] + '"\n',
        "kiosk/node_modules/left.js": "x = 1\n",
        "kiosk/README.md": "# Kiosk\n\nA small shop.\n",
    }
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for label, text in files.items():
            archive.writestr(label, text)
        archive.writestr("kiosk/logo.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)
    path = folder / name
    path.write_bytes(held.getvalue())
    return path
