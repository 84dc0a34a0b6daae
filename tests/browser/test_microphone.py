"""What is said into a microphone becomes a recording like any other. Chromium's made-up microphone beeps."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted import Scripted

from longdoc.speech import ENGINES, EngineRow

SPEECH = Path(__file__).resolve().parents[1] / "speech"
CHROMIUM = os.environ.get("LONGDOC_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
FAKE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


@pytest.fixture
def server(serve_with: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server whose offline engine says "second x N" for each second of sound."""
    monkeypatch.setenv("PYTHONPATH", str(SPEECH))
    monkeypatch.delenv("SCRIPTED_SPEECH", raising=False)
    monkeypatch.setitem(ENGINES, "sphinx", EngineRow("sphinx", "Scripted", "scripted_speech:scripted_engine"))
    return serve_with(Scripted({}))


def test_what_is_recorded_is_kept_transcribed_and_played(server: Any, browser: Any) -> None:
    with browser.browser_type.launch(executable_path=CHROMIUM, args=[*FLAGS, *FAKE]) as heard:
        page = heard.new_context(permissions=["microphone"]).new_page()
        page.set_default_timeout(45_000)
        page.goto(server.url + "recordings")
        page.wait_for_selector("#longdoc[data-started=done]")
        page.get_by_role("button", name="Record", exact=True).click()
        page.get_by_role("timer").get_by_text(re.compile(r"^0:0[3-9]$")).wait_for()
        page.get_by_role("button", name="Stop recording").click()
        page.get_by_text(re.compile(r"Recording \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d\.webm")).wait_for()
        page.get_by_role("button", name="Record", exact=True).wait_for()
        page.get_by_role("button", name="Transcribe", exact=True).click()
        page.locator(".ld-ready").wait_for()
        page.locator(".ld-words-said").nth(1).wait_for()
        lines = page.locator(".ld-words-said").all_text_contents()
        assert lines[0].startswith("second x ")
        (item,) = server.context.library.transcript_items()
        assert re.fullmatch(r"Recording .*\.webm", item.source.name)
        assert item.source.media_type == "audio/webm"
        assert item.duration_s >= 2.5
        page.locator(".ld-line-said .ld-time").first.click()
        page.wait_for_function("!document.querySelector('audio').paused")


def test_no_microphone_is_one_sentence(server: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(server, "recordings", permissions=["microphone"])
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_role("alert").get_by_text(re.compile("No microphone was found|does not let this page")).wait_for()
    assert page.get_by_role("button", name="Record", exact=True).is_enabled()
