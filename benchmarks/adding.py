"""How long adding takes: a 300-page PDF and a code base of 2,000 files, made here and read as the app reads them.

    python -m benchmarks.adding [--pages 300] [--files 2000] [--json]

Prints seconds for reading alone (child process, hashing and checks included; indexing and
tokens come after). Goals: 10 s for the PDF, 20 s for the code base.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from longdoc.settings import Settings
from longdoc.sources import load

_LINES_A_PAGE = 46
_WORDS_A_LINE = 13
_LINES_A_FILE = 120


def make_pdf(path: Path, n_pages: int, rng: random.Random) -> None:
    """Write dense pages of invented words, about 3,800 characters each."""
    from reportlab.pdfgen.canvas import Canvas

    words = _words(rng)
    canvas = Canvas(str(path), invariant=1)
    for number in range(n_pages):
        text = canvas.beginText(60, 780)
        text.setFont("Times-Roman", 11)
        text.setLeading(15.5)
        for _ in range(_LINES_A_PAGE):
            text.textLine(" ".join(rng.choices(words, k=_WORDS_A_LINE)))
        canvas.drawText(text)
        canvas.drawCentredString(297, 40, str(number + 1))
        canvas.showPage()
    canvas.save()


def make_codebase(path: Path, n_files: int, rng: random.Random) -> None:
    """Write a zip of Python files in nested folders, about 4 KB each."""
    words = _words(rng)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(".gitignore", "build/\n*.log\n")
        for number in range(n_files):
            folder = "/".join(rng.choices(words[:40], k=rng.randint(1, 4)))
            lines = [f'"""{" ".join(rng.choices(words, k=9))}."""', ""]
            while len(lines) < _LINES_A_FILE:
                name, argument, value = rng.choices(words, k=3)
                lines += [
                    f"def {name}({argument}):",
                    f"    {value} = {argument} + {rng.randint(0, 99)}",
                    f"    return {value}",
                    "",
                ]
            archive.writestr(f"{folder}/{rng.choice(words)}_{number}.py", "\n".join(lines))


def _words(rng: random.Random) -> list[str]:
    letters = "etaoinshrdlucmfwypvbgk"
    return ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(5000)]


def measure(make: Callable[[Path], None], name: str, home: Path) -> dict[str, float | int | str]:
    """Make a file and return how long reading it took, and what came out."""
    path = home / name
    make(path)
    begin, used = time.perf_counter(), _processor_s()
    _, document = load(path, settings=Settings(home=home))
    seconds, processor_s = time.perf_counter() - begin, _processor_s() - used
    return {
        "source": name,
        "source_bytes": path.stat().st_size,
        "segments": len(document.segments),
        "characters": len(document.text),
        "seconds": round(seconds, 2),
        "processor_s": round(processor_s, 2),
    }


def _processor_s() -> float:
    """Return the processor time of this process and of its children that ended: what a busy machine cannot blur."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    """Measure both and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        rows = [
            measure(lambda path: make_pdf(path, options.pages, rng), f"pages-{options.pages}.pdf", home),
            measure(lambda path: make_codebase(path, options.files, rng), f"files-{options.files}.zip", home),
        ]
    if options.json:
        json.dump(rows, sys.stdout, indent=1)
        print()
        return
    for row in rows:
        print(
            f"{row['source']:<16} {row['source_bytes']:>11,} bytes  {row['segments']:>6,} parts  "
            f"{row['characters']:>10,} characters  {row['seconds']:>6.2f} s"
            f"  ({row['processor_s']:.2f} s of processor)"
        )


if __name__ == "__main__":
    main()
