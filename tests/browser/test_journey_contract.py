"""Journey 1: a contract. Find the clause, notice what passages miss. Answers come from a script.

Numbers in comments are the steps of the journey.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted import Scripted

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples"
AMENDMENT = (
    "From 1 July 2025 the notice that the Tenant must give to end this lease "
    "is thirty (30) days in place of ninety days."
)
CLAUSE = "by giving the Landlord notice of ninety (90) days in writing."
SCRIPT = {"notice must": (AMENDMENT, "thirty (30) days, since the amendment; before that ninety (90) days", CLAUSE)}

pytestmark = pytest.mark.skipif(not (SAMPLES / "lease.pdf").is_file(), reason="the samples are not made yet")


def sizes(text: str) -> list[int]:
    return [int(found.replace(",", "")) for found in re.findall(r"([\d,]+) tokens", text)]


def summed(page: Any) -> int:
    words = page.get_by_role("group", name="Budget").locator(".ld-sum").inner_text()
    return int(words.split(" of ")[0].replace(",", ""))


def wait_for_sum(page: Any, test: str) -> int:
    page.wait_for_function(
        "test => { const e = document.querySelector('.ld-sum'); if (!e) return false;"
        " const n = Number(e.textContent.split(' of ')[0].replaceAll(',', '')); return eval(test); }",
        arg=test,
    )
    return summed(page)


def test_contract_journey_with_scripted_answers(
    serve_with: Callable[..., Any], open_page: Callable[..., Any], axe: Callable[[Any], list[str]]
) -> None:
    backend = Scripted(SCRIPT, step_s=0.04)
    server = serve_with(backend)
    page = open_page(server)
    library = page.get_by_role("region", name="Library")

    # 1 one drop area, samples, staying on this computer
    assert page.get_by_role("group", name="Add sources").count() == 1
    for name in ("Contract", "Code base", "Book"):
        assert library.get_by_role("button", name=name).is_visible()
    assert "Everything stays on this computer" in library.inner_text()
    assert axe(page) == []

    # 2 three cards
    page.set_input_files("input[type=file]", [SAMPLES / n for n in ("lease.pdf", "annex.docx", "locked.pdf")])
    page.wait_for_function("document.querySelectorAll('.ld-card').length === 3")

    # 3 ready with its pages; the locked one says why and did not stop the others
    lease = library.get_by_role("listitem", name="lease.pdf")
    lease.get_by_text("Ready").wait_for()
    assert "60 pages" in lease.inner_text()
    assert "1 of 60 pages has no readable text (33)" in lease.inner_text()
    annex = library.get_by_role("listitem", name="annex.docx")
    annex.get_by_text("Ready").wait_for()
    locked = library.get_by_role("listitem", name="locked.pdf")
    locked.get_by_role("button", name="Retry").wait_for()
    assert "protected by a password" in locked.inner_text()
    page.wait_for_function("![...document.querySelectorAll('.ld-facts')].some(e => e.textContent.includes('counting'))")
    n_lease, n_annex = sizes(lease.inner_text())[0], sizes(annex.inner_text())[0]
    assert n_lease > 0

    # 4 the same again is not stored twice
    page.set_input_files("input[type=file]", SAMPLES / "lease.pdf")
    library.get_by_text("Already here as lease.pdf.").wait_for()
    library.get_by_role("button", name="Dismiss lease.pdf").click()
    page.wait_for_function("document.querySelectorAll('.ld-card').length === 3")

    # 5 a reload loses nothing
    page.reload()
    lease.get_by_text("Ready").wait_for()
    assert sizes(lease.inner_text())[0] == n_lease
    assert page.locator(".ld-card").count() == 3

    # 6 the budget adds up
    total = wait_for_sum(page, f"n > {n_lease + n_annex}")
    words = page.locator(".ld-bar-words").inner_text()
    asked, reserve = (int(re.search(rf"{name} ([\d,]+)", words)[1].replace(",", "")) for name in ("question", "answer"))
    assert total == n_lease + n_annex + asked + reserve
    page.get_by_role("checkbox", name="Include annex.docx").uncheck()
    assert wait_for_sum(page, f"n < {total}") == total - n_annex
    page.get_by_role("checkbox", name="Include annex.docx").check()
    wait_for_sum(page, f"n === {total}")

    # 7 a smaller window: refused with exact figures and offers; nothing is removed by itself
    page.get_by_role("link", name="Models & memory").click()
    page.get_by_role("spinbutton", name="Window in tokens").fill(str(total - 100))
    page.get_by_role("spinbutton", name="Window in tokens").press("Tab")
    page.locator(".ld-plan").get_by_text(f"{total - 100:,}", exact=True).wait_for()
    assert axe(page) == []
    page.get_by_role("link", name="Documents").click()
    page.get_by_text("100 tokens over the window.").wait_for()
    assert page.get_by_role("button", name="Ask", exact=True).is_disabled()
    assert page.get_by_role("button", name="Untick annex.docx").is_visible()
    assert page.get_by_role("button", name="Ask in Chunked").is_visible()
    assert page.get_by_role("checkbox", name="Include annex.docx").is_checked()

    # 8 a part of the annex
    page.get_by_role("button", name="Menu of annex.docx").click()
    page.get_by_role("button", name="Part…").click()
    page.get_by_role("dialog").get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Use this part").click()
    assert wait_for_sum(page, f"n < {total}") > total - n_annex
    page.get_by_role("button", name="Menu of annex.docx").click()
    page.get_by_role("button", name="Whole").click()
    wait_for_sum(page, f"n === {total}")
    page.get_by_role("link", name="Models & memory").click()
    page.get_by_role("button", name="Use the model's own").click()
    page.get_by_role("link", name="Documents").click()
    wait_for_sum(page, f"n === {total}")

    # 9 asking shows reading with tokens and a Stop
    question = page.get_by_role("textbox", name="Question")
    question.fill("What notice must the tenant give?")
    question.press("Enter")
    live = page.locator(".ld-live")
    live.get_by_text(re.compile(r"Reading [\d,]+ of [\d,]+ tokens")).wait_for()
    live.get_by_role("progressbar", name="Reading").wait_for()
    page.wait_for_function(
        "Number(document.querySelector('.ld-live [role=progressbar]')?.getAttribute('aria-valuenow')) >= 20"
    )
    # 10 Stop stops, says how far it was, and the question is back
    live.get_by_role("button", name="Stop").click()
    page.get_by_text(re.compile(r"Stopped at \d+\s?%. What was read is kept for the next question.")).wait_for()
    steps = len(backend.steps)
    assert question.input_value() == "What notice must the tenant give?"
    assert not server.context.library.jobs(("queued", "running"))
    page.wait_for_timeout(300)
    assert len(backend.steps) == steps

    # 11 asking again goes on from there
    backend.token_s = 0.03
    question.press("Enter")
    # 12 a reload while answering: the text goes on, one job ran
    page.locator(".ld-stream").wait_for()
    page.reload()
    page.locator(".ld-live, article.ld-turn").first.wait_for()
    answer = page.get_by_role("article", name="What notice must the tenant give?")
    answer.wait_for()
    assert "already read" in answer.inner_text()
    assert "thirty (30) days" in answer.inner_text()
    asked_jobs = [job for job in server.context.library.jobs() if job.kind == "ask"]
    assert [job.state for job in asked_jobs] == ["stopped", "done"]
    assert sum(backend.steps) < 1.5 * (n_lease + n_annex)

    # 13 the citation shows, opens and marks the amendment
    link = answer.get_by_role("link", name=re.compile(r"Citation \d+, lease.pdf, page 43, verified"))
    link.focus()
    tip = page.get_by_role("tooltip")
    assert "Verified" in tip.inner_text()
    assert "page 43" in tip.inner_text()
    link.press("Enter")
    reader = page.get_by_role("region", name="Reader")
    reader.locator("mark").wait_for()
    assert " ".join(reader.locator("mark").inner_text().split()) == AMENDMENT
    assert reader.locator(".ld-rect").count() >= 1
    assert page.evaluate("document.activeElement.closest('.ld-reader') !== null")
    assert answer.get_by_role("link", name=re.compile(r"lease.pdf, page 8,")).count() == 1
    assert axe(page) == []
    page.keyboard.press("]")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('a.ld-cite')")

    # 14 what was read
    answer.get_by_text("What was read").click()
    assert "page 33" in answer.locator(".ld-read").inner_text()

    # 15 not in the documents: says so, offers passages, nothing verified, nothing read again
    backend.token_s = 0
    steps = sum(backend.steps)
    question.fill("Who is the guarantor's dentist?")
    question.press("Enter")
    dentist = page.get_by_role("article", name="Who is the guarantor's dentist?")
    dentist.get_by_text("The documents do not say. Nearest passages:").wait_for()
    assert dentist.get_by_role("link", name=re.compile("verified")).count() == 0
    assert dentist.get_by_role("link", name=re.compile("read here")).count() > 0
    assert sum(backend.steps) - steps < 0.1 * steps
    assert axe(page) == []

    # 16 the other way: the first column from the stored answer, the second runs
    answer.get_by_role("button", name="Ask the other way").click()
    single = page.get_by_role("region", name="Single pass")
    single.get_by_text("thirty (30) days").first.wait_for()
    chunked = page.get_by_role("region", name="Chunked")
    chunked.get_by_text("Share of the documents read").wait_for()
    for column in (single, chunked):
        for words in (
            "Tokens read",
            "First word after",
            "In all",
            "Memory",
            "Share of the documents read",
            "Citations",
        ):
            assert words in column.inner_text()
    # 17 what each read and cited
    assert re.search(r"Read: all of it. Cited: .*p. 43", single.inner_text())
    assert page.get_by_role("region", name="Differences").is_visible()
    assert axe(page) == []
    # 18 export
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    exported = Path(download.value.path()).read_text()
    assert AMENDMENT.split("(")[0] in exported
    assert "Share of the documents read: 100.0%" in exported
    assert "<" not in exported.replace("\\<", "")

    # 19 deleting asks, names the conversation, keeps the quotes, removes the file
    page.get_by_role("link", name="Documents").click()
    kept = list(server.context.settings.library.glob("??/*"))
    page.get_by_role("button", name="Menu of lease.pdf").click()
    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog", name="Delete lease.pdf?")
    dialog.get_by_text("What notice must the tenant give?").wait_for()
    dialog.get_by_role("button", name="Delete").click()
    lease.wait_for(state="detached")
    page.reload()
    answer.get_by_text("source deleted").first.wait_for()
    assert AMENDMENT.split("(")[0] in " ".join(answer.inner_text().split())
    assert len(list(server.context.settings.library.glob("??/*"))) == len(kept) - 1
