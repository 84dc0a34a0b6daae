"""A zip whose bytes depend on its members alone: stored, sorted, one date."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_DATE = (2026, 1, 5, 9, 0, 0)
_UNIX = 3
_ORDINARY_FILE = 0o100644 << 16


def stored_zip(members: Mapping[str, str | bytes]) -> bytes:
    """Return a zip of members, [Content_Types].xml first as office programs expect. Nothing is compressed:
    what zlib makes of the same bytes differs from machine to machine."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members, key=lambda n: (not n.startswith("["), n)):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system = _UNIX
            info.external_attr = _ORDINARY_FILE
            archive.writestr(info, members[name])
    return file.getvalue()
