"""A model is fetched as a job of the server: looked up first, with progress, stopped, gone on with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_hub
import pytest

from longdoc.errors import ModelError, UserError
from longdoc.ui.model_page import ModelCalls

READER = Path(__file__).resolve().parents[2] / "models" / "reader-native"
FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")


@pytest.fixture
def page(make_context: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The calls of the page, with a hub that has one model."""
    files = {name: (READER / name).read_bytes() for name in FILES}
    with fake_hub.running({"someone/small": files}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        calls = ModelCalls(make_context())
        calls.hub = hub  # type: ignore[attr-defined]
        yield calls


def test_a_model_is_looked_up_then_fetched_then_listed(page: Any) -> None:
    offer = page.look_up(" someone/small ")
    assert (offer["name"], offer["licence"], offer["files"]) == ("someone/small", "apache-2.0", len(FILES))
    assert page.hub.asked == []
    job = page.download("someone/small")
    assert page.context.worker.wait(job, 60).state == "done"
    assert "small" in [row["name"] for row in page.models()["rows"]]
    assert page.downloads() == []


def test_a_stopped_download_stays_listed_and_goes_on(page: Any) -> None:
    page.hub.pause_s = 0.05
    job = page.download("someone/small")
    assert page.download("someone/small") == job
    while page.context.worker.progress(page.context.library.job(job)).get("stage") != "downloading":
        threading.Event().wait(0.01)
    page.context.worker.cancel(job)
    assert page.context.worker.wait(job, 60).state == "stopped"
    (row,) = page.downloads()
    assert "kept" in row["message"]
    page.hub.pause_s = 0.0
    again = page.download("someone/small")
    page.dismiss_download(job)
    assert page.context.worker.wait(again, 60).state == "done"
    assert page.downloads() == []


def test_what_the_hub_does_not_have_is_refused_before_a_job_begins(page: Any) -> None:
    with pytest.raises(ModelError, match="no model"):
        page.download("someone/other")
    with pytest.raises(UserError, match="not a name"):
        page.look_up("../x")
    assert page.context.library.jobs() == []
