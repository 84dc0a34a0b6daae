"""Text of damaged PDFs by way of pypdf, which rebuilds broken cross-references.

The last resort: lines without places. pypdf is slow and can be led astray, so pages
and characters are limited here and time and memory by the child process.
"""

from __future__ import annotations

import logging
from pathlib import Path

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.clean import clean
from longdoc.sources.loaded import Report
from longdoc.sources.pdf_geometry import Line
from longdoc.sources.pdf_page import PageText

_PLAIN_SIZE = 12.0


def recover_pages(path: Path, name: str, settings: Settings, report: Report) -> list[PageText | None]:
    """Return the pages that pypdf can find, None for one that it cannot read.

    Raises SourceError: damaged if there is none with text, encrypted, too_large.
    """
    import pypdf  # only damaged files need it

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    damaged = SourceError(
        f"{name} is damaged: it cannot be opened as a PDF.", code="damaged", next_step="Get or save the file again."
    )
    try:
        reader = pypdf.PdfReader(path, strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise SourceError(
                f"{name} is protected by a password, and damaged.", code="encrypted", next_step="Get or save it again."
            )
        n_pages = len(reader.pages)
    except SourceError:
        raise
    except Exception as error:  # on damaged files pypdf raises many kinds outside its own tree
        raise damaged from error
    if n_pages > settings.max_pages:
        raise SourceError(
            f"{name} has {n_pages:,} pages, more than the limit of {settings.max_pages:,}.",
            code="too_large",
            next_step="Split it, or raise LONGDOC_MAX_PAGES.",
        )
    pages: list[PageText | None] = []
    n_characters = 0
    for index in range(n_pages):
        try:
            page = reader.pages[index]
            lines = _lines(page.extract_text())
            pages.append(PageText(lines, float(page.mediabox.width), float(page.mediabox.height)))
        except Exception:  # as above; the other pages may still be good
            pages.append(None)
            continue
        finally:
            report(index + 1, n_pages, f"page {index + 1} of {n_pages}")
        n_characters += sum(len(line.text) for line in lines)
        if n_characters > settings.max_text_characters:
            raise SourceError(
                f"{name} is damaged and unfolds into too much text.", code="bomb", next_step="Get or save it again."
            )
    if not any(page and page.lines for page in pages):
        raise damaged
    return pages


def _lines(text: str) -> tuple[Line, ...]:
    lines = (" ".join(clean(line)[0].split()) for line in text.splitlines())
    return tuple(Line(line, None, (), 0.0, _PLAIN_SIZE) for line in lines if line)
