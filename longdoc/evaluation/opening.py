"""Open a model for evaluation: a local one through the engine's loader, or a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from longdoc.backends.remote import is_address
from longdoc.engine import Engine
from longdoc.evaluation.asking import LocalModel, Model, PlanMaker, Retriever, Search, Way
from longdoc.evaluation.remote_model import RemoteModel
from longdoc.retrieval import Index, chunks, find_embedder
from longdoc.settings import Settings
from longdoc.tokens import TextTokenizer
from longdoc.types import Document, ReadingPlan


@contextmanager
def open_model(name: str, settings: Settings, make_engine: Callable[[Settings], Engine] = Engine) -> Iterator[Model]:
    """Load a model, or reach a server, and give it back at the end. Raises ModelError, RemoteError."""
    with make_engine(settings) as engine:
        yield model_of(engine, name, settings)


def model_of(engine: Engine, name: str, settings: Settings) -> Model:
    """Return a model of an engine that is open already. Raises ModelError, RemoteError."""
    plan, retrieve = plan_maker(engine, name, settings), in_memory(settings)
    if is_address(name):
        tokenizer = TextTokenizer.from_folder(settings.models / "reader")
        return RemoteModel(name, engine, plan, retrieve, tokenizer)
    return LocalModel(name, engine.backend(name), plan, retrieve)


def plan_maker(engine: Engine, name: str, settings: Settings) -> PlanMaker:
    """Return what plans a prompt by its whole length, the answer's reserve among it."""

    def plan(way: Way, n_tokens: int) -> ReadingPlan:
        # The planner adds the reserve itself.
        prompt_tokens = max(1, n_tokens - settings.answer_reserve_tokens)
        chosen = {"position": way.position, "attention": way.attention, "tier": way.tier, "kv_dtype": way.kv_dtype}
        return engine.plan(name, prompt_tokens, **{key: value for key, value in chosen.items() if value is not None})

    return plan


def in_memory(settings: Settings) -> Retriever:
    """Return the product's chunk and retrieve over documents that are in no library."""
    embedder = find_embedder(settings)

    def retriever(documents: Sequence[Document], tokenizer: TextTokenizer) -> Search:
        index = Index(embedder=embedder)
        for document in documents:
            index.add(document, chunks(document, tokenizer.count, settings.passage_tokens))
        ids = [document.id for document in documents]
        return lambda question, top_k: index.search(question, ids, top_k)

    return retriever
