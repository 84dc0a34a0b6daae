"""Builds the app from its pages and starts it: loopback by default, a password for anything wider.

The only file that knows how Gradio is launched. Nothing is sent anywhere: analytics,
run history, sharing, web fonts and Gradio's own monitoring are off.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import sys
import threading
import time
from types import FrameType
from typing import Any

from longdoc.errors import UserError
from longdoc.settings import Settings
from longdoc.ui.context import Context
from longdoc.ui.pages import PAGES, Page, calls_of, skeleton
from longdoc.ui.perimeter import Perimeter, is_loopback, parse_password, require_password

_TITLE = "LongDoc"
_HEAD = (
    '<link rel="stylesheet" href="/longdoc/ui/longdoc.css"><link rel="stylesheet" href="/longdoc/ui/recordings.css">'
    '<script type="module" src="/longdoc/ui/start.js"></script>'
)
_START_S = 120.0  # a computer busy with other work may need long to open the port
_ON_LOAD = (
    "window.longdocReady = window.longdocReady || []; window.longdocReady.push({element, server, upload});"
    "window.dispatchEvent(new Event('longdoc-ready'));"
)


def serve(settings: Settings, *, host: str = "127.0.0.1", port: int = 7860, auth: str | None = None) -> None:
    """Start the app and run until interrupted. See `longdoc.ui.serve`."""
    password = parse_password(auth)
    require_password(host, password)
    _require_free(host, port)
    context = Context(settings, local=is_loopback(host))
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    try:
        app, url = start(context, host=host, port=port, password=password)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        print(f"LongDoc is at {url} (Ctrl+C ends it).", file=sys.stderr, flush=True)
        if password is None:
            print("Only this computer can reach it, and nothing leaves it.", file=sys.stderr, flush=True)
        stop.wait()
        app.close(verbose=False)
    finally:
        context.close()


def start(
    context: Context, *, host: str = "127.0.0.1", port: int = 7860, password: tuple[str, str] | None = None
) -> tuple[Any, str]:
    """Start the server in the background and return the Gradio app and its address."""
    _quiet_gradio(context)
    from starlette.middleware import Middleware

    from longdoc.ui.routes import routes
    from longdoc.ui.theme import theme

    _wait_for_slow_starts()
    app = build(context)
    app.queue(max_size=64, default_concurrency_limit=8)
    home = context.settings
    limit = home.max_source_bytes
    app.launch(
        server_name=host,
        server_port=port,
        auth=[password] if password else None,
        auth_message="LongDoc asks for the name and password that it was started with." if password else None,
        prevent_thread_lock=True,
        share=False,
        _frontend=False,  # its check of the address gives up after 3 s; the start asks the server by itself and waits
        quiet=True,
        inbrowser=False,
        show_error=True,
        max_file_size=limit,
        allowed_paths=[],
        blocked_paths=[str(path) for path in (home.library, home.cache, home.database, context.kept)],
        enable_monitoring=False,
        run_history=False,
        footer_links=[],
        ssr_mode=False,
        pwa=False,
        mcp_server=_has_mcp(),
        theme=theme(),
        head=_HEAD,
        app_kwargs={
            "routes": routes(context),
            "middleware": [Middleware(Perimeter, host=host, max_upload_bytes=limit)],
            "docs_url": None,
            "redoc_url": None,
            "openapi_url": None,
        },
    )
    context.start()
    shown = f"[{host}]" if ":" in host else host
    return app, f"http://{shown}:{port}/"


def build(context: Context) -> Any:
    """Return the Gradio app with all pages and the public endpoints."""
    import gradio as gr

    from longdoc.ui.api import publish

    with gr.Blocks(title=_TITLE, analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)) as app:
        _page(PAGES[0], context)
        publish(context)
    for page in PAGES[1:]:
        with app.route(page.title, page.path):
            _page(page, context)
    return app


def _page(page: Page, context: Context) -> None:
    import gradio as gr
    from gradio.components import Navbar

    calls = calls_of(page, context)

    def call(data: Any) -> dict[str, Any]:
        return calls.call(data)

    Navbar(main_page_name=PAGES[0].title)
    gr.HTML(
        skeleton(page), js_on_load=_ON_LOAD, server_functions=[call], apply_default_css=False, elem_id="longdoc-frame"
    )


def _quiet_gradio(context: Context) -> None:
    """Keep Gradio from calling home and from keeping uploads where it serves files. Before its first import."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["GRADIO_TEMP_DIR"] = str(context.received)
    os.environ.setdefault("GRADIO_SSR_MODE", "False")


def _wait_for_slow_starts() -> None:
    """Let Gradio's server take its time to begin; by itself it gives up after 5 s and calls the port taken."""
    from gradio.exceptions import ServerFailedToStartError
    from gradio.http_server import Server

    server: Any = Server

    def run_in_thread(self: Any) -> None:
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        ends = time.monotonic() + _START_S
        while not self.started:
            if not self.thread.is_alive() or time.monotonic() > ends:
                raise ServerFailedToStartError("The server did not start.")
            time.sleep(0.005)

    server.run_in_thread = run_in_thread


def _has_mcp() -> bool:
    """Return whether the extra is installed with which the public endpoints are tools of the MCP as well."""
    return importlib.util.find_spec("mcp") is not None


def _require_free(host: str, port: int) -> None:
    """Raise UserError if nobody can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise UserError(
            f"LongDoc cannot listen on {host}, port {port}: {error.strerror or error}.",
            code="port",
            next_step="Choose another with --port.",
        ) from error
