"""From printed lines to running text: which lines belong together, and what stands between them.

A printed line ends where the paper ended, not where the sentence did. Lines of one
paragraph are joined by a space, others by a line end, and a blank line marks a
larger gap. Hyphens made by typesetting are removed. Every line keeps its own
characters, so offsets stay exact. Knows lines with their places only.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from statistics import median

from longdoc.sources.pdf_geometry import Line

_SAME_SIZE = 1.2  # ratio of font heights within one paragraph
_WIDE_PITCH = 1.25  # times the page's usual line distance: more is no paragraph any more
_BLANK_PITCH = 1.35  # more is shown as a blank line
_BLANK_SIZES = 1.75  # so is a distance of more font heights, where all lines of a page stand apart
_MARGIN_POINTS = 40.0  # lines whose left edges differ less share a column
_BULLET = re.compile(r"[•◦▪‣·–—*-]\s")
_ITEM = re.compile(
    r"(?:[•◦▪‣·–—*-]|\(?(?:\d{1,3}(?:\.\d{1,3})*|[A-Za-z]|[ivxlcIVXLC]{1,5})[.)]|[A-Z]{0,2}\d{1,3}(?:\.\d{1,3})+)(?:\s|$)"
)
_BEFORE_ITEM = re.compile(r"(?:[.!?:;,][\"'”’)\]]*|\b(?:and|or))$")  # how the line before an item ends
_LEADERS = re.compile(r"(?:\.\.\.|…) ?\S{1,8}$")  # a contents line, its dots folded
_HYPHENATED = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)+")
_LETTERS = re.compile(r"[^\W\d_]+")
_SENTENCE_END = re.compile(r"[.!?:;][\"'”’)\]]*$")


def compounds(lines: Iterable[Line]) -> frozenset[str]:
    """Return the hyphenated words that stand whole inside some line ("well-known"), in lower case."""
    return frozenset(word.lower() for line in lines for word in _HYPHENATED.findall(line.text))


def separators(lines: Sequence[Line], known_compounds: frozenset[str]) -> list[str]:
    """Return what stands after each line of a page: "" or "-" inside a word, " ", "\\n" or "\\n\\n"."""
    if not lines:
        return []
    pitch = _usual_pitch(lines)
    edges = _right_edges(lines)
    found = []
    for line, below in itertools.pairwise(lines):
        if line.hyphen:
            found.append(_hyphen(line, below, known_compounds))
        elif _is_one_paragraph(line, below, pitch, edges):
            found.append(" ")
        else:
            found.append("\n\n" if _is_far(line, below, pitch) else "\n")
    return [*found, "\n"]


def _hyphen(line: Line, below: Line, known_compounds: frozenset[str]) -> str:
    """Return "" where the hyphen was only typesetting, "-" where it belongs to the word."""
    left, right = _LETTERS.findall(line.text), _LETTERS.match(below.text)
    if not left or not line.text.endswith(left[-1]) or right is None or not right.group()[0].islower():
        return "-"
    return "-" if f"{left[-1]}-{right.group()}".lower() in known_compounds else ""


def _is_one_paragraph(line: Line, below: Line, pitch: float, edges: dict[tuple[int, int], float]) -> bool:
    if line.box is None or below.box is None or not _similar(line, below):
        return False
    if _BULLET.match(below.text) or _is_row(line) or _is_row(below):
        return False
    if _ITEM.match(below.text) and _BEFORE_ITEM.search(line.text):
        return False  # but "as in clause" may well be followed by "4.10 says"
    step = below.base - line.base
    if step <= 0:  # the next column goes on in the middle of a sentence
        return not _SENTENCE_END.search(line.text) and below.text[0].islower() and below.box[0] > line.box[2]
    if step > _WIDE_PITCH * pitch or step > 2.5 * line.size:
        return False
    if below.box[0] > line.box[0] + 0.8 * line.size and not _ITEM.match(line.text):
        return False  # a first line, indented
    first_word = below.edges[1] - below.edges[0]
    return line.box[2] + 0.2 * line.size + first_word > _right_edge(line, edges) - 1.0


def _is_far(line: Line, below: Line, pitch: float) -> bool:
    step = below.base - line.base
    return step <= 0 or step > min(_BLANK_PITCH * pitch, _BLANK_SIZES * line.size) or not _similar(line, below)


def _similar(line: Line, below: Line) -> bool:
    small, large = sorted((line.size, below.size))
    return large <= _SAME_SIZE * small


def _is_row(line: Line) -> bool:
    """Say whether a line looks like a row of a table or of a table of contents."""
    gaps = zip(line.edges[1::2], line.edges[2::2], strict=False)
    return any(right - left > 2.0 * line.size for left, right in gaps) or bool(_LEADERS.search(line.text))


def _usual_pitch(lines: Sequence[Line]) -> float:
    """Return the usual distance between the feet of neighbouring lines of a paragraph, in points."""
    steps = sorted(
        below.base - line.base
        for line, below in itertools.pairwise(lines)
        if _similar(line, below) and 0 < below.base - line.base < 3 * line.size
    )
    # The lower quartile: where paragraphs are short, the median is the distance between paragraphs.
    return steps[len(steps) // 4] if steps else 1.3 * median(line.size for line in lines)


def _right_edges(lines: Sequence[Line]) -> dict[tuple[int, int], float]:
    """Return how far right lines reach, by left edge and font height in coarse steps (one pass for any page)."""
    edges: dict[tuple[int, int], float] = {}
    for line in lines:
        if line.box is not None:
            key = _key(line)
            edges[key] = max(edges.get(key, line.box[2]), line.box[2])
    return edges


def _right_edge(line: Line, edges: dict[tuple[int, int], float]) -> float:
    column, size = _key(line)
    near = (edges.get((column + i, size + j)) for i in (-1, 0, 1) for j in (-1, 0, 1))
    return max(edge for edge in near if edge is not None)


def _key(line: Line) -> tuple[int, int]:
    assert line.box is not None
    return int(line.box[0] // _MARGIN_POINTS), int(line.size // 2)
