"""Corrections by hand: new words take the times of those they replace, and outlive a new transcription.

Pure functions on utterances; the store applies and keeps them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from longdoc.speech.transcript import Utterance, Word

_BY_HAND = 1.0  # confidence of a word that a person wrote


def with_text(utterance: Utterance, text: str) -> Utterance:
    """Return the utterance saying `text`, marked as edited; words that stay keep their times.

    A run of changed words shares the time of the run it replaces, by length of the words. Without
    times of single words only the text changes. An empty text is an utterance that says nothing.
    """
    text = " ".join(text.split())
    spoken = text.split()
    words: list[Word] = []
    if utterance.words:
        old = [word.text for word in utterance.words]
        matcher = difflib.SequenceMatcher(None, old, spoken, autojunk=False)
        for kind, i1, i2, j1, j2 in matcher.get_opcodes():
            if kind == "equal":
                words += utterance.words[i1:i2]
            else:
                start_s, end_s = _room(utterance, i1, i2)
                words += _spread(spoken[j1:j2], start_s, end_s)
    return replace(utterance, text=text, words=tuple(words), edited=True)


def keep_edits(heard: Iterable[Utterance], edited: Sequence[Utterance]) -> list[Utterance]:
    """Return a new transcription with hand-edited utterances of an old one in place of what covers their time.

    Words of new utterances whose middle lies in an edited one's range go; without times of single
    words a new utterance goes if its own middle does. The result is ordered by time.
    """
    kept = sorted((u for u in edited if u.edited), key=lambda u: u.start_s)
    result = list(kept)
    for utterance in heard:
        rest = _outside(utterance, kept)
        if rest is not None:
            result.append(rest)
    # A word heard anew may reach a little into an edited range: times must rise and not overlap.
    result.sort(key=lambda u: (u.start_s, u.end_s))
    for at in range(1, len(result)):
        before = result[at - 1]
        if before.end_s > result[at].start_s:
            result[at - 1] = replace(before, end_s=max(before.start_s, result[at].start_s))
    return result


def keep_speakers(heard: Sequence[Utterance], old: Sequence[Utterance]) -> list[Utterance]:
    """Return utterances with the speaker whom a person named in the old transcript and who speaks longest in each."""
    named = [u for u in old if u.named]
    result = []
    for utterance in heard:
        shares: dict[str, float] = {}
        for other in named:
            overlap_s = min(utterance.end_s, other.end_s) - max(utterance.start_s, other.start_s)
            if overlap_s > 0:
                shares[other.speaker] = shares.get(other.speaker, 0.0) + overlap_s
        if shares:
            utterance = replace(utterance, speaker=max(shares, key=lambda name: shares[name]), named=True)
        result.append(utterance)
    return result


def _room(utterance: Utterance, first: int, after: int) -> tuple[float, float]:
    """Return the time that words `first` to `after` take, or the gap where they would stand."""
    words = utterance.words
    if first < after:
        return words[first].start_s, words[after - 1].end_s
    start_s = words[first - 1].end_s if first else utterance.start_s
    return start_s, max(start_s, words[first].start_s if first < len(words) else utterance.end_s)


def _spread(spoken: Sequence[str], start_s: float, end_s: float) -> list[Word]:
    total = sum(len(word) for word in spoken)
    words, done = [], 0
    for word in spoken:
        begin = start_s + (end_s - start_s) * done / total
        done += len(word)
        words.append(Word(round(begin, 3), round(start_s + (end_s - start_s) * done / total, 3), word, _BY_HAND))
    return words


def _outside(utterance: Utterance, ranges: Sequence[Utterance]) -> Utterance | None:
    """Return what an utterance says outside of ranges; None if that is nothing."""

    def taken(start_s: float, end_s: float) -> bool:
        middle = (start_s + end_s) / 2
        return any(r.start_s <= middle < r.end_s for r in ranges)

    if not utterance.words:
        return None if taken(utterance.start_s, utterance.end_s) else utterance
    words = tuple(word for word in utterance.words if not taken(word.start_s, word.end_s))
    if len(words) == len(utterance.words):
        return utterance
    if not words:
        return None
    text = " ".join(word.text for word in words)
    return replace(utterance, start_s=words[0].start_s, end_s=words[-1].end_s, text=text, words=words)
