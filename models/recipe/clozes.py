"""Plain questions made from single sentences: a span becomes the answer, the rest a question with its wh-word.

Noisy cloze translation (Lewis et al. 2019, "Unsupervised Question Answering by
Cloze Translation"): the wh-word is chosen by what the span looks like, the rest
of the sentence loses words and may change its order. The questions are not good
English; what they teach is to find a sentence by some of its words and to answer
with what the wh-word asks for and the question does not hold already.
"""

from __future__ import annotations

import random

from longdoc.tokens import TextTokenizer
from models.recipe.vocabulary import Ids, Vocabulary

_PLACES = frozenset("in at from near to into through across outside around".split())
_WHO_OR_WHAT = ("Who", "Who", "What", "Which name", "Whom")
_DROPPED = 0.25  # share of the other words that the question leaves out


def span_of(sentence: Ids, vocabulary: Vocabulary, rng: random.Random) -> tuple[int, int] | None:
    """Return the half-open token range of a number, a name or one to four words that say something."""
    words = vocabulary.words(sentence)
    if len(words) < 6:
        return None
    told: list[tuple[int, int]] = []
    for first in range(len(words)):
        a, b = words[first]
        if vocabulary.stop_word[sentence[a:b]].all():
            continue
        if vocabulary.digit[sentence[a:b]].any():
            told.append((a, b))
        elif vocabulary.capital[sentence[a]] and a > 0:
            last = first
            while last + 1 < len(words) and words[last + 1][0] == words[last][1]:
                if not vocabulary.capital[sentence[words[last + 1][0]]]:
                    break
                last += 1
            told.append((a, words[last][1]))
    if told and rng.random() < 0.7:
        return rng.choice(told)
    first = rng.randrange(len(words))
    last = min(first + rng.choice((0, 0, 1, 2, 3)), len(words) - 1)
    a, b = words[first][0], words[last][1]
    edges = (sentence[words[first][0] : words[first][1]], sentence[words[last][0] : words[last][1]])
    if any(vocabulary.stop_word[edge].all() for edge in edges) or vocabulary.has_newline[sentence[a:b]].any():
        return None
    return a, b


def wh_question(sentence: Ids, span: tuple[int, int], tokenizer: TextTokenizer, vocabulary: Vocabulary,
                rng: random.Random) -> str | None:  # fmt: skip
    """Return a question for `sentence[span]` made of the sentence's other words; None if too few are left."""
    a, b = span
    before, after = [], []
    for start, end in vocabulary.words(sentence):
        word = tokenizer.decode([int(i) for i in sentence[start:end]]).strip()
        if end <= a:
            before.append(word)
        elif start >= b:
            after.append(word)
    previous = before[-1].lower() if before else ""
    wh = _wh_word(sentence[a:b], previous, vocabulary, rng)
    if wh in ("Where", "When") and previous in _PLACES | {"on", "by", "since"}:
        before.pop()
    if before and before[0].lower() in _LOWERED:
        before[0] = before[0].lower()
    before = [word for word in before if rng.random() >= _DROPPED]
    after = [word for word in after if rng.random() >= _DROPPED]
    if len(before) + len(after) < 3:
        return None
    choice = rng.random()
    if choice < 0.5 or not after:
        rest = [*before, *after] if rng.random() < 0.5 else [*after, *before]
        return f"{wh} {' '.join(rest)}?"
    if choice < 0.8:  # the span's own place
        return f"{' '.join([*before, wh.lower(), *after])}?"
    return f"{wh} {' '.join(after)}?" if len(after) >= 3 else None


_LOWERED = frozenset("the a an in on at for but and as if when his her its their this that these those".split())


def _wh_word(span: Ids, previous: str, vocabulary: Vocabulary, rng: random.Random) -> str:
    if vocabulary.digit[span].any():
        if previous in ("in", "since", "by", "of", "on"):
            return rng.choice(("When", "In what year", "Which number"))
        return rng.choice(("How many", "How many", "What number", "How much", "Which"))
    if vocabulary.capital[span[0]]:
        if previous in _PLACES and rng.random() < 0.7:
            return rng.choice(("Where", "Where", "Which place"))
        return rng.choice(_WHO_OR_WHAT)
    return rng.choice(("What", "What", "Which", "How", "What kind of thing"))
