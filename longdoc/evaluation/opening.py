"""Open a model for evaluation: a local one through the engine's loader, or a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from longdoc.backends.remote import is_address
from longdoc.engine import Engine
from longdoc.evaluation.asking import LocalModel, Model, PlanMaker, Way
from longdoc.evaluation.remote_model import RemoteModel
from longdoc.settings import Settings
from longdoc.tokens import TextTokenizer
from longdoc.types import ReadingPlan


@contextmanager
def open_model(name: str, settings: Settings, make_engine: Callable[[Settings], Engine] = Engine) -> Iterator[Model]:
    """Load a model, or reach a server, and give it back at the end. Raises ModelError, RemoteError."""
    with make_engine(settings) as engine:
        plan = plan_maker(engine, name, settings)
        if is_address(name):
            tokenizer = TextTokenizer.from_folder(settings.models / "reader")
            yield RemoteModel(name, engine, plan, in_memory, tokenizer)
        else:
            yield LocalModel(name, engine.backend(name), plan, in_memory)


def plan_maker(engine: Engine, name: str, settings: Settings) -> PlanMaker:
    """Return what plans a prompt by its whole length, the answer's reserve among it."""

    def plan(way: Way, n_tokens: int) -> ReadingPlan:
        # The planner adds the reserve itself.
        prompt_tokens = max(1, n_tokens - settings.answer_reserve_tokens)
        chosen = {"position": way.position, "attention": way.attention, "tier": way.tier}
        return engine.plan(name, prompt_tokens, **{key: value for key, value in chosen.items() if value is not None})

    return plan
