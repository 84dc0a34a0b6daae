"""shop.zip: the small web shop beside this file, with what a real checkout also holds.

140 Python files that are read (28 of them tests) and, to be left out: installed
packages, a build folder named by .gitignore, a minified script, a picture, a lock file
and a settings file with a key. The key is made up here and opens nothing.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from pathlib import Path

from assets.samples_src.packing import stored_zip

_SOURCE = Path(__file__).resolve().parent / "shop"
_FAKE_KEY = hashlib.sha256(b"a key that opens nothing").hexdigest()[:40]
SECRET_PATH, SECRET_LINE = "deploy/production.env", 3

_OTHERS: dict[str, str] = {
    ".gitignore": "# not ours to keep\nnode_modules/\nbuild/\n*.sqlite\n/.gitignore\n",
    SECRET_PATH: f"SHOP_PORT=80\nSHOP_DATABASE=/var/lib/shop/shop.sqlite\nGATEWAY_SECRET_KEY={_FAKE_KEY}\n",
    "build/report.html": "<html><body>140 files, 0 warnings</body></html>\n",
    "node_modules/tiny-cart/package.json": '{"name": "tiny-cart", "version": "0.4.2", "main": "index.js"}\n',
    "node_modules/tiny-cart/index.js": "export const count = (lines) => lines.reduce((n, l) => n + l.count, 0);\n",
    "node_modules/tiny-cart/LICENSE": "MIT\n",
    "static/shop.min.js": "document.querySelectorAll('button').forEach(b=>b.onclick=()=>b.classList.add('done'));\n",
    "package-lock.json": '{"lockfileVersion": 3, "packages": {"node_modules/tiny-cart": {"version": "0.4.2"}}}\n',
}


def source_files() -> dict[str, str]:
    """Return the 140 source files by path."""
    paths = sorted(path for path in _SOURCE.rglob("*.py"))
    return {path.relative_to(_SOURCE).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def shop() -> bytes:
    """Return shop.zip."""
    return stored_zip({**source_files(), **_OTHERS, "static/lamp.png": _picture()})


def _picture() -> bytes:
    """Return a yellow square of 8 by 8 pixels as PNG, its data stored rather than compressed."""
    rows = (b"\0" + b"\xf5\xc5\x42" * 8) * 8
    stored = b"\x78\x01\x01" + struct.pack("<HH", len(rows), 0xFFFF - len(rows)) + rows
    stored += struct.pack(">I", zlib.adler32(rows))
    parts = ((b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)), (b"IDAT", stored), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
