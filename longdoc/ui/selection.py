"""What a person ticked: documents whole, in part or as outline, and what that takes of the window.

A choice comes from a browser as JSON and is checked here. Token counts are those of
the chosen model's own tokenizer, counted once for each document and choice and kept.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from longdoc.answer import Kit
from longdoc.errors import UserError
from longdoc.files import sha256_text
from longdoc.packing import Included, Range
from longdoc.store import Library
from longdoc.types import Document
from longdoc.ui.models import count, counting

MAX_CHOSEN = 2_000
_REMEMBERED = 5_000
_NUMBERS = re.compile(r"(\d{1,7})(?:\s*[-–]\s*(\d{1,7}))?")


@dataclass(frozen=True)
class Choice:
    """One ticked document. `part` is "1-40, 87" (positions of its parts), `outline` names folders or files."""

    document_id: str
    how: Literal["whole", "part", "outline"] = "whole"
    part: str = ""
    outline: tuple[str, ...] = ()


def parse_choices(given: Sequence[Any]) -> tuple[Choice, ...]:
    """Return choices of JSON rows {"id", "how", "part", "outline"}. Raises UserError."""
    if len(given) > MAX_CHOSEN:
        raise UserError(f"At most {MAX_CHOSEN:,} sources can be asked at once.", next_step="Untick some.")
    choices: dict[str, Choice] = {}
    for row in given:
        if not isinstance(row, Mapping) or not isinstance(row.get("id"), str):
            raise UserError("The list of ticked sources cannot be read.", next_step="Reload the page.")
        how, part, outline = row.get("how", "whole"), row.get("part", ""), row.get("outline", [])
        named = isinstance(outline, list) and all(isinstance(name, str) for name in outline)
        if how not in ("whole", "part", "outline") or not isinstance(part, str) or not named:
            raise UserError("The list of ticked sources cannot be read.", next_step="Reload the page.")
        choices[row["id"]] = Choice(row["id"], how, part[:2000], tuple(outline))
    return tuple(choices.values())


def included(choice: Choice, library: Library) -> Included:
    """Return what a choice puts into a prompt. Raises StoreError `not_found`, UserError for an unknown part."""
    item = library.item(choice.document_id)
    document = library.document(choice.document_id)
    if choice.how == "part":
        return Included(document, item.title, item.marker, part_ranges(document, choice.part))
    if choice.how == "outline":
        ranges, labels = outline_of(document, choice.outline)
        return Included(document, item.title, item.marker, ranges, labels, reason="given as outline")
    return Included(document, item.title, item.marker)


def part_ranges(document: Document, part: str) -> tuple[Range, ...]:
    """Return the text of "1-40, 87". Raises UserError for anything else, or for nothing."""
    wanted = _numbers(part)
    paged = any(segment.page is not None for segment in document.segments)
    chosen = []
    for number, segment in enumerate(document.segments, 1):
        place = segment.page if paged and segment.page is not None else number
        if any(low <= place <= high for low, high in wanted):
            chosen.append((segment.start, _end(document, number - 1)))
    if not chosen:
        raise UserError(f"{document.title} has no part {part}.", next_step="Choose others.")
    joined = [chosen[0]]
    for start, end in chosen[1:]:
        if start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def outline_of(document: Document, names: Sequence[str]) -> tuple[tuple[Range, ...], frozenset[str]]:
    """Return ranges in which files under the named folders (or of those names; none: all) are only outlined."""
    from longdoc.sources.outline import outline_ranges

    ranges: list[Range] = []
    labels: set[str] = set()
    for segment in document.segments:
        under = not names or any(segment.label == n or segment.label.startswith(n.rstrip("/") + "/") for n in names)
        if segment.kind == "file" and under:
            found = outline_ranges(document.text[segment.start : segment.end], segment.label)
            ranges += [(segment.start + a, segment.start + b) for a, b in found if a < b]
            labels.add(segment.label)
        else:
            ranges.append((segment.start, segment.end))
    if not labels:
        raise UserError(f"{document.title} has no files to outline.", next_step="Choose whole or a part.")
    return tuple(r for r in ranges if r[0] < r[1]), frozenset(labels)


class Counter:
    """Counts what choices take in tokens, once for each."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._known: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, choice: Choice, kit: Kit) -> int | None:
        """Return the tokens of a choice if they were counted before."""
        if choice.how == "whole":
            return self._library.token_count(choice.document_id, counting(kit))
        with self._lock:
            return self._known.get((_key(choice), counting(kit)))

    def count(self, choice: Choice, kit: Kit) -> int:
        """Return the tokens that a choice takes in a prompt, its headers included. Raises LongDocError."""
        found = self.known(choice, kit)
        if found is not None:
            return found
        n = count(kit, included(choice, self._library))
        if choice.how == "whole":
            if not self._library.read_only:
                self._library.set_token_count(choice.document_id, counting(kit), n)
            return n
        with self._lock:
            self._known[(_key(choice), counting(kit))] = n
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return n


def _key(choice: Choice) -> str:
    return sha256_text(choice.document_id, choice.how, choice.part, *choice.outline)


def _numbers(part: str) -> list[tuple[int, int]]:
    wanted = []
    for piece in part.split(","):
        if not piece.strip():
            continue
        match = _NUMBERS.fullmatch(piece.strip())
        if match is None:
            raise UserError(f"“{piece.strip()[:40]}” is not a part.", next_step="Write parts as 1-40, 87.")
        low = int(match[1])
        wanted.append((low, int(match[2]) if match[2] else low))
    if not wanted:
        raise UserError("No part is chosen.", next_step="Write parts as 1-40, 87.")
    return wanted


def _end(document: Document, index: int) -> int:
    """Return where a segment's text ends for a prompt: at the beginning of the next, blank space included."""
    following = document.segments[index + 1 : index + 2]
    return following[0].start if following else len(document.text)
