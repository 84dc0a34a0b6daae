"""A server and Chromium for browser tests. Without Chromium they are skipped, saying so."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

from running import Server, accessible, start_server, stop_server  # noqa: E402

CHROMIUM = os.environ.get("LONGDOC_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
    "--disable-dev-shm-usage",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = None
    if CHROMIUM is None:
        reason = "Chromium is not installed (Debian: apt-get install chromium)"
    else:
        try:
            import playwright  # noqa: F401  # only whether it is there
        except ImportError:
            reason = "playwright is not installed (pip install -r requirements-dev.txt)"
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a page of a server; at the end no foreign host was asked and no script error was seen."""
    contexts: list[Any] = []
    hosts: set[str] = set()
    errors: list[str] = []

    def opened(server: Server, path: str = "", width: int = 1440, height: int = 900, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, service_workers="block", **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(45_000)
        context.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or ""))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto(server.url + path)
        page.wait_for_selector("#longdoc[data-started=done]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert hosts <= {"127.0.0.1", ""}, f"foreign hosts: {hosts}"
    assert not errors, errors


@pytest.fixture
def axe() -> Callable[[Any], list[str]]:
    return accessible


@pytest.fixture
def serve_with(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a server with a backend; stop it at the end."""
    servers: list[Server] = []

    def started(backend: Any, **options: Any) -> Server:
        servers.append(start_server(tmp_path / "home", backend, **options))
        return servers[-1]

    yield started
    for server in servers:
        stop_server(server)
