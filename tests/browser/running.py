"""A running app for browser tests, and the accessibility check of a page."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Server:
    """A running app with its parts, to look at and to steer."""

    url: str
    context: Any
    backend: Any
    app: Any


def start_server(home: Path, backend: Any, **options: Any) -> Server:
    from longdoc.settings import Settings
    from longdoc.ui.context import Context
    from longdoc.ui.server import start

    port = options.pop("port", None) or free_port()
    settings = Settings(home=home, prefill_step=256, checkpoint_every_s=0.5, **options.pop("settings", {}))
    context = Context(settings, load=None if backend is None else (lambda name, _: backend), **options)
    if backend is not None:
        context.engine.backend("reader")
    app, url = start(context, port=port)
    return Server(url, context, backend, app)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop_server(server: Server) -> None:
    server.app.close(verbose=False)
    server.context.close()


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
