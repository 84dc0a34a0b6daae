"""One PDF page as lines of words with their places, and without what no reader of the page sees.

Works on pdfium's character list, whose indices tie text to boxes. Left out and
counted: text drawn invisibly (render modes 3 and 7), under one point, or off the
page. An invisible layer over a scan is the one exception: scanning software
stores recognised text that way, so it is kept and reported. Text hidden by
colour or under another object is not looked for. What becomes of the lines is
decided in pdf_lines.py and pdf.py.
"""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as raw

from longdoc.sources.clean import clean
from longdoc.sources.pdf_geometry import Box, Line

_INVISIBLE_MODES = (3, 7)  # neither filled nor stroked; clipping only
_TINY_POINTS = 1.0
_FORM_DEPTH = 3
_MAX_OBJECTS = 10_000  # looked at in search of a scanned image
_MAX_FORM_OBJECTS = 100
_SCAN_COVER = 0.5  # an image over this share of the page makes it a scan ...
_SCAN_VISIBLE = 0.2  # ... unless more than this share of its characters is drawn visibly
# Where pdfium joins a word that was hyphenated at a line end, it leaves this in place of hyphen and line end.
_HYPHEN = "\ufffe"
_LINE = re.compile(f"[^\r\n{_HYPHEN}]+")
_DOTS = re.compile(r"\.{4,}")
_WORD = re.compile(r"\S+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\x00": " ", "\x02": _HYPHEN}
)


@dataclass(frozen=True)
class PageText:
    """What one page holds. `n_hidden` counts characters left out because nobody sees them."""

    lines: tuple[Line, ...]
    width: float
    height: float
    n_hidden: int = 0
    scanned: bool = False  # the text is an invisible layer over an image


def read_page(document: Any, index: int) -> PageText:
    """Read page `index` (0-based) of an open pdfium document. Raises pdfium.PdfiumError."""
    page = document[index]
    try:
        if _has_form_fields(page):
            raw.FPDFPage_Flatten(page.raw, raw.FLAT_NORMALDISPLAY)  # typed-in values become text of the page
            page.close()
            page = document[index]
        text_page = page.get_textpage()
        try:
            return _Reader(page, text_page).read()
        finally:
            text_page.close()
    finally:
        page.close()


class _Reader:
    """Reads one open page; holds what its steps share."""

    def __init__(self, page: Any, text_page: Any) -> None:
        self.raw_text = text_page.raw
        self.left, self.bottom, self.right, self.top = page.get_bbox()
        self.rotation = page.get_rotation()
        self.width, self.height = page.get_size()
        self.page = page
        self.text = _characters(text_page)
        self._modes: dict[int, bool] = {}  # is the text object at this address invisible
        self._double = tuple(ctypes.c_double() for _ in range(4))
        self._loose = raw.FS_RECTF()

    def read(self) -> PageText:
        hidden = self._hidden_characters()
        scanned = bool(hidden) and self._is_scan(len(hidden))
        text = self.text
        if hidden and not scanned:
            text = "".join(" " if i in hidden else ch for i, ch in enumerate(text))
        n_hidden = 0 if scanned else sum(not self.text[i].isspace() for i in hidden)
        lines = []
        for match in _LINE.finditer(text):
            hyphen = text[match.end() : match.end() + 1] == _HYPHEN
            line, n_dropped = self._line(text, match.start(), match.end(), hyphen)
            n_hidden += n_dropped
            if line is not None:
                lines.append(line)
        return PageText(tuple(lines), self.width, self.height, n_hidden, scanned)

    def _line(self, text: str, start: int, end: int, hyphen: bool) -> tuple[Line | None, int]:
        """Return the line between two characters and the number of characters left out of it."""
        words: list[str] = []
        boxes: list[Box | None] = []
        frames: list[Box] = []
        n_dropped = 0
        for match in _WORD.finditer(text, start, end):
            box, frame, visible = self._word_box(match.start(), match.end())
            if not visible:
                n_dropped += match.end() - match.start()
                continue
            word, removed = clean(match.group())
            n_dropped += removed
            for part in word.translate(_LIGATURES).split():
                words.append(part)
                boxes.append(box)
            frames.append(frame)
        if not words:
            return None, n_dropped
        words, boxes = _fold_leaders(words, boxes)
        line_box = _union([box for box in boxes if box is not None])
        edges: list[float] = []
        for box in boxes:
            if box is None:
                at = edges[-1] if edges else line_box[0] if line_box else 0.0
                edges += (at, at)
            else:
                edges += (box[0], box[2])
        tallest = max(frames, key=lambda frame: frame[3] - frame[1])
        return Line(" ".join(words), line_box, tuple(edges), tallest[3], tallest[3] - tallest[1], hyphen), n_dropped

    def _word_box(self, start: int, end: int) -> tuple[Box | None, Box, bool]:
        """Return a word's tight box and its font's box, both as displayed, and whether a reader can see it."""
        x0, y1, x1, y0 = self._double
        found: list[Box] = []
        for k in range(max(0, raw.FPDFText_CountRects(self.raw_text, start, end - start))):
            if raw.FPDFText_GetRect(self.raw_text, k, x0, y1, x1, y0):
                found.append((x0.value, y0.value, x1.value, y1.value))
        box = _union(found)
        frame: Box = box or (0.0, 0.0, 0.0, 0.0)
        if raw.FPDFText_GetLooseCharBox(self.raw_text, start, self._loose):
            frame = (self._loose.left, self._loose.bottom, self._loose.right, self._loose.top)
        if box is None:
            return None, self._displayed(frame), True
        extent = max(box[3] - box[1], (box[2] - box[0]) / (end - start), frame[2] - frame[0], frame[3] - frame[1])
        on_page = box[2] > self.left and box[0] < self.right and box[3] > self.bottom and box[1] < self.top
        return self._displayed(box), self._displayed(frame), on_page and extent >= _TINY_POINTS

    def _displayed(self, box: Box) -> Box:
        """Turn a box in PDF canvas units into points from the top left of the page as it is shown."""
        x0, y0, x1, y1 = box
        if self.rotation == 90:
            return y0 - self.bottom, x0 - self.left, y1 - self.bottom, x1 - self.left
        if self.rotation == 180:
            return self.right - x1, y0 - self.bottom, self.right - x0, y1 - self.bottom
        if self.rotation == 270:
            return self.top - y1, self.right - x1, self.top - y0, self.right - x0
        return x0 - self.left, self.top - y1, x1 - self.left, self.top - y0

    def _hidden_characters(self) -> set[int]:
        """Return the indices of characters whose text object is drawn invisibly.

        Asks for the ends of each word, and for every character only where the ends differ: asking for
        all would triple the time of a page, looking through the page's objects would take for ever on a map.
        """
        found: set[int] = set()
        for match in _WORD.finditer(self.text):
            start, end = match.span()
            first = self._is_invisible(start)
            if end - start > 1 and self._is_invisible(end - 1) != first:
                found.update(i for i in range(start, end) if self._is_invisible(i))
            elif first:
                found.update(range(start, end))
        return found

    def _is_invisible(self, index: int) -> bool:
        owner = raw.FPDFText_GetTextObject(self.raw_text, index)
        if not owner:
            return False
        address = ctypes.addressof(owner.contents)
        known = self._modes.get(address)
        if known is None:
            known = self._modes[address] = raw.FPDFTextObj_GetTextRenderMode(owner) in _INVISIBLE_MODES
        return known

    def _is_scan(self, n_hidden: int) -> bool:
        """Say whether the page is an image with an invisible layer of recognised text."""
        page = self.left, self.bottom, self.right, self.top
        covered = max((_area(_overlap(box, page)) for box in _images(self.page)), default=0.0)
        n_drawn = sum(not ch.isspace() for ch in self.text)
        return covered >= _SCAN_COVER * _area(page) and n_hidden >= (1 - _SCAN_VISIBLE) * n_drawn


def _characters(text_page: Any) -> str:
    """Return the page's characters so that index i is pdfium's character i."""
    n = text_page.count_chars()
    text: str = text_page.get_text_range()
    # pdfium leaves out characters without a code and may insert others; only then is each asked for.
    if len(text) != n or _SURROGATE.search(text):
        codes = (raw.FPDFText_GetUnicode(text_page.raw, i) for i in range(n))
        text = "".join(chr(code) if 0 < code < 0x110000 else "\x00" for code in codes)
    return text.replace("\x02", _HYPHEN).replace("\x00", " ")


def _has_form_fields(page: Any) -> bool:
    for k in range(min(raw.FPDFPage_GetAnnotCount(page.raw), 1000)):
        annotation = raw.FPDFPage_GetAnnot(page.raw, k)
        if annotation:
            kind = raw.FPDFAnnot_GetSubtype(annotation)
            raw.FPDFPage_CloseAnnot(annotation)
            if kind == raw.FPDF_ANNOT_WIDGET:
                return True
    return False


def _images(page: Any) -> list[Box]:
    """Return the boxes of a page's images in canvas units; of a form that holds one, the form's box."""
    found: list[Box] = []
    for k in range(min(raw.FPDFPage_CountObjects(page.raw), _MAX_OBJECTS)):
        item = raw.FPDFPage_GetObject(page.raw, k)
        if _holds_image(item, 0):
            found.extend(_bounds(item))
    return found


def _holds_image(item: Any, depth: int) -> bool:
    kind = raw.FPDFPageObj_GetType(item)
    if kind != raw.FPDF_PAGEOBJ_FORM or depth == _FORM_DEPTH:
        return bool(kind == raw.FPDF_PAGEOBJ_IMAGE)
    inside = min(raw.FPDFFormObj_CountObjects(item), _MAX_FORM_OBJECTS)
    return any(_holds_image(raw.FPDFFormObj_GetObject(item, k), depth + 1) for k in range(inside))


def _fold_leaders(words: list[str], boxes: list[Box | None]) -> tuple[list[str], list[Box | None]]:
    """Shorten rows of dots, which fill tables of contents and cost the model tokens for nothing."""
    kept: list[str] = []
    places: list[Box | None] = []
    run = 0
    for word, box in zip(words, boxes, strict=True):
        run = run + 1 if word == "." else 0
        if run > 2:  # the third and later dots of a row widen the first
            kept[-1] = "..."
            places[-1] = _union([b for b in (places[-1], box) if b is not None])
            if run == 3:
                places[-2:] = [_union([b for b in places[-2:] if b is not None])]
                kept[-2:] = ["..."]
            continue
        kept.append(_DOTS.sub("...", word))
        places.append(box)
    return kept, places


def _bounds(item: Any) -> list[Box]:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if raw.FPDFPageObj_GetBounds(item, left, bottom, right, top):
        return [(left.value, bottom.value, right.value, top.value)]
    return []


def _union(boxes: list[Box]) -> Box | None:
    if not boxes:
        return None
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def _overlap(a: Box, b: Box) -> Box:
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
