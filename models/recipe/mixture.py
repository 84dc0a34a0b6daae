"""Mix all tasks into batches, stage by stage.

A stage says how long sequences are, how many tokens a batch has, and the shares
of tasks; `Mixture.batch` draws one batch. Shares are of sequences.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longdoc.tokens import TextTokenizer
from models.recipe.code_rows import CodeTasks
from models.recipe.made import MadeTasks
from models.recipe.rows import RowTasks
from models.recipe.sequence import Builder
from models.recipe.texts import TextPool
from models.recipe.vocabulary import Vocabulary


@dataclass(frozen=True)
class Stage:
    """One part of training; lengths and batches in tokens."""

    name: str
    tokens: int
    length: int
    batch_tokens: int
    shares: dict[str, float]  # text, recall, made, rows, code
    lr_start: float = 1.0  # multiples of the peak rate, linear over the stage
    lr_end: float = 1.0
    text_weight: float = 0.3
    document_weight: float = 0.1
    text_sample: float = 0.3  # share of plain-text positions that get a loss
    recall_pairs: int = 16
    recall_symbols: int = 512
    yarn_factor: float = 1.0  # above 1: frequencies of YaRN with this factor
    max_position: int = 0  # above 0: random jumps in positions up to here (PoSE)
    far: float = 0.0  # share of made sequences that are nearly all document
    task_lengths: tuple[int, ...] = ()  # made and row sequences take one of these; several share a long sequence


@dataclass
class Batch:
    """Arrays of shape (batch, length); `weights` are of predicting the token at that place."""

    ids: NDArray[np.int64]
    weights: NDArray[np.float32]
    kinds: NDArray[np.uint8]


class Mixture:
    """Draw batches of any stage from one seed."""

    def __init__(self, data: Path, tokens: Path, tokenizer_folder: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.tokenizer = TextTokenizer.from_folder(tokenizer_folder)
        self.vocabulary = Vocabulary.from_folder(tokenizer_folder)
        self.pool = TextPool(tokens, self.tokenizer, self.vocabulary, self.rng)
        self.made = MadeTasks(self.pool, self.tokenizer, self.vocabulary, self.rng)
        self.rows = RowTasks(data, self.pool, self.tokenizer, self.vocabulary, self.rng, self.made)
        self.code = CodeTasks(self.pool, self.tokenizer, self.made, self.rng)

    def packed(self, stage: Stage) -> Builder:
        """Return a full sequence: one prompt after another, each from its own `<|bos|>`, while there is room."""
        built = Builder(stage.length)
        while built.left >= 160 or not built.ids:
            more = self.sequence(stage, built.left)
            built.ids += more.ids
            built.weights += more.weights
            built.kinds += more.kinds
        return built

    def sequence(self, stage: Stage, length: int) -> Builder:
        """Return one sequence of at most `length` tokens of a task drawn by the stage's shares."""
        kinds = list(stage.shares)
        kind = self.rng.choices(kinds, [stage.shares[k] for k in kinds])[0]
        if (kind == "rows" and not self.rows.sets) or (kind == "code" and "code" not in self.pool.tokens):
            kind = "made"
        if kind == "text":
            return self.pool.text_sequence(length, stage.text_weight)
        if kind == "recall":
            return self.pool.recall_sequence(length, stage.recall_pairs, stage.recall_symbols)
        # Short contexts give the most questions a token, so that finding the sentence is learnt first.
        length = min(length, self.rng.choice(stage.task_lengths or (length,)))
        if kind == "rows":
            return self.rows.sequence(length, stage.document_weight)
        if kind == "code":
            return self.code.sequence(length, stage.document_weight)
        return self.made.sequence(length, stage.document_weight, stage.far)

    def batch(self, stage: Stage) -> Batch:
        """Return one batch; plain positions are thinned to `text_sample` and their weight raised to match."""
        rows = []
        for _ in range(max(1, stage.batch_tokens // stage.length)):
            built = self.packed(stage)
            while max(built.weights) < 0.3:  # a context that gave no question
                built = self.packed(stage)
            rows.append(built.arrays(self.vocabulary.special.pad))
        ids, weights, kinds = (np.stack(parts) for parts in zip(*rows, strict=True))
        plain = (kinds == 0) & (weights > 0)
        keep = np.random.default_rng(self.rng.getrandbits(32)).random(plain.shape) < stage.text_sample
        weights[plain & ~keep] = 0.0
        weights[plain & keep] /= stage.text_sample
        weights[:, 0] = 0.0
        return Batch(ids.astype(np.int64), weights, kinds)
