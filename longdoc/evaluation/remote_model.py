"""Ask a model on a server the same questions, as chat messages.

The server's own prefix cache decides whether documents are read once. Lengths
are measured with the bundled reader's tokenizer, since the server's is not here.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Protocol

from longdoc.answer.ask import readable
from longdoc.citations import cite, cite_passages, take_apart
from longdoc.evaluation.asking import PlanMaker, Retriever, Session, Way, included, passage_included
from longdoc.evaluation.items import Reply
from longdoc.files import sha256_text
from longdoc.packing import Included, chat_messages
from longdoc.tokens import TextTokenizer
from longdoc.types import Document, Generation, ReadingPlan


class Server(Protocol):
    """What is needed of the engine."""

    def generate_remote(
        self,
        model: str,
        messages: Sequence[Mapping[str, str]],
        *,
        max_new_tokens: int = 256,
        stop: threading.Event | None = None,
    ) -> Generation: ...


class RemoteModel:
    """A server by its address."""

    def __init__(
        self, name: str, server: Server, make_plan: PlanMaker, retriever: Retriever, tokenizer: TextTokenizer
    ) -> None:
        self.name = name
        self.tokenizer = tokenizer
        self.plan = make_plan
        self.identity = sha256_text("server", name)
        self._server, self._retriever = server, retriever

    def fingerprint(self, plan: ReadingPlan) -> str:
        return self.identity

    def prefix_tokens(self, documents: Sequence[Document]) -> int:
        return sum(len(self.tokenizer.ids(document.text)) + 40 for document in documents) + 100

    def session(self, documents: Sequence[Document], way: Way, plan: ReadingPlan, stop: threading.Event) -> Session:
        return _RemoteSession(self.name, self._server, documents, way, self._retriever, self.tokenizer, stop)


class _RemoteSession:
    def __init__(
        self,
        name: str,
        server: Server,
        documents: Sequence[Document],
        way: Way,
        retriever: Retriever,
        tokenizer: TextTokenizer,
        stop: threading.Event,
    ) -> None:
        self._name, self._server, self._way, self._stop = name, server, way, stop
        self._documents = documents if way.mode != "none" else ()
        self._search = retriever(documents, tokenizer) if way.mode == "chunked" else None

    def ask(self, question: str, max_new_tokens: int) -> Reply:
        if self._search is None:
            pieces = included(self._documents)
            generation = self._generate(pieces, question, max_new_tokens)
            said = take_apart(generation, None, None)
            citations = cite(said, question, readable(pieces))
        else:
            by_id = {document.id: (document, document.title) for document in self._documents}
            order = {document.id: at for at, document in enumerate(self._documents)}
            ranked = self._search(question, self._way.top_k)
            ordered = sorted(ranked, key=lambda passage: (order[passage.document_id], passage.start))
            pieces = [passage_included(by_id[passage.document_id][0], passage) for passage in ordered]
            generation = self._generate(pieces, question, max_new_tokens)
            said = take_apart(generation, None, None)
            citations = cite_passages(said, ranked, by_id, question)
        return Reply(said.text, " ".join(said.quotes), generation.stop_reason, tuple(citations), generation.usage)

    def _generate(self, pieces: Sequence[Included], question: str, max_new_tokens: int) -> Generation:
        messages = chat_messages(pieces, question, short=self._way.short)
        return self._server.generate_remote(self._name, messages, max_new_tokens=max_new_tokens, stop=self._stop)
