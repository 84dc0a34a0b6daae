"""PDF: text and places from pdfium, page by page, with printed page labels and the outline.

Pages without text are reported, invisible text is left out and counted, a password
or a page bomb is refused. A file that pdfium cannot open is given to pypdf, which
recovers text from some damaged files, without places. Recognising text in
images is left to other software.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from longdoc.errors import SourceError
from longdoc.settings import Settings
from longdoc.sources.loaded import Loaded, Report, TextBuilder, one_line
from longdoc.sources.pdf_geometry import LayoutWriter, rectangles
from longdoc.sources.pdf_lines import compounds, separators
from longdoc.sources.pdf_page import PageText, read_page
from longdoc.sources.pdf_recover import recover_pages

_MAX_OUTLINE = 5_000
_FREE_CHARACTERS = 1_000_000  # the ratio of characters to bytes counts from here on

__all__ = ["load_pdf", "rectangles"]


def load_pdf(path: Path, name: str, settings: Settings, report: Report, options: Mapping[str, Any]) -> Loaded:
    """Read a PDF. `options["password"]` opens an encrypted one.

    Every page with text is a segment labelled with the page number printed on it. `details` holds `pages`
    (label, width and height in points), `outline`, and what `rectangles` needs.
    Raises SourceError: encrypted, damaged, no_text, too_large, bomb.
    """
    logging.getLogger("pypdfium2").setLevel(logging.CRITICAL)
    document = _open(path, name, options.get("password"))
    if document is None:
        pages = recover_pages(path, name, settings, report)
        return _assemble(pages, [str(i + 1) for i in range(len(pages))], [], name, recovered=True)
    with document:
        n_pages = len(document)
        if n_pages > settings.max_pages:
            raise SourceError(
                f"{name} has {n_pages:,} pages, more than the limit of {settings.max_pages:,}.",
                code="too_large",
                next_step="Split it, or raise LONGDOC_MAX_PAGES.",
            )
        n_bytes = path.stat().st_size
        pages = []
        n_characters = 0
        for index in range(n_pages):
            page = _page(document, index)
            pages.append(page)
            n_characters += sum(len(line.text) for line in page.lines) + page.n_hidden if page else 0
            _check_length(n_characters, n_bytes, name, index + 1, settings)
            report(index + 1, n_pages, f"page {index + 1} of {n_pages}")
        labels = [_label(document, index) for index in range(n_pages)]
        return _assemble(pages, labels, _outline(document), name, recovered=False)


def _open(path: Path, name: str, password: str | None) -> Any:
    """Return an open pdfium document, or None if pdfium finds the file damaged."""
    try:
        return pdfium.PdfDocument(path, password=password or None)
    except pdfium.PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise SourceError(
                f"The password does not open {name}." if password else f"{name} is protected by a password.",
                code="encrypted",
                next_step="Give its password, or add a copy saved without one.",
            ) from error
        if error.err_code == raw.FPDF_ERR_SECURITY:
            raise SourceError(
                f"{name} is encrypted in a way that cannot be opened here.",
                code="encrypted",
                next_step="Add a copy saved without protection.",
            ) from error
        return None


def _page(document: Any, index: int) -> PageText | None:
    """Return the text of a page, or None if the page is damaged."""
    try:
        return read_page(document, index)
    except pdfium.PdfiumError:
        return None


def _check_length(n_characters: int, n_bytes: int, name: str, page: int, settings: Settings) -> None:
    """Give up on the way rather than at the end: pages may share content, and so unfold without end."""
    if n_characters > settings.max_text_characters:
        raise SourceError(
            f"{name} holds more than {settings.max_text_characters:,} characters, by page {page:,}.",
            code="too_large",
            next_step="Split it, or raise LONGDOC_MAX_TEXT_CHARACTERS.",
        )
    if n_characters > max(_FREE_CHARACTERS, settings.max_characters_per_byte * n_bytes):
        raise SourceError(
            f"{name} unfolds into far more text than a file of its size holds, by page {page:,}.",
            code="bomb",
            next_step="If it is genuine, split it or raise LONGDOC_MAX_CHARACTERS_PER_BYTE.",
        )


def _label(document: Any, index: int) -> str:
    """Return the printed number of a page; its position where the file gives none."""
    return one_line(document.get_page_label(index), 40) or str(index + 1)


def _outline(document: Any) -> list[dict[str, Any]]:
    """Return the outline as rows of title, level (0 is the top) and page (1-based, or None)."""
    rows: list[dict[str, Any]] = []
    for entry in document.get_toc():
        if len(rows) == _MAX_OUTLINE:
            break
        target = entry.get_dest()
        index = target.get_index() if target is not None else None
        title = one_line(entry.get_title())
        if title:
            rows.append({"title": title, "level": entry.level, "page": None if index is None else index + 1})
    return rows


def _assemble(
    pages: Sequence[PageText | None], labels: list[str], outline: list[dict[str, Any]], name: str, *, recovered: bool
) -> Loaded:
    """Join the pages' lines into one text and note where each stands."""
    known = compounds(line for page in pages if page for line in page.lines)
    builder = TextBuilder()
    layout = LayoutWriter()
    for number, page in enumerate(pages, 1):
        page_start = builder.length
        lines = page.lines if page else ()
        placed = []
        for line, after in zip(lines, separators(lines, known), strict=True):
            start, end = builder.add(line.text)
            placed.append((line, start, end))
            builder.add(after)
        if lines and number < len(pages):
            builder.add("\n")  # a blank line between pages
        layout.add_page(number, placed)
        builder.segment(page_start, "page", f"p. {labels[number - 1]}", page=number)
    if not any(page and page.lines for page in pages):
        raise _no_text(pages, name)
    _warn(builder, pages, recovered)
    details = {
        "pages": [
            {"label": label, "width": round(page.width, 1), "height": round(page.height, 1)}
            if page
            else {"label": label, "width": 0, "height": 0}
            for label, page in zip(labels, pages, strict=True)
        ],
        "outline": outline,
    }
    return builder.build(details=details if recovered else {**details, **layout.details()})


def _no_text(pages: Sequence[PageText | None], name: str) -> SourceError:
    n_hidden = sum(page.n_hidden for page in pages if page)
    if pages and not any(pages):
        return SourceError(
            f"{name} is damaged: none of its pages can be read.", code="damaged", next_step="Get it again."
        )
    why = "only text that nobody can see" if n_hidden else "only images or nothing at all"
    has = "1 page has" if len(pages) == 1 else f"{len(pages):,} pages have"
    return SourceError(
        f"{name} has no readable text: its {has} {why}.",
        code="no_text",
        next_step="If it is a scan, run text recognition (OCR) on it first.",
    )


def _warn(builder: TextBuilder, pages: Sequence[PageText | None], recovered: bool) -> None:
    """Report damaged and empty pages, invisible text and scans."""
    n = len(pages)
    damaged = [i for i, page in enumerate(pages, 1) if page is None]
    empty = [i for i, page in enumerate(pages, 1) if page is not None and not page.lines]
    hidden = [i for i, page in enumerate(pages, 1) if page is not None and page.n_hidden]
    scanned = [i for i, page in enumerate(pages, 1) if page is not None and page.scanned]
    if recovered:
        builder.warn("recovered", "The file is damaged; its text was recovered, but not the places on its pages.")
    if damaged:
        builder.warn("damaged", f"{_of(damaged, n)} cannot be read ({ranges(damaged)}).", ranges(damaged))
    if empty:
        verb = "has" if len(empty) == 1 else "have"
        builder.warn("no_text", f"{_of(empty, n)} {verb} no readable text ({ranges(empty)}).", ranges(empty))
    if hidden:
        count = sum(page.n_hidden for page in pages if page)
        builder.warn(
            "invisible_text",
            f"{count:,} characters that nobody can see on the page were left out (page {ranges(hidden)}).",
            ranges(hidden),
        )
    if scanned:
        verb = "is a scan" if len(scanned) == 1 else "are scans"
        builder.warn(
            "scanned",
            f"{_of(scanned, n)} {verb} ({ranges(scanned)}); the text was recognised by scanning software "
            "and may differ from the image.",
            ranges(scanned),
        )


def _of(numbers: Sequence[int], n_pages: int) -> str:
    return f"{len(numbers):,} of {n_pages:,} {'page' if n_pages == 1 else 'pages'}"


def ranges(numbers: Sequence[int]) -> str:
    """Return rising page numbers as "3, 7-9"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
