"""How the web app holds up: 500 sources, 1,000,000 tokens, 2,000 answers, a PDF of 3,000 pages.

Times what the server does for a page: list the library, update the budget after a tick, open a
conversation, open the Reader at a citation, find words. No model runs; text is made up. With
--browser also what a person waits for in Chromium: a dropped file's card (1 s), the bar after a
tick (0.3 s); the promises are for a machine that does nothing else.

    python -m benchmarks.ui_scale [--sources 500] [--turns 2000] [--pages 3000] [--browser] [--json]
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from longdoc.settings import Settings
from longdoc.types import Answer, Citation, Document, Segment, Source, Usage

WORDS = ("lease", "tenant", "notice", "river", "lantern", "market", "clause", "ledger", "harbour", "winter")


def made_text(seed: int, n_words: int) -> str:
    """Return sentences that differ from seed to seed."""
    words = [WORDS[(seed * 7 + i * i + i // 3) % len(WORDS)] for i in range(n_words)]
    return "".join(f"{word}{'.' + chr(10) if i % 12 == 11 else ' '}" for i, word in enumerate(words)) + f"{seed}\n"


def fill(context: Any, n_sources: int, n_turns: int, n_pages: int) -> tuple[list[str], str, int]:
    """Put made-up sources, a long PDF's pages and a long conversation into the library."""
    library = context.library
    ids = []
    for seed in range(n_sources):
        text = made_text(seed, 540)
        source = Source(f"{seed:064x}", f"source {seed}.txt", "text/plain", len(text), "")
        document = Document(f"doc-{seed}", source.id, source.name, text, loader="text")
        library.add_document(source, document)
        ids.append(document.id)
    segments, pieces, at = [], [], 0
    for page in range(1, n_pages + 1):
        text = made_text(page, 90)
        segments.append(Segment(at, at + len(text), "page", f"p. {page}", page=page))
        pieces.append(text)
        at += len(text)
    source = Source("f" * 64, "long.pdf", "application/pdf", at, "")
    details = {"pages": [{"label": str(n), "width": 595, "height": 842} for n in range(1, n_pages + 1)]}
    library.add_document(
        source, Document("long", source.id, "long.pdf", "".join(pieces), tuple(segments), (), "pdf", details)
    )
    thread = library.add_thread("A long conversation", ids[:1])
    quote = made_text(0, 12).strip()
    for n in range(n_turns):
        citation = Citation(ids[0], "source 0.txt", "", 0, len(quote), quote, "verified", "quote")
        library.add_turn(
            thread,
            Answer(f"Question {n}?", "single", f"Answer {n}.", "end", "reader", None, (citation,), usage=Usage()),
        )
    return ids, "long", thread


def timed(action: Callable[[], Any], times: int = 5) -> tuple[float, float]:
    """Return seconds of the first run and the median of the following ones."""
    spent = []
    for _ in range(times + 1):
        began = time.perf_counter()
        action()
        spent.append(time.perf_counter() - began)
    return spent[0], statistics.median(spent[1:])


def in_browser(context: Any, times: int = 5) -> dict[str, tuple[float, float]]:
    """Return seconds from dropping a file to its card, and from a tick to the changed bar, in Chromium."""
    from playwright.sync_api import sync_playwright

    from longdoc.ui.server import start

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app, url = start(context, port=port)
    waited: dict[str, list[float]] = {"card of a dropped file": [], "bar after a tick": []}
    with sync_playwright() as play, tempfile.TemporaryDirectory() as folder:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = play.chromium.launch(executable_path=path, args=["--headless", "--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("#longdoc[data-started=done]")
        # the list shows 100 rows at once: what is dropped must be among them
        page.get_by_role("combobox", name="Order").select_option("newest")
        for n in range(times):
            file = Path(folder) / f"dropped {n}.txt"
            file.write_text(made_text(10_000 + n, 2_000))
            page.wait_for_timeout(1500)
            spent = page.evaluate(_CARD, file.name)
            page.set_input_files("input[type=file]", file)
            waited["card of a dropped file"].append(page.evaluate("() => window.spent") if spent is None else spent)
            page.get_by_role("checkbox", name=f"Include {file.name}").wait_for(timeout=120_000)
            page.wait_for_timeout(1500)
            waited["bar after a tick"].append(page.evaluate(_TICK))
        browser.close()
    app.close(verbose=False)
    return {name: (values[0], statistics.median(values[1:])) for name, values in waited.items()}


# Starts a watch that ends when the card of the file is there; read after the file was given.
_CARD = """name => { const input = document.querySelector('input[type=file]');
  window.spent = new Promise(done => input.addEventListener('change', () => { const began = performance.now();
    const cards = () => [...document.querySelectorAll('.ld-cards .ld-card')];
    const look = () => cards().some(card => card.textContent.includes(name))
      ? done((performance.now() - began) / 1000) : requestAnimationFrame(look); look(); },
    { once: true, capture: true })); return null; }"""
_TICK = """() => new Promise(done => { const sum = document.querySelector('.ld-sum'), before = sum.textContent;
  const began = performance.now(); document.querySelector('.ld-ready input[type=checkbox]').click();
  const look = () => document.querySelector('.ld-sum').textContent !== before
    ? done((performance.now() - began) / 1000) : requestAnimationFrame(look); look(); })"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--sources", type=int, default=500)
    parser.add_argument("--turns", type=int, default=2_000)
    parser.add_argument("--pages", type=int, default=3_000)
    parser.add_argument("--browser", action="store_true", help="also time the page in Chromium")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    from longdoc.ui.context import Context
    from longdoc.ui.conversation import ConversationCalls
    from longdoc.ui.library import LibraryCalls
    from longdoc.ui.reader_calls import ReaderCalls

    with tempfile.TemporaryDirectory() as folder:
        context = Context(Settings(home=Path(folder)))
        try:
            ids, long_id, thread = fill(context, given.sources, given.turns, given.pages)
            library, talk, reader = LibraryCalls(context), ConversationCalls(context), ReaderCalls(context)
            began = time.perf_counter()
            n_tokens = sum(library.count(i) for i in [*ids, long_id])
            counting_s = time.perf_counter() - began
            choices = [{"id": i} for i in ids]
            middle = len(context.library.document(long_id).text) // 2
            rows = {
                "list the library": timed(library.library),
                "tick one source": timed(lambda: talk.budget(choices[:1], "Who?")),
                f"tick {given.sources} sources": timed(lambda: talk.budget(choices, "Who?")),
                f"open {given.turns} answers": timed(lambda: talk.turns(thread)),
                f"open page {given.pages // 2} of {given.pages}": timed(
                    lambda: reader.open_place(long_id, middle, middle + 80)
                ),
                "find words in it": timed(lambda: reader.search_document(long_id, "harbour winter")),
                "poll": timed(lambda: talk.poll(thread)),
            }
            if given.browser:
                rows |= in_browser(context)
        finally:
            context.close()
    if given.json:
        figures = {name: {"first_s": first, "again_s": again} for name, (first, again) in rows.items()}
        print(json.dumps({"tokens": n_tokens, "counting_s": counting_s, "calls": figures}))
        return 0
    print(f"{given.sources + 1:,} sources, {n_tokens:,} tokens (counted once, in {counting_s:.1f} s)")
    for name, (first, again) in rows.items():
        print(f"  {name:<32} {1000 * first:8.0f} ms first, {1000 * again:8.0f} ms again")
    return 0


if __name__ == "__main__":
    sys.exit(main())
