"""How an answer is compared with the references: one function for each known convention.

SQuAD's exact match and token F1, RULER's shares of substrings, BABILong's
labels, InfiniteBench's first number and word, LongBench v2's option letter,
ROUGE-L for summaries. Strings in, numbers from 0 to 1 out; means and intervals
are left to `statistics.py`.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Collection, Sequence

from longdoc.formats import NOT_STATED

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Return text as SQuAD's script compares it: lower case, no punctuation, no articles, single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact(answer: str, references: Sequence[str]) -> float:
    """Return 1 if the answer equals a reference after SQuAD's normalisation, else 0."""
    return float(any(normalised(answer) == normalised(reference) for reference in references))


def token_f1(answer: str, references: Sequence[str]) -> float:
    """Return the best harmonic mean of token precision and recall over the references."""
    return max((_f1(normalised(answer).split(), normalised(ref).split()) for ref in references), default=0.0)


def _f1(found: Sequence[str], wanted: Sequence[str]) -> float:
    if not found or not wanted:
        return float(found == wanted)
    common = sum((Counter(found) & Counter(wanted)).values())
    return 2 * common / (len(found) + len(wanted))


def share_found(answer: str, references: Sequence[str]) -> float:
    """Return the share of references that stand in the answer, case ignored (RULER's string match)."""
    folded = answer.lower()
    return sum(ref.lower() in folded for ref in references) / len(references) if references else 0.0


def any_found(answer: str, references: Sequence[str]) -> float:
    """Return 1 if any reference stands in the answer, case ignored (RULER's question answering)."""
    folded = answer.lower()
    return float(any(ref.lower() in folded for ref in references))


def babilong(answer: str, target: str, question: str, labels: Collection[str]) -> float:
    """Return BABILong's score: the labels in the first sentence, less those of the question, are the target.

    A target of several labels is written with commas; all of them must be there and no other.
    """
    first = answer.lower().strip().split(".")[0].split("\n")[0]
    names = {label.lower() for label in labels}
    found = {label for label in names if _has_word(first, label)}
    asked = {label for label in names if _has_word(question.lower(), label)}
    wanted = {part.strip() for part in target.lower().split(",")}
    return float(found - asked == wanted)


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", text) is not None


def first_number(answer: str, reference: str) -> float:
    """Return 1 if the first integer of the answer is the reference (InfiniteBench: pass key, number string)."""
    found = re.search(r"\d+", answer)
    return float(found is not None and found.group() == reference)


def has_word(answer: str, reference: str) -> float:
    """Return 1 if the reference is one of the answer's words, split at blanks, quotes and commas (key-value)."""
    return float(reference in re.split(r"[\s\"',:.{}]+", answer))


_STATED_CHOICE = re.compile(r"correct answer is:?\s*\**\(?([A-Z])\)?(?![A-Za-z])", re.IGNORECASE)
_LEADING_CHOICE = re.compile(r"^\W*([A-Z])\b(?!')")


def chosen_letter(answer: str, choices: Sequence[str]) -> str:
    """Return the letter an answer chooses, or "" when it chooses none.

    First LongBench v2's "The correct answer is (B)", then a leading letter, then the text of one choice alone.
    """
    letters = string.ascii_uppercase[: len(choices)]
    for pattern in (_STATED_CHOICE, _LEADING_CHOICE):
        found = pattern.search(answer.strip())
        if found and found.group(1).upper() in letters:
            return found.group(1).upper()
    said = normalised(answer)
    same = [letter for letter, choice in zip(letters, choices, strict=True) if normalised(choice) == said]
    return same[0] if len(same) == 1 else ""


def is_not_stated(answer: str) -> bool:
    """Tell whether an answer says that the documents do not state it."""
    return normalised(answer) == normalised(NOT_STATED) or answer.strip().lower().startswith(NOT_STATED.lower())


def rouge_l(answer: str, references: Sequence[str]) -> float:
    """Return the best ROUGE-L F1 over the references, on lower-case words, without stemming."""
    words = re.findall(r"[a-z0-9]+", answer.lower())
    return max((_rouge_l(words, re.findall(r"[a-z0-9]+", ref.lower())) for ref in references), default=0.0)


def _rouge_l(found: Sequence[str], wanted: Sequence[str]) -> float:
    if not found or not wanted:
        return 0.0
    row = [0] * (len(wanted) + 1)  # lengths of the longest common subsequence, one row at a time
    for word in found:
        before = 0
        for at, other in enumerate(wanted, start=1):
            above = row[at]
            row[at] = before + 1 if word == other else max(above, row[at - 1])
            before = above
    return 2 * row[-1] / (len(found) + len(wanted))
