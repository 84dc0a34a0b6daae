"""Two browsers at once: each gets its own answers, the second is told that it waits."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from scripted import Scripted

QUESTIONS = 20


def test_two_people_never_see_each_others_text(
    serve_with: Callable[..., Any], open_page: Callable[..., Any], tmp_path: Any
) -> None:
    words = {"red": "The red door is number 11.", "blue": "The blue door is number 22."}
    script = {
        f"{colour} door {n}": (text, f"{colour} answer {n}.")
        for colour, text in words.items()
        for n in range(100, 100 + QUESTIONS)
    }
    backend = Scripted(script, token_s=0.002)
    server = serve_with(backend)
    pages = {}
    for colour, text in words.items():
        page = open_page(server)
        (tmp_path / f"{colour}.txt").write_text(f"A note.\n{text}\nNothing else.\n")
        page.set_input_files("input[type=file]", tmp_path / f"{colour}.txt")
        page.get_by_role("checkbox", name=f"Include {colour}.txt").wait_for()
        pages[colour] = page
    for colour, page in pages.items():
        for other in words:
            box = page.get_by_role("checkbox", name=f"Include {other}.txt")
            box.wait_for()
            box.set_checked(other == colour)

    def ask(colour: str, n: int) -> None:
        box = pages[colour].get_by_role("textbox", name="Question")
        box.fill(f"What of the {colour} door {n}?")
        box.press("Enter")
        pages[colour].wait_for_function("document.querySelector('.ld-question').value === ''")

    for n in range(100, 100 + QUESTIONS):
        ask("red", n)
        ask("blue", n)
        if n == 104:
            pages["blue"].get_by_text(re.compile(r"Waiting, \d+(st|nd|rd|th) in line")).first.wait_for()
    for colour, page in pages.items():
        page.wait_for_function(f"document.querySelectorAll('article.ld-turn').length === {QUESTIONS}", timeout=60_000)
        text = page.locator(".ld-turns").inner_text()
        other = next(c for c in words if c != colour)
        assert words[other] not in text
        assert f"{other} answer" not in text
        for n in range(100, 100 + QUESTIONS):
            assert f"{colour} answer {n}." in text
    threads = server.context.library.threads()
    assert sorted(len(server.context.library.turns(thread.id)) for thread in threads) == [QUESTIONS, QUESTIONS]
