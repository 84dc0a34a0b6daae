"""Citations in a real browser: a link opens the Reader with the sentence marked."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import papers
import pytest
from scripted import Scripted

ROOT = Path(__file__).resolve().parents[2]
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


@pytest.mark.model
@pytest.mark.skipif(not (ROOT / "models/reader/model.safetensors").is_file(), reason="the reader has no weights here")
def test_bundled_reader_answers_a_sample_with_evidence_that_opens(
    serve_with: Callable[..., Any], open_page: Callable[..., Any]
) -> None:
    page = open_page(serve_with(None))
    page.set_default_timeout(200_000)
    page.set_input_files("input[type=file]", ROOT / "assets/samples/annex.docx")
    page.get_by_role("checkbox", name="Include annex.docx").wait_for()
    assert page.locator(".ld-limits").inner_text().strip() != "Other models"  # its limits stand beside its name
    ask(page, "What is the rent of the first year?")
    answer = page.get_by_role("article", name="What is the rent of the first year?")
    answer.wait_for()
    answer.get_by_role("link", name=re.compile("Citation 1, annex.docx")).first.click()
    marked = page.locator(".ld-reader mark").first
    marked.wait_for()
    assert marked.inner_text().strip()
