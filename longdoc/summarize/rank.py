"""Which sentences of a text are central: LexRank, with a centroid to choose whom to compare.

Paper: https://arxiv.org/abs/1109.2128 (Erkan and Radev 2004). A sentence is central if
it is similar to many central sentences. Comparing all pairs of a book's sentences costs
too much, so the sentences nearest to the text's centroid are compared. With a question the
walk returns to sentences like it (https://aclanthology.org/H05-1115, Otterbacher and others
2005). Knows sentences as strings only.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from longdoc.citations.words import stem, words

_COMPARED = 800  # sentences in the graph
_SIMILAR = 0.1  # cosine from which two sentences are linked
_DAMPING = 0.85
_DAMPING_ASKED = 0.3  # with a question the walk stays nearer to it
_ASKED = 4.0  # weight of likeness to the question in who is compared
_ROUNDS = 60
_WORDS = (6, 60)  # a shorter sentence says little by itself, a longer one is no summary
_DIVERSE = 0.55  # cosine from which a sentence only repeats one already chosen

Vector = dict[str, float]


def vectors(sentences: Sequence[str]) -> list[Vector]:
    """Return unit vectors of tf-idf over the meaningful words of each sentence."""
    counted = [Counter(stem(word.text) for word in words(sentence) if word.counts) for sentence in sentences]
    frequency = Counter(word for counts in counted for word in counts)
    n = len(sentences)
    result: list[Vector] = []
    for counts in counted:
        weights = {word: count * math.log(1 + n / frequency[word]) for word, count in counts.items()}
        norm = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        result.append({word: weight / norm for word, weight in weights.items()})
    return result


def cosine(a: Vector, b: Vector) -> float:
    """Return the similarity of two unit vectors, 0 to 1."""
    if len(a) > len(b):
        a, b = b, a
    return sum(weight * b.get(word, 0.0) for word, weight in a.items())


def central(sentences: Sequence[str], about: str = "") -> NDArray[np.float64]:
    """Return the centrality of each sentence, 0 to 1, best 1. Shape (number of sentences,).

    `about`: a question; sentences like it, and sentences like those, come first.
    """
    scores = np.zeros(len(sentences))
    if not sentences:
        return scores
    *found, asked = vectors([*sentences, about]) if about else [*vectors(sentences), {}]
    centroid: Vector = defaultdict(float)
    for vector in found:
        for word, weight in vector.items():
            centroid[word] += weight / len(found)
    near = [cosine(vector, centroid) if _telling(s) else 0.0 for vector, s in zip(found, sentences, strict=True)]
    alike = [cosine(vector, asked) if share else 0.0 for vector, share in zip(found, near, strict=True)]
    if any(alike):
        near = [share + _ASKED * like for share, like in zip(near, alike, strict=True)]
    chosen = sorted(range(len(sentences)), key=lambda i: (-near[i], i))[:_COMPARED]
    chosen = [i for i in chosen if near[i] > 0]
    if not chosen:
        return scores
    graph = _similarities([found[i] for i in chosen])
    graph[graph < _SIMILAR] = 0.0
    rows = graph.sum(axis=1, keepdims=True)
    graph = np.where(rows > 0, graph / np.where(rows > 0, rows, 1), 1 / len(chosen))
    rank = home = np.full(len(chosen), 1 / len(chosen))
    damping = _DAMPING
    if any(alike):
        home = np.array([alike[i] for i in chosen])
        home, damping = home / home.sum(), _DAMPING_ASKED
    for _ in range(_ROUNDS):
        rank = (1 - damping) * home + damping * (rank @ graph)
    scores[chosen] = rank / rank.max()
    return scores


def _similarities(found: Sequence[Vector]) -> NDArray[np.float64]:
    """Return cosines of all pairs, shape (n, n), the diagonal 0."""
    index = {word: i for i, word in enumerate(sorted({word for vector in found for word in vector}))}
    matrix = np.zeros((len(found), len(index)), dtype=np.float32)
    for row, vector in enumerate(found):
        for word, weight in vector.items():
            matrix[row, index[word]] = weight
    graph = (matrix @ matrix.T).astype(np.float64)
    np.fill_diagonal(graph, 0.0)
    return graph


def _telling(sentence: str) -> bool:
    return _WORDS[0] <= len(words(sentence)) <= _WORDS[1]


def choose(scores: Sequence[float], sentences: Sequence[str], most: int) -> list[int]:
    """Return the indexes of the best sentences with a score, none of which repeats another, in order of the text."""
    taken: list[int] = []
    candidates = [i for i in sorted(range(len(scores)), key=lambda i: (-scores[i], i)) if scores[i] > 0]
    candidates = candidates[: 20 * most]
    found = dict(zip(candidates, vectors([sentences[i] for i in candidates]), strict=True))
    for index in candidates:
        if len(taken) == most:
            break
        if all(cosine(found[index], found[other]) < _DIVERSE for other in taken):
            taken.append(index)
    return sorted(taken)
