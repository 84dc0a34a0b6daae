"""Ask a local model many questions of one reading, the way the product asks.

Packs, reads and decodes through the backend itself, so that a haystack is read
once and every question costs only itself; the answer is taken apart and cited
by the product's own code. `remote.py` does the same for servers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from longdoc.answer.ask import readable
from longdoc.answer.copying import COPYING_RULES, copy_constraint
from longdoc.attention.sparsity import CHOICE_RULES, SPARSE
from longdoc.backends import Backend
from longdoc.citations import cite, cite_passages, take_apart
from longdoc.engine.progress import PeakMemory
from longdoc.evaluation.items import Reply
from longdoc.files import sha256_text
from longdoc.formats import SpecialIds
from longdoc.grounding import CopyConstraint
from longdoc.packing import Included, pack
from longdoc.tokens import TextTokenizer
from longdoc.types import Document, Generation, Mode, Passage, Prompt, ReadingPlan, Usage

_EVIDENCE_TOKENS = 64


@dataclass(frozen=True)
class Way:
    """How a model is to read and answer. None leaves a choice to the planner."""

    position: str | None = None
    attention: str | None = None
    tier: str | None = None
    mode: Mode = "single"
    short: bool = False  # ask for the answer without its quote
    top_k: int = 5
    kv_dtype: str | None = None  # form in which keys and values are kept
    anywhere: bool = False  # quotes begin anywhere, not only near what the question names

    @property
    def key(self) -> str:
        """What of this, beside the plan, decides an answer."""
        style = "short" if self.short else "anywhere" if self.anywhere else "quote"
        return f"{self.mode}/{style}/{self.top_k if self.mode == 'chunked' else 0}"


class Session(Protocol):
    """Documents ready to be asked about; the first question reads them."""

    def ask(self, question: str, max_new_tokens: int) -> Reply: ...


class Model(Protocol):
    """A model as the evaluation sees it."""

    name: str
    tokenizer: TextTokenizer
    identity: str  # changes with the weights

    def plan(self, way: Way, n_tokens: int) -> ReadingPlan:
        """Return the plan for documents, question and answer of `n_tokens` in all."""
        ...

    def fingerprint(self, plan: ReadingPlan) -> str: ...

    def session(self, documents: Sequence[Document], way: Way, plan: ReadingPlan, stop: threading.Event) -> Session: ...

    def prefix_tokens(self, documents: Sequence[Document]) -> int: ...


PlanMaker = Callable[[Way, int], ReadingPlan]
Search = Callable[[str, int], list[Passage]]
Retriever = Callable[[Sequence[Document], TextTokenizer], Search]


class LocalModel:
    """A loaded backend."""

    def __init__(self, name: str, backend: Backend, make_plan: PlanMaker, retriever: Retriever) -> None:
        self.name = name
        self.backend = backend
        self.tokenizer = backend.tokenizer
        self.plan = make_plan
        self._retriever = retriever
        self.identity = backend.fingerprint(make_plan(Way(position="none"), 1))

    def fingerprint(self, plan: ReadingPlan) -> str:
        choice = f"/{CHOICE_RULES}" if plan.attention == SPARSE else ""
        return f"{self.backend.fingerprint(plan)}/{COPYING_RULES}{choice}"

    def prefix_tokens(self, documents: Sequence[Document]) -> int:
        """Return how many tokens the documents take in a prompt."""
        return pack(included(documents), None, self.tokenizer, self.backend.frame).prefix_len

    def session(self, documents: Sequence[Document], way: Way, plan: ReadingPlan, stop: threading.Event) -> Session:
        if way.mode == "chunked":
            return ChunkedSession(self.backend, documents, way, plan, self.plan, self._retriever, stop)
        return WholeSession(self.backend, documents if way.mode == "single" else (), way, plan, stop)


class WholeSession:
    """All documents in one reading, or none at all."""

    def __init__(
        self, backend: Backend, documents: Sequence[Document], way: Way, plan: ReadingPlan, stop: threading.Event
    ) -> None:
        self._way = way
        self._included = included(documents)
        self._reader = ReadOnce(backend, plan, stop, anywhere=way.anywhere)

    def ask(self, question: str, max_new_tokens: int) -> Reply:
        backend = self._reader.backend
        prompt = pack(self._included, question, backend.tokenizer, backend.frame, short=self._way.short)
        generation = self._reader.generate(prompt, max_new_tokens)
        said = take_apart(generation, backend.tokenizer, backend.frame.special)
        citations = cite(said, question, readable(self._included), prompt=prompt, generation=generation)
        usage, kept = generation.usage, self._reader.kv_bytes
        return Reply(said.text, " ".join(said.quotes), generation.stop_reason, tuple(citations), usage, kept)


class ChunkedSession:
    """The best passages of the documents for each question, read anew."""

    def __init__(
        self,
        backend: Backend,
        documents: Sequence[Document],
        way: Way,
        plan: ReadingPlan,
        make_plan: PlanMaker,
        retriever: Retriever,
        stop: threading.Event,
    ) -> None:
        self._backend, self._way, self._plan, self._make_plan, self._stop = backend, way, plan, make_plan, stop
        self._documents = {document.id: (document, document.title) for document in documents}
        self._order = {document.id: at for at, document in enumerate(documents)}
        self._search = retriever(documents, backend.tokenizer)

    def ask(self, question: str, max_new_tokens: int) -> Reply:
        backend = self._backend
        ranked = self._search(question, self._way.top_k)
        ordered = sorted(ranked, key=lambda passage: (self._order[passage.document_id], passage.start))
        prompt = pack(
            [passage_included(self._documents[p.document_id][0], p) for p in ordered],
            question,
            backend.tokenizer,
            backend.frame,
            short=self._way.short,
        )
        plan = self._make_plan(self._way, len(prompt.token_ids) + max_new_tokens)
        reader = ReadOnce(backend, plan, self._stop, anywhere=self._way.anywhere)
        generation = reader.generate(prompt, max_new_tokens)
        said = take_apart(generation, backend.tokenizer, backend.frame.special)
        citations = tuple(cite_passages(said, ranked, self._documents, question))
        return Reply(
            said.text, " ".join(said.quotes), generation.stop_reason, citations, generation.usage, reader.kv_bytes
        )


class ReadOnce:
    """One prefix, read when it is first needed and kept for every later question."""

    def __init__(self, backend: Backend, plan: ReadingPlan, stop: threading.Event, *, anywhere: bool = False) -> None:
        self.backend, self._plan, self._stop, self._anywhere = backend, plan, stop, anywhere
        self._prefix: tuple[int, ...] | None = None
        self.kv_bytes = 0  # the most that keys, values and states took, wherever they lie

    def generate(self, prompt: Prompt, max_new_tokens: int) -> Generation:
        """Answer a prompt whose documents are those of the first one."""
        with PeakMemory() as peak:
            made = self._generate(prompt, max_new_tokens)
        return replace(made, usage=replace(made.usage, peak_bytes=peak.peak_bytes))

    def _generate(self, prompt: Prompt, max_new_tokens: int) -> Generation:
        began = time.perf_counter()
        prefix = prompt.token_ids[: prompt.prefix_len]
        cached = len(prefix) if self._prefix == prefix else 0
        if not cached:
            self._reading = self.backend.new_cache(self._plan, max(1, len(prefix)))
            for _ in self.backend.prefill(prefix, self._reading, self._plan, self._stop):
                pass
            self._prefix = prefix
        read_s = time.perf_counter() - began
        frame = self.backend.frame
        output: list[int] = []
        evidence = []
        first_s = 0.0
        stop_reason = ""
        for decoded in self.backend.decode(
            prompt.token_ids[prompt.prefix_len :],
            self._reading,
            self._plan,
            max_new_tokens=max_new_tokens,
            stop_ids=frame.stop_ids,
            stop=self._stop,
            constraint=_constraint(prompt, frame.special, self.backend.tokenizer, self._anywhere),
            evidence_tokens=_EVIDENCE_TOKENS if prefix else 0,
        ):
            first_s = first_s or time.perf_counter() - began
            if decoded.token_id in frame.stop_ids:
                stop_reason = "end"
                break
            output.append(decoded.token_id)
            evidence.append(decoded.evidence)
        self.kv_bytes = max(self.kv_bytes, self._reading.kept_bytes)
        usage = Usage(len(prompt.token_ids), cached, len(output), read_s, first_s, time.perf_counter() - began)
        text = self.backend.tokenizer.decode(output)
        stop_reason = stop_reason or ("length" if len(output) >= max_new_tokens else "end")
        return Generation(tuple(output), text, stop_reason, usage, tuple(evidence), _EVIDENCE_TOKENS)


def _constraint(
    prompt: Prompt, special: SpecialIds | None, tokenizer: TextTokenizer, anywhere: bool
) -> CopyConstraint | None:
    """Return what the product uses to keep the reader's quotes inside the documents."""
    if special is None or not any(region.role == "document" for region in prompt.regions):
        return None
    return copy_constraint(prompt, special, tokenizer, anywhere=anywhere)


def included(documents: Sequence[Document]) -> list[Included]:
    """Return documents as they go into a prompt, whole."""
    return [Included(document, document.title, marker(document)) for document in documents]


def marker(document: Document) -> str:
    """Return a made-up marker; the same in every run, so that results can be repeated."""
    return sha256_text("marker", document.id)[:8]


def passage_included(document: Document, passage: Passage) -> Included:
    """Return one retrieved passage as it goes into a prompt."""
    return Included(document, document.title, marker(document), ((passage.start, passage.end),), title=document.title)
