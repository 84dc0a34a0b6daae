"""Journey 3, step 12: the Evaluation page. Cost first, points one by one, a stop keeps what is finished."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from scripted import Scripted

SCRIPT = {"rounded": ("def rounded_total(order) -> int:", "rounded_total")}


def test_ten_supplied_questions_are_measured_and_stopped_with_scripted_answers(
    serve_with: Callable[..., Any], open_page: Callable[..., Any], axe: Callable[[Any], list[str]]
) -> None:
    backend = Scripted(SCRIPT, step_s=0.05)
    server = serve_with(backend)
    page = open_page(server, "evaluation")
    page.get_by_role("combobox", name="Questions").select_option("code")
    for n in ("512", "1,024", "2,048", "4,096"):
        page.get_by_role("checkbox", name=n, exact=True).set_checked(n in ("2,048", "4,096"))
    page.get_by_text(re.compile("^40 runs, ")).wait_for()
    page.get_by_role("button", name="Start").click()

    # points appear; Stop after ten keeps ten or a few more
    page.wait_for_function("document.querySelectorAll('.ld-point').length > 0")
    page.get_by_text(re.compile(r"^1\d of 40 runs")).first.wait_for()
    page.get_by_role("progressbar", name="Evaluation").first.wait_for()
    page.locator(".ld-eval-results").get_by_role("button", name="Stop").click()
    page.get_by_text(re.compile(r"Stopped. \d+ of 40 runs are kept")).wait_for(timeout=5_000)
    job = server.context.library.jobs()[-1].id
    kept = int(re.search(r"(\d+) of 40", server.context.library.job(job).message)[1])
    assert 10 <= kept < 40
    page.reload()
    page.get_by_text(re.compile(rf"Stopped. {kept} of 40 runs are kept")).wait_for()

    # plot and table agree, and every run opens its question
    page.locator("summary", has_text="Table").first.click()
    table = page.get_by_role("region", name=re.compile("^Table: right answers by length"))
    rows = [row.inner_text().split("\t") for row in table.locator("tbody tr").all()]
    points = page.locator("figure").first.locator(".ld-point")
    assert points.count() == len(rows)
    labels = [point.get_attribute("aria-label") for point in points.all()]
    for series, length, _, score, low, high, n in rows:
        assert f"{series}, {length} tokens: {score} of {n} ({low} to {high})" in labels
    assert sum(int(row[-1]) for row in rows) == kept
    page.get_by_role("button", name="Show runs").click()
    runs = page.get_by_role("region", name="Runs")
    assert runs.get_by_role("listitem").count() == kept
    runs.get_by_role("button", name=re.compile("order total rounded")).first.click()
    opened = page.get_by_role("dialog", name=re.compile("order total rounded"))
    opened.get_by_text("rounded_total", exact=True).first.wait_for()
    assert axe(page) == []
    opened.get_by_role("button", name="Close").click()
    points.first.focus()
    page.keyboard.press("Enter")
    runs.get_by_role("heading", name=re.compile("tokens")).wait_for()

    # it goes on with what was not asked
    backend.step_s = 0.0
    page.get_by_role("button", name="Go on").click()
    page.get_by_text(re.compile("Stopped. ")).wait_for(state="detached")
    assert server.context.worker.wait(server.context.library.jobs()[-1].id, 60).state == "done"
    page.wait_for_function("document.querySelectorAll('.ld-eval-results .ld-words').length === 0")
    page.locator(".ld-legend").wait_for()
    assert axe(page) == []
