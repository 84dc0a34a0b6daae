"""Citations in a real browser: a link opens the Reader with the sentence marked."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import papers
from scripted import Scripted

SCRIPT = {"notice": (papers.NOTICE, "ninety days")}


def ask(page: Any, question: str) -> None:
    page.get_by_role("textbox", name="Question").fill(question)
    page.get_by_role("textbox", name="Question").press("Enter")


def test_citation_opens_reader_with_sentence_marked(
    serve_with: Callable[..., Any], open_page: Callable[..., Any], tmp_path: Path
) -> None:
    server = serve_with(Scripted(SCRIPT))
    page = open_page(server)
    page.set_input_files("input[type=file]", papers.lease(tmp_path))
    page.get_by_role("checkbox", name="Include contract.pdf").wait_for()
    ask(page, "What notice must the tenant give?")
    link = page.get_by_role("link", name=re.compile(r"Citation 1, contract.pdf, page 2, verified"))
    link.wait_for()
    link.focus()
    tip = page.get_by_role("tooltip")
    tip.wait_for()
    assert "contract.pdf, page 2" in tip.inner_text()
    assert papers.NOTICE in tip.inner_text()
    assert "Verified" in tip.inner_text()
    link.press("Enter")
    reader = page.get_by_role("region", name="Reader")
    reader.locator("mark").wait_for()
    assert " ".join(reader.locator("mark").inner_text().split()) == papers.NOTICE
    assert reader.locator(".ld-rect").count() >= 1
    picture = reader.get_by_role("img")
    page.wait_for_function("element => element.complete && element.naturalWidth > 0", arg=picture.element_handle())
    assert page.evaluate("document.activeElement.closest('.ld-reader') !== null")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('href')").startswith("#cite-")
