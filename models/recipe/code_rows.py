"""Look-up questions about source code, made from its own definitions and docstrings."""

from __future__ import annotations

import random
import re

import numpy as np

from longdoc.formats import question_text
from longdoc.tokens import TextTokenizer
from models.recipe.made import Context, MadeTasks, Question
from models.recipe.sequence import Builder
from models.recipe.texts import TextPool

_DEFINITION = re.compile(r"^([ \t]*)(?:async )?(def|class) (\w+)([^\n]*)\n(?:\s*(?:r?\"\"\")([^\n\"]{12,160}))?", re.M)


class CodeTasks:
    """Several code files in one prompt: which file defines a name, what its docstring says, its parameters."""

    def __init__(self, pool: TextPool, tokenizer: TextTokenizer, made: MadeTasks, rng: random.Random) -> None:
        self.pool, self.tokenizer, self.made, self.rng = pool, tokenizer, made, rng

    def sequence(self, length: int, document_weight: float) -> Builder:
        rng = self.rng
        context = Context()
        n_files = rng.randint(1, 3 + length // 512)
        room = length - min(length // 3, 360)
        for _ in range(n_files):
            title, ids, _ = self.pool.window(max(64, room // n_files - 16), "code")
            if title in context.titles:
                continue
            context.titles.append(title)
            context.sentences.append([ids])
            self._ask(context, title, ids)
        rng.shuffle(context.questions)
        context.questions = context.questions[:16]
        return self.made.assemble(context, length, document_weight)

    def _ask(self, context: Context, title: str, ids: np.ndarray) -> None:
        rng = self.rng
        text = self.tokenizer.decode([int(i) for i in ids])
        number = len(context.titles)
        for match in list(_DEFINITION.finditer(text))[:12]:
            kind, name, rest, docstring = match.group(2), match.group(3), match.group(4), match.group(5)
            if name.startswith("__"):
                continue
            line = f"{match.group(2)} {name}{rest}"
            choice = rng.random()
            if choice < 0.35:
                ask = question_text(f"Which file defines {name}?", short=True)
                self._add(context, ask, f" {title}")
            elif docstring and choice < 0.7:
                ask = question_text(f"What does {name} do?", short=True)
                self._add(context, ask, docstring.strip())
            else:
                ask = question_text(f"Where is the {'function' if kind == 'def' else 'class'} {name} defined?")
                quote = self.tokenizer.ids(line)
                special = self.pool.vocabulary.special
                head = self.tokenizer.ids(f"[{number}]")
                answer = [*head, special.quote, *quote, special.then, *self.tokenizer.ids(f" {title}")]
                weights = [0.5] * len(head) + [0.3] + [0.5] * (len(answer) - len(head) - 1)
                context.questions.append(Question(self.tokenizer.ids(ask), answer, weights, "row_quote"))

    def _add(self, context: Context, ask: str, answer: str) -> None:
        ids = self.tokenizer.ids(answer)
        context.questions.append(Question(self.tokenizer.ids(ask), ids, [0.7] * len(ids), "row"))
