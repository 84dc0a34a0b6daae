"""Reading tasks made from any text: inserted facts, recurring spans, cloze, quoting, and their absence.

A context is a list of documents, a document a list of sentences (token ids).
Facts are put between sentences; a sentence whose span occurs elsewhere is taken
out and asked for with the span blanked (Ram et al. 2021, Splinter); a cloze
sentence stays and is asked with words dropped (Lewis et al. 2019). Answers and
quotes are slices of the context's own ids.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from longdoc.formats import NOT_STATED, question_text
from longdoc.tokens import TextTokenizer
from models.recipe.clozes import span_of, wh_question
from models.recipe.facts import Fact, FactMaker
from models.recipe.sequence import Builder
from models.recipe.texts import TextPool
from models.recipe.vocabulary import Ids, Vocabulary

MAX_QUOTE = 56  # tokens
END_WEIGHT = 0.6  # of the token that ends an answer: where a span ends is a choice, too


@dataclass
class Question:
    """Ready ids: what stands after `<|ask|>`, and the answer with its weights."""

    ask: list[int]
    answer: list[int]
    weights: list[float]
    kind: str


@dataclass
class Context:
    """Documents as sentence lists, and the questions already made about them."""

    titles: list[str] = field(default_factory=list)
    sentences: list[list[Ids]] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)


def answer_weights(quote: int, answer: int) -> list[float]:
    """Weights of `quote` tokens, `<|then|>` and `answer` tokens.

    The first token of a quote says which sentence it is and the first of an answer which word; copying on is easy.
    """
    return (
        [3.0, 1.0, 1.0, 0.5][:quote] + [0.2] * max(quote - 4, 0) + [0.5] + [2.0][:answer] + [0.8] * max(answer - 1, 0)
    )


class MadeTasks:
    """Build sequences of one context and many made questions."""

    def __init__(self, pool: TextPool, tokenizer: TextTokenizer, vocabulary: Vocabulary, rng: random.Random) -> None:
        self.pool, self.tokenizer, self.vocabulary, self.rng = pool, tokenizer, vocabulary, rng
        self.facts = FactMaker(rng, vocabulary.plain_words)
        self.not_stated = tokenizer.ids(f" {NOT_STATED}")
        self.fill = tokenizer.ids(" Fill:")

    def sequence(self, length: int, document_weight: float, far: float = 0.0) -> Builder:
        """Return one sequence: documents, then questions until the length is used.

        A share `far` of sequences is nearly all document, as in use: few questions, about facts that stand anywhere
        in it, so that most answers are far away. The others are half questions, which teach the most a token.
        """
        rng = self.rng
        if rng.random() < far:
            return self._far_sequence(length, document_weight)
        n_questions = 1 if rng.random() < 0.1 else max(4, min(32, length // 26))
        room = min(n_questions * 32, int(length * 0.55))
        n_facts = max(1, min(length // 80, 8 + length // 400, 40))  # a long text is not to be made of facts
        context = self._context(length - room, n_facts)
        # Spans first: they take sentences out, and no later question may lose its source.
        self._take_spans(context, max(1, n_questions // 4))
        self._insert_facts(context, n_facts)
        self._ask_cloze(context, max(1, n_questions // 6))
        self._ask_wh(context, max(1, n_questions // 4))
        self._ask_sentences(context, 1 if rng.random() < 0.3 else 0)
        rng.shuffle(context.questions)
        return self.assemble(context, length, document_weight)

    def _far_sequence(self, length: int, document_weight: float) -> Builder:
        n_questions = max(2, min(10, length // 160))
        context = self._context(length - n_questions * 40, n_questions)
        self._insert_facts(context, n_questions)
        self._ask_cloze(context, 1)
        self._ask_wh(context, max(1, n_questions // 4))
        self.rng.shuffle(context.questions)
        return self.assemble(context, length, document_weight)

    def assemble(self, context: Context, length: int, document_weight: float) -> Builder:
        """Write a context and its questions as the product's prompt does."""
        special = self.vocabulary.special
        out = Builder(length)
        out.add([special.bos], 0.0)
        newline = self.tokenizer.ids("\n")
        for number, (title, sentences) in enumerate(zip(context.titles, context.sentences, strict=True), 1):
            out.add(self.pool.header(number, title), 0.0)
            ids = np.concatenate(sentences) if sentences else np.zeros(0, np.uint16)
            out.add(ids, document_weight)
            if len(ids) == 0 or not self.vocabulary.has_newline[ids[-1]]:
                out.add(newline, 0.0)
        for question in context.questions:
            if len(question.ask) + len(question.answer) + 3 > out.left:
                continue
            out.add([special.ask, *question.ask, special.answer], 0.0)
            out.add(question.answer, question.weights, question.kind)
            out.add([special.end], END_WEIGHT, "other")
        return out

    def _context(self, n_tokens: int, n_facts: int) -> Context:
        rng = self.rng
        n_documents = 1 if rng.random() < 0.65 else max(1, min(rng.randint(2, 4), n_tokens // 100))
        context = Context()
        for _ in range(n_documents):
            title, ids, _ = self.pool.window(max(48, n_tokens // n_documents - 16))
            if rng.random() < 0.4:
                (ids,) = self.pool.shuffle_digits(ids)
            context.titles.append(title[-32:])  # a long path would take the room of the text
            context.sentences.append(self.vocabulary.sentences(ids))
        # Make room for facts by dropping whole sentences from the ends.
        used = sum(len(s) for doc in context.sentences for s in doc) + 16 * n_documents
        budget = max(64, n_tokens - 22 * n_facts)
        while used > budget:
            longest = max(context.sentences, key=lambda doc: sum(len(s) for s in doc))
            if len(longest) <= 1:
                break
            used -= len(longest.pop())
        return context

    def _quote(self, document: int, sentence: Ids, answer: list[int], kind: str, ask: list[int]) -> Question:
        number = self.tokenizer.ids(f"[{document + 1}]")
        quote = [int(i) for i in sentence[:MAX_QUOTE]]
        while quote and self.vocabulary.has_newline[quote[-1]]:
            quote.pop()
        special = self.vocabulary.special
        ids = [*number, special.quote, *quote, special.then, *answer]
        weights = [0.5] * len(number) + [0.3] + answer_weights(len(quote), len(answer))
        return Question(ask, ids, weights, kind)

    def _insert_facts(self, context: Context, most: int) -> None:
        """Put groups of like facts between sentences and ask for most of them."""
        left = self.rng.randint(1, most)
        while left > 0:
            size = min(left, self.rng.choice((1, 1, 2, 3, 4, 6)))
            left -= size
            facts = self.facts.group(size)
            for fact in facts:
                self._insert(context, fact, {question for one in facts for question, _ in one.asked})

    def _insert(self, context: Context, fact: Fact, answered: set[str]) -> None:
        rng = self.rng
        document = rng.randrange(len(context.sentences))
        sentences = context.sentences[document]
        ids = np.asarray(self.tokenizer.ids(f" {fact.statement}"), np.uint16)
        # A reader trained on even places alone never found what opens a text: one in six stands near its beginning.
        last = len(sentences) if rng.random() < 5 / 6 else min(2, len(sentences))
        sentences.insert(rng.randint(0, last), ids)
        # A fact is asked at most once for each of its values: an answer never gives away the next.
        seen: set[str] = set()
        for question, value in rng.sample(fact.asked, min(len(fact.asked), rng.choice((1, 1, 2)))):
            answer = self.slice_of(ids, f" {fact.statement}", f" {fact.statement}".find(value), value)
            if value in seen or answer is None:
                continue
            seen.add(value)
            if rng.random() < 0.6:
                ask = self.tokenizer.ids(question_text(question))
                context.questions.append(self._quote(document, ids, answer, "fact_quote", ask))
            else:
                ask = self.tokenizer.ids(question_text(question, short=True))
                weights = [2.0, *[0.8] * len(answer)][: len(answer)]
                context.questions.append(Question(ask, answer, weights, "fact"))
        absent = [question for question in fact.absent if question not in answered]
        if absent and rng.random() < 0.1:
            ask = self.tokenizer.ids(question_text(rng.choice(absent), short=rng.random() < 0.4))
            context.questions.append(Question(ask, self.not_stated, [1.0] * len(self.not_stated), "not_stated"))

    def slice_of(self, ids: Ids, text: str, start: int, value: str) -> list[int] | None:
        """Return the ids that cover text[start:start+len(value)], widened to token edges and a leading space."""
        if start < 0:
            return None
        chars = self.tokenizer.encode(text).chars
        if start > 0 and text[start - 1] == " ":
            start, length = start - 1, len(value) + 1
        else:
            length = len(value)
        covered = [i for i, (a, b) in enumerate(chars) if b > start and a < start + length]
        return [int(ids[i]) for i in range(covered[0], covered[-1] + 1)] if covered else None

    def _blanked(self, sentence: Ids, start: int, end: int, drop: float) -> list[int]:
        """Return ` Fill:` and the sentence with tokens [start, end) blanked and a share of other words dropped."""
        dropped: set[int] = set()
        for a, b in self.vocabulary.words(sentence):
            if (b <= start or a >= end) and self.rng.random() < drop:
                dropped.update(range(a, b))
        out = list(self.fill)
        for i, token in enumerate(sentence):
            if i == start:
                out.append(self.vocabulary.special.blank)
            if (start <= i < end) or i in dropped or self.vocabulary.has_newline[token]:
                continue
            out.append(int(token))
        return out

    def _content(self, sentence: Ids, a: int, b: int) -> bool:
        """Tell whether words [a, b) name something: a capital inside a sentence, a digit, or two content words."""
        part = sentence[a:b]
        vocabulary = self.vocabulary
        return bool(
            vocabulary.digit[part].any()
            or (a > 0 and (vocabulary.capital[part] & ~vocabulary.stop_word[part]).any())
            or (~vocabulary.stop_word[part]).sum() >= 3
        )

    def _take_spans(self, context: Context, most: int) -> None:
        rng = self.rng
        places: dict[tuple[int, ...], list[tuple[int, int, int]]] = defaultdict(list)
        for document, sentences in enumerate(context.sentences):
            for index, sentence in enumerate(sentences):
                words = self.vocabulary.words(sentence)
                for w, (a, _) in enumerate(words):
                    for n in (1, 2, 3, 4):
                        if w + n > len(words):
                            break
                        b = words[w + n - 1][1]
                        if b - a > 10:
                            break
                        if b - a >= 2:
                            places[tuple(sentence[a:b].tolist())].append((document, index, a))
        found = [(key, at) for key, at in places.items() if len({p[:2] for p in at}) >= 2]
        found.sort(key=lambda item: -len(item[0]) - rng.random())
        removed: set[tuple[int, int]] = set()
        kept: set[tuple[int, int]] = set()
        made = 0
        for key, at in found[: 8 * most]:
            rng.shuffle(at)
            document, index, a = at[0]
            others = {p[:2] for p in at} - {(document, index)} - removed
            sentence = context.sentences[document][index]
            if not others or (document, index) in kept | removed or not 6 <= len(sentence) <= 48:
                continue
            if not self._content(sentence, a, a + len(key)):
                continue
            removed.add((document, index))
            kept |= others
            ask = self._blanked(sentence, a, a + len(key), 0.0)
            context.questions.append(Question(ask, list(key), [1.0] * len(key), "span"))
            made += 1
            if made >= most:
                break
        for document, index in sorted(removed, reverse=True):
            del context.sentences[document][index]

    def _ask_cloze(self, context: Context, most: int) -> None:
        rng = self.rng
        for _ in range(most):
            absent = rng.random() < 0.12
            if absent:
                sentences = self.vocabulary.sentences(self.pool.window(160)[1])
            else:
                sentences = rng.choice(context.sentences)
            candidates = [s for s in sentences if 8 <= len(s) <= 48]
            if not candidates:
                continue
            sentence = rng.choice(candidates)
            words = self.vocabulary.words(sentence)
            if len(words) < 5:
                continue
            w = rng.randrange(len(words))
            n = rng.choice((1, 1, 2, 3))
            a, b = words[w][0], words[min(w + n, len(words)) - 1][1]
            if self.vocabulary.stop_word[sentence[a:b]].all():
                continue
            ask = self._blanked(sentence, a, b, 0.25)
            answer = self.not_stated if absent else [int(i) for i in sentence[a:b]]
            context.questions.append(
                Question(ask, list(answer), [1.0] * len(answer), "not_stated" if absent else "cloze")
            )

    def _ask_wh(self, context: Context, most: int) -> None:
        """Ask plain questions made from sentences of the context, with and without the quote."""
        rng = self.rng
        for _ in range(most):
            document = rng.randrange(len(context.sentences))
            question = self.wh_asked(document, context.sentences[document])
            if question is not None:
                context.questions.append(question)

    def wh_asked(self, document: int, sentences: list[Ids]) -> Question | None:
        """Return a plain question about one of a document's sentences, if a drawn one gives one."""
        rng = self.rng
        fitting = [s for s in sentences if 8 <= len(s) <= 40]
        if not fitting:
            return None
        sentence = rng.choice(fitting)
        span = span_of(sentence, self.vocabulary, rng)
        question = span and wh_question(sentence, span, self.tokenizer, self.vocabulary, rng)
        if not span or not question:
            return None
        answer = [int(i) for i in sentence[span[0] : span[1]]]
        if rng.random() < 0.7:
            return self._quote(document, sentence, answer, "wh_quote", self.tokenizer.ids(question_text(question)))
        ask = self.tokenizer.ids(question_text(question, short=True))
        return Question(ask, answer, [2.0, *[0.8] * len(answer)][: len(answer)], "wh")

    def _ask_sentences(self, context: Context, most: int) -> None:
        rng, vocabulary = self.rng, self.vocabulary
        counts: dict[tuple[int, ...], int] = defaultdict(int)
        for sentences in context.sentences:
            for sentence in sentences:
                for a, b in vocabulary.words(sentence):
                    counts[tuple(sentence[a:b].tolist())] += 1
        for _ in range(most):
            document = rng.randrange(len(context.sentences))
            fitting = [s for s in context.sentences[document] if 8 <= len(s) <= MAX_QUOTE]
            if not fitting:
                continue
            sentence = rng.choice(fitting)
            rare = [
                (a, b)
                for a, b in vocabulary.words(sentence)
                if vocabulary.word_start[sentence[a]]
                and not vocabulary.stop_word[sentence[a:b]].any()
                and counts[tuple(sentence[a:b].tolist())] == 1
            ]
            if not rare:
                continue
            a, b = rng.choice(rare)
            ask = (
                self.tokenizer.ids(" Quote the sentence about")
                + [int(i) for i in sentence[a:b]]
                + self.tokenizer.ids(".")
            )
            question = self._quote(document, sentence, [], "sentence", ask)
            cut = question.answer.index(vocabulary.special.then)
            context.questions.append(Question(ask, question.answer[:cut], question.weights[:cut], "sentence"))
