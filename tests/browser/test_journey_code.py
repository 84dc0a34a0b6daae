"""Journey 3: a code base. Pack it, ask across files, trust the lines. Answers come from a script.

Numbers in comments are the steps of the journey; step 12 (Evaluation) is in `test_evaluation.py`.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted import Scripted

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples"
ROUNDED = "def rounded_total(order) -> int:"
CALLED = "cents = rounded_total(order)"
SCRIPT = {"rounded": (ROUNDED, "rounded_total rounds it; charge.py calls it", CALLED), "free": ("", "7500 cents")}

pytestmark = pytest.mark.skipif(not (SAMPLES / "shop.zip").is_file(), reason="the samples are not made yet")


def changed(archive: Path, folder: Path) -> Path:
    """Return a copy of the code base with one file new, one changed, one gone."""
    path = folder / "shop.zip"
    held = io.BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(held, "w") as new:
        for name in old.namelist():
            if name != "shop/cart/limits.py" and not name.endswith("/"):
                data = old.read(name) + (b"# changed\n" if name == "shop/errors.py" else b"")
                new.writestr(name, data)
        new.writestr("shop/brand_new.py", "NEW = True\n")
    path.write_bytes(held.getvalue())
    return path


def numbers(text: str) -> list[int]:
    return [int(found.replace(",", "")) for found in re.findall(r"\d[\d,]*", text)]


def test_code_journey_with_scripted_answers(
    serve_with: Callable[..., Any], open_page: Callable[..., Any], axe: Callable[[Any], list[str]], tmp_path: Path
) -> None:
    facts = json.loads((SAMPLES / "facts.json").read_text())["shop.zip"]
    backend = Scripted(SCRIPT, step_s=0.01)
    server = serve_with(backend)
    page = open_page(server)

    # 1 a tree before anything is packed; what is left out says why
    page.set_input_files("input[type=file]", SAMPLES / "shop.zip")
    dialog = page.get_by_role("dialog", name="shop")
    dialog.wait_for()
    assert server.context.library.documents() == []
    tree = dialog.get_by_role("tree")
    modules = tree.get_by_role("treeitem", name=re.compile("^node_modules"))
    assert modules.get_attribute("aria-disabled") == "true"
    assert "installed packages" in modules.get_attribute("aria-label")
    assert ".gitignore" in tree.get_by_role("treeitem", name=re.compile("^build")).get_attribute("aria-label")
    total = dialog.locator(".ld-total")
    assert numbers(total.inner_text())[0] == facts["source_files"]
    tops = tree.locator("[role=treeitem][aria-level='1']:not([aria-disabled])")
    assert (
        sum(numbers(row.locator(".ld-number").inner_text())[0] for row in tops.all()) == numbers(total.inner_text())[1]
    )
    assert axe(page) == []

    # 2 by keyboard: unfold, tick the file with the key, read the warning
    before = numbers(total.inner_text())
    tops.first.focus()
    page.keyboard.press("Home")
    for _ in range(30):
        if (page.evaluate("document.activeElement.dataset.path") or "") == "deploy":
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.path") == facts["secret"]["path"]
    assert "possible secret" in page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("Space")
    assert numbers(total.inner_text())[0] == before[0] + 1
    warning = dialog.get_by_role("alert").inner_text()
    assert f"{facts['secret']['path']}, line {facts['secret']['line']}" in warning
    # 3 untick, filter, add: the card has the tree's numbers
    page.keyboard.press("Space")
    assert numbers(total.inner_text()) == before
    dialog.get_by_role("textbox", name="Filter").fill("*.py")
    n_files, n_tokens = numbers(total.inner_text())
    assert 0 < n_files <= facts["source_files"]
    dialog.get_by_role("button", name="Add").click()
    card = page.get_by_role("listitem", name="shop", exact=True)
    card.get_by_text("Ready").wait_for()
    page.wait_for_function("![...document.querySelectorAll('.ld-facts')].some(e => e.textContent.includes('counting'))")
    assert numbers(card.locator(".ld-facts").inner_text())[:2] == [n_files, n_tokens]

    # 4 over the window: Outline is offered, and it fits
    page.get_by_role("link", name="Models & memory").click()
    page.get_by_role("spinbutton", name="Window in tokens").fill(str(n_tokens - 500))
    page.get_by_role("spinbutton", name="Window in tokens").press("Tab")
    page.locator(".ld-plan").get_by_text(f"{n_tokens - 500:,}", exact=True).wait_for()
    page.get_by_role("link", name="Documents").click()
    page.get_by_role("button", name="Outline…").click()
    page.get_by_role("checkbox", name="tests/").check()
    page.get_by_role("button", name="Use outline").click()
    card.get_by_text(re.compile(r"\d+ files whole, \d+ as outline")).wait_for()
    whole, outlined = numbers(card.locator(".ld-how").inner_text())
    assert (whole + outlined, outlined) == (n_files, facts["test_files"])
    page.locator(".ld-offers:empty").wait_for(state="attached")

    # 5 the exact prompt: every file by path, outlines marked, the question last
    question = page.get_by_role("textbox", name="Question")
    question.fill("Where is the order total rounded, and who calls it?")
    page.get_by_role("button", name="Show prompt").click()
    prompt = page.get_by_role("dialog", name="Exact prompt")
    prompt.wait_for()
    regions = prompt.locator("pre").all_text_contents()
    assert sum(re.fullmatch(r"\[\d+\] tests/\S+ \(outline\)\n", text) is not None for text in regions) == outlined
    assert "who calls it?" in regions[-1]
    prompt.get_by_role("button", name="Close").click()

    # 6 an answer across files
    question.press("Enter")
    answer = page.get_by_role("article", name=re.compile("order total rounded"))
    answer.wait_for()
    rounds = answer.get_by_role("link", name=re.compile(r"shop\/orders\/total.py:12.*verified"))
    assert rounds.count() == 1
    assert answer.get_by_role("link", name=re.compile(r"shop\/payment\/charge.py:\d+")).count() >= 1
    # 7 the file with the line marked, numbered like the file
    rounds.click()
    reader = page.get_by_role("region", name="Reader")
    reader.locator(".ld-line.ld-marked").first.wait_for()
    marked = reader.locator(".ld-line.ld-marked")
    assert marked.first.locator(".ld-lineno").get_attribute("data-n") == "12"
    assert ROUNDED in marked.first.inner_text()
    with zipfile.ZipFile(SAMPLES / "shop.zip") as archive:
        lines = archive.read("shop/orders/total.py").decode().splitlines()
    assert reader.locator(".ld-line").count() == len(lines)
    assert lines[11] == ROUNDED
    assert axe(page) == []
    page.keyboard.press("Escape")

    # 8 a second question reads nothing again
    steps = sum(backend.steps)
    question.fill("From which value of goods is shipping free?")
    question.press("Enter")
    second = page.get_by_role("article", name=re.compile("shipping free"))
    second.wait_for()
    assert "already read" in second.inner_text()
    assert sum(backend.steps) - steps < 0.1 * steps

    # 9 without one late file, reading goes on from the first changed place
    page.get_by_role("button", name="Menu of shop").click()
    page.get_by_role("button", name="Part…").click()
    page.get_by_role("dialog").get_by_role("checkbox").nth(n_files // 2).uncheck()
    page.get_by_role("button", name="Use this part").click()
    card.get_by_text("Part:").wait_for()
    page.get_by_role("combobox", name="How to read").select_option("single")
    page.get_by_role("link", name="Models & memory").click()
    page.get_by_role("button", name="Use the model's own").click()
    page.get_by_role("link", name="Documents").click()
    card.get_by_text("Part:").wait_for()
    page.wait_for_function("!document.querySelector('.ld-composer .ld-primary').disabled")
    question.fill("Is shipping still free?")
    question.press("Enter")
    third = page.get_by_role("article", name=re.compile("still free"))
    third.wait_for()
    kept = numbers(re.search(r"Already read ([\d,]+)", third.inner_text())[1])[0]
    assert 0.1 * n_tokens < kept < 0.9 * n_tokens

    # 10 a changed archive: what is new, changed and gone; Replace keeps the quotes, marked
    page.set_input_files("input[type=file]", changed(SAMPLES / "shop.zip", tmp_path))
    dialog.wait_for()
    earlier = dialog.get_by_role("group", name="shop is here in an earlier version")
    for words in (r"new: .*shop/brand_new.py", r"changed: shop/errors.py", r"gone: shop/cart/limits.py"):
        assert re.search(words, earlier.inner_text()), earlier.inner_text()
    earlier.get_by_role("radio", name="Replace").check()
    dialog.get_by_role("button", name="Add").click()
    dialog.wait_for(state="detached")
    replacing = [job for job in server.context.library.jobs() if job.kind == "ingest"][-1]
    assert server.context.worker.wait(replacing.id, 60).state == "done"
    page.reload()
    answer.get_by_text("from an earlier version").first.wait_for()
    assert ROUNDED in answer.inner_text()
    assert len(server.context.library.documents()) == 1

    # 11 Chunked cites only passages it was given
    page.get_by_role("link", name="Compare").click()
    page.get_by_role("checkbox", name=re.compile("^shop")).check()
    page.get_by_role("textbox", name="Question").fill("Where is the order total rounded, and who calls it?")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_role("region", name="Differences").wait_for(timeout=60_000)
    job = [job for job in server.context.library.jobs() if job.kind == "compare"][-1]
    chunked = next(a for a in map(json.loads, job.result["answers"]) if a["mode"] == "chunked")
    for cited in chunked["citations"]:
        if cited["status"] != "not_found":
            assert any(p["start"] < cited["end"] and cited["start"] < p["end"] for p in chunked["passages"])
