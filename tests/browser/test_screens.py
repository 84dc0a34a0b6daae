"""Every screen, light and dark, wide and narrow: nothing scrolls sideways, nothing serious for axe.

With LONGDOC_SCREENSHOTS=1 the pictures go to assets/screenshots.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recorded import meeting_lines, put_recording, sound
from running import start_server, stop_server
from scripted import Scripted

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples"
PICTURES = Path(__file__).resolve().parents[2] / "assets" / "screenshots"
AMENDMENT = (
    "From 1 July 2025 the notice that the Tenant must give to end this lease "
    "is thirty (30) days in place of ninety days."
)
SCRIPT = {
    "notice": (AMENDMENT, "thirty (30) days", "by giving the Landlord notice of ninety (90) days in writing."),
    "budget": (
        "The budget is forty-two thousand euros, and six thousand five hundred of it are held back as a reserve.",
        "The budget is forty-two thousand euros, six thousand five hundred of it a reserve.",
    ),
    "rounded": ("def rounded_total(order) -> int:", "rounded_total in shop/orders/total.py"),
}
MEASURED = {  # a stand-in that knows what the code base says, if it was given the place
    row["question"].rstrip("?"): (row["evidence"][0]["quote"], row["answers"][0])
    for row in (
        json.loads((SAMPLES / "facts.json").read_text())["shop.zip"]["questions"]
        if (SAMPLES / "facts.json").is_file()
        else ()
    )
    if row["answerable"]
}
LOOKS = [
    ("light", 1440, 900), ("dark", 1440, 900), ("light", 1050, 800), ("light", 700, 900), ("light", 400, 800),
    ("light", 720, 450),
]  # fmt: skip  # the last is 1440 x 900 at 200 % zoom

WANTED = {"kind": "code", "limit": 10, "lengths": [2048, 8192, 0], "modes": ["single", "chunked"], "positions": [""]}
KEPT = {("light", 1440), ("dark", 1440), ("light", 400)}  # the pictures that are kept

pytestmark = pytest.mark.skipif(not (SAMPLES / "lease.pdf").is_file(), reason="the samples are not made yet")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    started = start_server(tmp_path_factory.mktemp("screens"), Scripted({**MEASURED, **SCRIPT}))
    context = started.context
    from longdoc import ingest
    from longdoc.ui.comparing import CompareCalls
    from longdoc.ui.conversation import ConversationCalls
    from longdoc.ui.evaluating import EvaluationCalls

    added = [
        ingest.add(SAMPLES / n, context.library, context.settings) for n in ("lease.pdf", "annex.docx", "shop.zip")
    ]
    choices = [{"id": item.document.id} for item in added[:2]]
    talk = ConversationCalls(context)
    first = talk.ask(choices, "What notice must the tenant give?")
    context.worker.wait(first["job"])
    code = talk.ask([{"id": added[2].document.id}], "Where is the order total rounded?", thread=first["thread"])
    context.worker.wait(code["job"])
    started.thread = first["thread"]
    started.comparison = CompareCalls(context).compare(choices, "What notice must the tenant give?")
    context.worker.wait(started.comparison)
    started.ticks = choices
    started.recording = recorded_meeting(context, tmp_path_factory.mktemp("sound"))
    started.evaluation = EvaluationCalls(context).evaluate(WANTED)
    context.worker.wait(started.evaluation, 120)
    yield started
    stop_server(started)


def recorded_meeting(context: Any, folder: Path) -> int:
    """Put the sample meeting into the library, summarised and asked; return its transcript."""
    from longdoc.ui.conversation import ConversationCalls
    from longdoc.ui.recordings import RecordingCalls

    sample = SAMPLES / "meeting.wav"
    path = sample if sample.is_file() else sound(folder / "meeting.wav", 360)
    transcript = put_recording(context, path, meeting_lines())
    calls = RecordingCalls(context)
    context.worker.wait(calls.summarize(transcript))
    choices = [{"id": calls.recording_document(transcript)}]
    asked = ConversationCalls(context).ask(choices, "What did we decide about the budget?")
    context.worker.wait(asked["job"])
    return transcript


@pytest.mark.parametrize(("theme", "width", "height"), LOOKS)
def test_screens_hold_together(
    server: Any,
    open_page: Callable[..., Any],
    axe: Callable[[Any], list[str]],
    tmp_path: Path,
    theme: str,
    width: int,
    height: int,
) -> None:
    shown = (theme, width) in KEPT
    folder = PICTURES if shown and os.environ.get("LONGDOC_SCREENSHOTS") else tmp_path
    folder.mkdir(exist_ok=True)
    found: list[str] = []

    def look(page: Any, name: str) -> None:
        page.wait_for_timeout(150)
        picture = folder / f"{name}-{theme}-{width}.png"
        page.screenshot(path=picture, full_page=name in ("evaluation", "models"))
        if folder == PICTURES:  # a third of the size
            from PIL import Image

            Image.open(picture).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(picture, optimize=True)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            found.append(f"{name}: {wide} px too wide")
        if shown:  # what axe sees does not change with the widths between
            found.extend(f"{name}: {finding}" for finding in axe(page))

    page = open_page(server, width=width, height=height, color_scheme=theme)
    state = {"ticks": server.ticks, "thread": server.thread, "comparison": server.comparison, "model": "reader"}
    state |= {"recording": server.recording, "evaluation": server.evaluation, "evaluationWanted": WANTED}
    page.evaluate("state => localStorage.setItem('longdoc', JSON.stringify(state))", state)
    page.reload()
    page.get_by_role("article", name="What notice must the tenant give?").wait_for()
    page.locator(".ld-sum").wait_for()
    look(page, "documents")
    link = page.get_by_role("link", name=re.compile(r"Citation \d, lease.pdf, page 43, verified"))
    link.click()
    page.locator(".ld-rect").first.wait_for()
    page.wait_for_function("document.querySelector('.ld-sheet img').complete")
    look(page, "reader")
    page.keyboard.press("Escape")
    page.get_by_role("link", name=re.compile("total.py:12")).click()
    page.locator(".ld-line.ld-marked").first.wait_for()
    look(page, "code")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Compare").click()
    page.get_by_role("region", name="Differences").wait_for()
    look(page, "compare")
    page.get_by_role("link", name="Recordings").click()
    page.get_by_role("region", name="Decisions").wait_for()
    page.locator(".ld-line-said .ld-time").nth(12).click()
    page.locator(".ld-line-said.ld-now").wait_for()
    page.evaluate("document.querySelector('audio').pause()")
    look(page, "recordings")
    page.get_by_role("tab", name="Questions").click()
    page.get_by_role("article", name="What did we decide about the budget?").wait_for()
    look(page, "recordings-questions")
    page.get_by_role("link", name="Evaluation").click()
    page.get_by_text(re.compile(r"^\d+ runs, ")).wait_for()
    page.locator("figure").first.wait_for()
    look(page, "evaluation")
    page.get_by_role("link", name="Models & memory").click()
    page.locator(".ld-plan .ld-big").wait_for()
    look(page, "models")
    assert found == []
