"""Rename people, places and numbers consistently inside a passage and its questions.

Copying competes with memorising: when names change on every pass, only reading
answers. A capitalised word that never occurs in lower case is replaced by
another from a pool; digits are permuted. The same map serves passage, question
and answer, so that answers still stand word for word in the text.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

_CAPITAL = re.compile(r"\b[A-Z][a-z]{2,}\b")
_DIGITS = re.compile(r"\d")
# Sentence openers and months keep their meaning in questions ("When ...").
_KEEP = frozenset(
    "The This That These Those There Then They When Where What Which Who Whom Whose Why How After Before During While"
    " Although Because Since Until With Without From Into Upon About Under Over Between Among Through For And But Not"
    " January February March April May June July August September October November December Monday Tuesday Wednesday"
    " Thursday Friday Saturday Sunday Many Much Most Some Any All Each Every Both Other Another Such Only Also However"
    " Did Does Was Were Are Has Have Had Can Could Will Would Should His Her Its Their Our Your".split()
)


def renamer(texts: Sequence[str], rng: random.Random, pool: Sequence[str], digits: bool = True) -> Callable[[str], str]:
    """Return a function that renames any part of the passage or its questions by one consistent map."""
    joined = " ".join(texts)
    lower = set(re.findall(r"\b[a-z]{3,}\b", joined))
    names = sorted({w for w in _CAPITAL.findall(joined) if w not in _KEEP and w.lower() not in lower})
    mapping = dict(zip(names, rng.sample(pool, min(len(names), len(pool))), strict=False))
    order = list("0123456789")
    rng.shuffle(order)
    table = str.maketrans("0123456789", "".join(order)) if digits else {}

    def rename(text: str) -> str:
        text = _CAPITAL.sub(lambda m: mapping.get(m.group(), m.group()), text)
        return text.translate(table) if table else text

    return rename


def name_pool(texts: Sequence[str], at_most: int = 20_000) -> list[str]:
    """Return capitalised words that stand inside sentences of `texts`, each once, sorted."""
    found: set[str] = set()
    for text in texts:
        found.update(m.group(1) for m in re.finditer(r"[a-z,] ([A-Z][a-z]{2,})\b", text))
        if len(found) >= at_most:
            break
    return sorted(found - _KEEP)
