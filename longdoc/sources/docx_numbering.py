"""Automatic numbers of Word paragraphs: "3.2", "(b)", "iv.", which stand nowhere in the text.

Clauses of contracts are cited by these numbers, so they are worked out as Word does:
one counter for each list and level, reset when a higher level counts on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from longdoc.sources.packages import attribute, child, children, local

_PLACE = re.compile(r"%([1-9])")
_BULLET = "-"
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"))
_ROMAN_SMALL = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_MAX_ROMAN = 5000


@dataclass(frozen=True)
class Level:
    """How one level of a list counts."""

    start: int
    style: str  # "decimal", "lowerLetter", "bullet", ...
    pattern: str  # "%1.%2"
    legal: bool  # all numbers decimal


class Numbering:
    """Counters of a document's lists. `root` is numbering.xml, or None for a document without lists."""

    def __init__(self, root: Any | None) -> None:
        self._levels: dict[str, dict[int, Level]] = {}  # by list id
        self._counter_of: dict[str, str] = {}  # lists made from one definition count together
        self._counters: dict[str, dict[int, int]] = {}
        if root is None:
            return
        definitions = {attribute(item, "abstractNumId"): item for item in children(root, "abstractNum")}
        for number in children(root, "num"):
            list_id = attribute(number, "numId") or ""
            link = child(number, "abstractNumId")
            definition = definitions.get(attribute(link, "val")) if link is not None else None
            if definition is None:
                continue
            self._levels[list_id] = dict(_levels(definition))
            own = list_id if any(local(item) == "lvlOverride" for item in number) else attribute(link, "val") or ""
            self._counter_of[list_id] = own
            for override in children(number, "lvlOverride"):
                self._override(list_id, override)

    def _override(self, list_id: str, override: Any) -> None:
        index = _integer(attribute(override, "ilvl"), 0)
        changed = child(override, "lvl")
        if changed is not None:
            self._levels[list_id][index] = _level(changed)
        start = child(override, "startOverride")
        level = self._levels[list_id].get(index)
        if start is not None and level is not None:
            begin = _integer(attribute(start, "val"), level.start)
            self._levels[list_id][index] = Level(begin, level.style, level.pattern, level.legal)

    def next(self, list_id: str, index: int) -> str:
        """Count on and return the number of the next paragraph at level `index` of a list; "" if it shows none."""
        levels = self._levels.get(list_id)
        level = levels.get(index) if levels else None
        if levels is None or level is None or level.style == "none":
            return ""
        if level.style == "bullet":
            return _BULLET
        counters = self._counters.setdefault(self._counter_of[list_id], {})
        counters[index] = counters.get(index, level.start - 1) + 1
        for deeper in [k for k in counters if k > index]:
            del counters[deeper]

        def shown(match: re.Match[str]) -> str:
            k = int(match.group(1)) - 1
            at = levels.get(k)
            style = "decimal" if level.legal or at is None else at.style
            return _written(counters.get(k, at.start if at else 1), style)

        return _PLACE.sub(shown, level.pattern).strip()


def _levels(definition: Any) -> list[tuple[int, Level]]:
    return [(_integer(attribute(item, "ilvl"), 0), _level(item)) for item in children(definition, "lvl")]


def _level(element: Any) -> Level:
    def value(name: str, default: str) -> str:
        found = child(element, name)
        return default if found is None else attribute(found, "val") or default

    legal = child(element, "isLgl") is not None
    return Level(_integer(value("start", "1"), 1), value("numFmt", "decimal"), value("lvlText", ""), legal)


def _integer(text: str | None, default: int) -> int:
    try:
        return int(text) if text is not None else default
    except ValueError:
        return default


def _written(number: int, style: str) -> str:
    """Return a number in a list's style; unknown styles count in digits."""
    if style in ("lowerLetter", "upperLetter") and 0 < number <= 26 * 30:
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter if style == "lowerLetter" else letter.upper()
    if style in ("lowerRoman", "upperRoman") and 0 < number < _MAX_ROMAN:
        roman = ""
        for size, sign in _ROMAN + _ROMAN_SMALL:
            roman += sign * (number // size)
            number %= size
        return roman if style == "lowerRoman" else roman.upper()
    if style == "decimalZero":
        return f"{number:02d}"
    return str(number)
