"""Faults with a page open: the server killed while reading and answering, a full disk, a model that is gone."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from running import free_port
from scripted import Scripted

SENTENCE = "The tenant gives thirty days of notice."
TEXT = SENTENCE + "\n" + "".join(f"Matter {n} is settled in the usual way.\n" for n in range(220))


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Start a server as a process of its own on the same home and port; kill what is left at the end."""
    port = free_port()
    started: list[subprocess.Popen[str]] = []

    def run(step_s: float, token_s: float) -> Any:
        script = Path(__file__).parent / "killed_server.py"
        command = [sys.executable, str(script), str(tmp_path / "home"), str(port), str(step_s), str(token_s)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()
        return SimpleNamespace(url=f"http://127.0.0.1:{port}/", process=process)

    yield run
    for process in started:
        process.kill()
        process.wait()


def killed(server: Any, page: Any) -> None:
    """Kill a server at once; its page says that the connection is lost."""
    server.process.kill()
    server.process.wait()
    page.get_by_text("The connection was lost.").wait_for()


@pytest.mark.timeout(900)  # three servers start, one after another
def test_a_server_killed_while_reading_and_while_answering_loses_nothing(
    begin: Callable[..., Any], browser: Any, tmp_path: Path
) -> None:
    (tmp_path / "lease.txt").write_text(TEXT)
    server = begin(0.3, 0.0)
    page = browser.new_context().new_page()
    page.set_default_timeout(60_000)
    page.goto(server.url)
    page.wait_for_selector("#longdoc[data-started=done]")
    page.set_input_files("input[type=file]", tmp_path / "lease.txt")
    page.get_by_role("checkbox", name="Include lease.txt").wait_for()
    box = page.get_by_role("textbox", name="Question")
    box.fill("What notice must be given?")
    box.press("Enter")
    page.get_by_text(re.compile(r"Reading [1-9][\d,]* of")).first.wait_for()
    killed(server, page)

    # started again: the library is there, the question can be run again, and reading goes on from what was kept
    server = begin(0.0, 0.05)
    page.reload()
    page.wait_for_selector("#longdoc[data-started=done]")
    page.get_by_role("checkbox", name="Include lease.txt").wait_for()
    page.get_by_role("button", name="Run again").click()
    page.locator(".ld-stream", has_text="as was agreed").first.wait_for()
    killed(server, page)

    # killed while answering: the same, and this time it ends
    server = begin(0.0, 0.0)
    page.reload()
    page.wait_for_selector("#longdoc[data-started=done]")
    page.get_by_role("button", name="Run again").first.click()
    answer = page.get_by_role("article", name="What notice must be given?")
    answer.get_by_text("as was agreed").first.wait_for()
    answer.get_by_role("link", name=re.compile("lease.txt.*verified")).first.wait_for()
    assert page.get_by_role("article").count() == 1
    page.context.close()


def test_a_full_disk_fails_one_card_and_leaves_the_others(
    serve_with: Callable[..., Any],
    open_page: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = serve_with(Scripted({}))
    page = open_page(server)
    (tmp_path / "first.txt").write_text(TEXT)
    page.set_input_files("input[type=file]", tmp_path / "first.txt")
    page.get_by_role("checkbox", name="Include first.txt").wait_for()
    monkeypatch.setattr("longdoc.store.blobs.free_bytes", lambda folder: 0)
    (tmp_path / "second.txt").write_text("Another text.\n" + TEXT)
    page.set_input_files("input[type=file]", tmp_path / "second.txt")
    card = page.get_by_role("listitem", name="second.txt")
    card.get_by_text(re.compile("needs .* MB and the disk is nearly full")).wait_for()
    card.get_by_role("button", name="Retry").wait_for()
    assert page.get_by_role("checkbox", name="Include first.txt").is_visible()
    monkeypatch.undo()
    card.get_by_role("button", name="Retry").click()
    page.get_by_role("checkbox", name="Include second.txt").wait_for()


def test_a_model_that_is_gone_fails_in_words_and_the_page_goes_on(
    serve_with: Callable[..., Any], open_page: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from longdoc.errors import ModelError

    backend = Scripted({"notice": (SENTENCE, "thirty days")})
    server = serve_with(backend)
    page = open_page(server)
    (tmp_path / "lease.txt").write_text(TEXT)
    page.set_input_files("input[type=file]", tmp_path / "lease.txt")
    page.get_by_role("checkbox", name="Include lease.txt").wait_for()

    def gone(*given: Any, **named: Any) -> Any:
        raise ModelError("The weights of reader cannot be read.", code="gone", next_step="Plug the disk in again.")
        yield

    monkeypatch.setattr(backend, "prefill", gone)
    box = page.get_by_role("textbox", name="Question")
    box.fill("What notice must be given?")
    box.press("Enter")
    page.get_by_text("Plug the disk in again.").first.wait_for()
    page.wait_for_function("document.querySelector('.ld-question').value === 'What notice must be given?'")
    monkeypatch.undo()
    page.get_by_role("button", name="Ask again").click()
    page.get_by_role("article", name="What notice must be given?").get_by_text("thirty days").first.wait_for()
