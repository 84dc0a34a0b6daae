"""The pages and what each may ask of the server.

A page is one HTML component: its skeleton here, its script in `assets/ui`, its calls
through the component's server function. Everything on it is drawn by the script
from JSON, so that a refresh only draws again what the server knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longdoc.ui.calls import Calls
from longdoc.ui.comparing import CompareCalls
from longdoc.ui.context import Context
from longdoc.ui.conversation import ConversationCalls
from longdoc.ui.evaluating import EvaluationCalls
from longdoc.ui.library import LibraryCalls
from longdoc.ui.model_page import ModelCalls
from longdoc.ui.reader_calls import ReaderCalls
from longdoc.ui.recordings import RecordingCalls

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "ui"


@dataclass(frozen=True)
class Page:
    """One page: its name in the bar, its path, the name of its script."""

    title: str
    path: str  # "" is the first page
    name: str


PAGES = (
    Page("Documents", "", "documents"),
    Page("Compare", "compare", "compare"),
    Page("Recordings", "recordings", "recordings"),
    Page("Evaluation", "evaluation", "evaluation"),
    Page("Models & memory", "models", "models"),
)


def calls_of(page: Page, context: Context) -> Calls:
    """Return what a page may ask."""
    talk, library, models = ConversationCalls(context), LibraryCalls(context), ModelCalls(context)
    shared: list[Callable[..., Any]] = [talk.poll, talk.stop, models.models, library.library]
    if page.name == "documents":
        reader = ReaderCalls(context)
        return Calls(
            *shared,
            library.count,
            library.add_upload,
            library.add_text,
            library.add_path,
            library.ask_sample,
            library.suggestions,
            library.relevance,
            library.adding,
            library.tree,
            library.add_tree,
            library.retry,
            library.dismiss,
            library.rename,
            library.citing,
            library.delete,
            library.save_collection,
            library.delete_collection,
            library.plan_collection,
            talk.budget,
            talk.ask,
            talk.threads,
            talk.turns,
            talk.rename_thread,
            talk.delete_thread,
            talk.export,
            talk.prompt,
            reader.open_document,
            reader.open_place,
            reader.part,
            reader.search_document,
            reader.sections,
        )
    if page.name == "recordings":
        return Calls(*shared, talk.ask, talk.export, talk.budget, *RecordingCalls(context).calls())
    if page.name == "compare":
        reader, comparing = ReaderCalls(context), CompareCalls(context)
        return Calls(
            *shared,
            talk.budget,
            comparing.compare,
            comparing.comparisons,
            comparing.comparison,
            comparing.vote,
            comparing.export_comparison,
            reader.open_document,
            reader.open_place,
            reader.part,
            reader.search_document,
        )
    if page.name == "evaluation":
        measuring = EvaluationCalls(context)
        return Calls(
            *shared,
            measuring.evaluation_choices,
            measuring.take_questions,
            measuring.cost,
            measuring.evaluate,
            measuring.evaluations,
            measuring.evaluation,
            measuring.evaluation_run,
            measuring.go_on,
            measuring.forget_evaluation,
            measuring.export_evaluation,
        )
    return Calls(
        *shared,
        models.preview,
        models.add_model,
        models.forget_model,
        models.look_up,
        models.download,
        models.downloads,
        models.dismiss_download,
    )


def skeleton(page: Page) -> str:
    """Return the HTML that a page's script fills."""
    starting = '<p class="ld-starting" role="status">Starting…</p>'
    return f'<div class="ld-page" id="longdoc" data-page="{page.name}">{starting}</div>'
