"""A server and Chromium for browser tests. Without Chromium they are skipped, saying so."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

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
            import playwright  # noqa: F401
        except ImportError:
            reason = "playwright is not installed (pip install -r requirements-dev.txt)"
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@dataclass
class Server:
    """A running app with its parts, to look at and to steer."""

    url: str
    context: Any
    backend: Any
    app: Any
    hosts: set[str] = field(default_factory=set)  # that browsers asked for


def start_server(home: Path, backend: Any, **options: Any) -> Server:
    from longdoc.settings import Settings
    from longdoc.ui.context import Context
    from longdoc.ui.server import start

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = Settings(home=home, prefill_step=256, checkpoint_every_s=0.5, **options.pop("settings", {}))
    context = Context(settings, load=None if backend is None else (lambda name, _: backend), **options)
    if backend is not None:
        context.engine.backend("reader")
    app, url = start(context, port=port)
    return Server(url, context, backend, app)


def stop_server(server: Server) -> None:
    server.app.close(verbose=False)
    server.context.close()


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
        page.set_default_timeout(20_000)
        context.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or ""))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(server.url + path)
        page.wait_for_selector("#longdoc[data-started=done]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert hosts <= {"127.0.0.1", ""}, f"foreign hosts: {hosts}"
    assert not errors, errors


def accessible(page: Any) -> list[str]:
    """Return serious and critical findings of axe on the page as it is."""
    import axe_playwright_python

    script = Path(axe_playwright_python.__file__).parent / "axe.min.js"
    page.evaluate(script.read_text())
    found = page.evaluate("async () => (await axe.run('#longdoc-frame', {resultTypes: ['violations']})).violations")
    return [
        f"{row['id']}: {row['help']} {[node['target'] for node in row['nodes']][:3]}"
        for row in found
        if row["impact"] in ("serious", "critical")
    ]


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
