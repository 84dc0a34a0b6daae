"""A size of Whisper is fetched from the Recordings page: size and licence, progress, Stop, then it can be chosen."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import fake_hub
import pytest
from scripted import Scripted

from longdoc.speech.weights import SIZES

FILES = {"config.json": b"{}", "tokenizer.json": b"{}", "vocabulary.txt": b"a\n", "model.bin": bytes(8 << 20)}


def test_whisper_is_fetched_stopped_gone_on_with_and_then_offered(
    serve_with: Callable[..., Any],
    open_page: Callable[..., Any],
    axe: Callable[[Any], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with fake_hub.running({SIZES["base"].repository: FILES}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.pause_s = 0.25
        page = open_page(serve_with(Scripted({})), "recordings")
        page.get_by_text("No model of Whisper is here yet").wait_for()
        page.get_by_role("button", name="Get Whisper").click()
        asked = page.get_by_role("dialog", name="Get Whisper")
        asked.get_by_role("combobox", name="Size of Whisper").select_option("base")
        told = asked.locator("dl").inner_text()
        assert "148 MB" in told
        assert "MIT" in told
        assert "Systran/faster-whisper-base" in told
        assert axe(page) == []
        assert hub.asked == []
        asked.get_by_role("button", name="Download").click()

        downloads = page.get_by_role("list", name="Downloads of speech models")
        card = downloads.get_by_role("listitem", name="Whisper base")
        card.get_by_text(re.compile(r"Downloading [1-7] MB of 8 MB")).wait_for()
        assert 0 < int(card.get_by_role("progressbar").get_attribute("aria-valuenow")) < 100
        card.get_by_role("button", name="Stop").click()
        card.get_by_text("Files that came whole are kept").wait_for()
        assert axe(page) == []
        hub.pause_s = 0.0
        card.get_by_role("button", name="Go on").click()
        card.wait_for(state="detached")

        page.get_by_text("Language, engine, quality").click()
        engine = page.get_by_role("combobox", name="Engine")
        assert engine.locator("option", has_text=re.compile("^Whisper$")).get_attribute("disabled") is None
        engine.select_option("whisper")
        assert not page.get_by_text("No model of Whisper is here yet").is_visible()
        page.get_by_role("button", name="Get another size of Whisper").click()
        sizes = page.get_by_role("combobox", name="Size of Whisper").locator("option").all_text_contents()
        assert not [size for size in sizes if size.startswith("base")]
