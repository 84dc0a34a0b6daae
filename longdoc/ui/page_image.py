"""Pictures of PDF pages, each made in a child process with limits: a file that breaks pdfium breaks only that.

Run as `python -m longdoc.ui.page_image FILE PAGE WIDTH`; the picture goes to stdout as PNG.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import OrderedDict
from pathlib import Path

from longdoc.errors import SourceError

WIDTHS = (900, 1400, 2000)  # pixels
_TIMEOUT_S = 30
_MEMORY_BYTES = 3 << 30
_KEPT = 24
_lock = threading.Lock()
_one_at_a_time = threading.Lock()
_made: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()


def page_image(path: Path, page: int, width: int) -> bytes:
    """Return page `page` (1-based) as PNG about `width` pixels wide; the last few are kept. Raises SourceError."""
    width = min((w for w in WIDTHS if w >= width), default=WIDTHS[-1])
    key = (str(path), page, width)
    with _lock:
        if key in _made:
            _made.move_to_end(key)
            return _made[key]
    with _one_at_a_time:
        picture = _run(path, page, width)
    with _lock:
        _made[key] = picture
        while len(_made) > _KEPT:
            _made.popitem(last=False)
    return picture


def _run(path: Path, page: int, width: int) -> bytes:
    command = [sys.executable, "-m", "longdoc.ui.page_image", str(path), str(page), str(width)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"Page {page} cannot be shown as a picture.", code="timeout") from error
    if done.returncode != 0 or not done.stdout.startswith(b"\x89PNG"):
        raise SourceError(f"Page {page} cannot be shown as a picture.", code="damaged")
    return done.stdout


def main(arguments: list[str]) -> int:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_TIMEOUT_S, _TIMEOUT_S))
    import pypdfium2 as pdfium

    path, page, width = arguments[0], int(arguments[1]), int(arguments[2])
    with pdfium.PdfDocument(path) as document:
        if not 1 <= page <= len(document):
            return 1
        opened = document[page - 1]
        scale = min(width / max(opened.get_width(), 1), 4000 / max(opened.get_height(), 1))
        opened.render(scale=scale).to_pil().save(sys.stdout.buffer, "PNG")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
