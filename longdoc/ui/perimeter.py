"""Who may talk to the web app: Host and Origin checks, security headers, limits on requests.

Pure ASGI, so streams pass untouched. A browser sends a page of any site to
localhost if that site asks for it; what tells our own pages from others is the
`Origin` header, and what tells our own names from a name that was pointed at
this machine is the `Host` header. Passwords are Gradio's, asked for by `server.py`.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from longdoc.errors import UserError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_CALL_BYTES = 4 << 20  # of a request that is not an upload
_SLACK_BYTES = 1 << 20  # multipart framing around an upload

# Gradio compiles templates in the page, hence eval and inline; nothing may come from or go to another host.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "frame-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    )
)
HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
# Parts of Gradio that this app does not use and that reach files or other hosts.
_CLOSED = re.compile(r"^/(gradio_api/)?(file[=/]|proxy=|stream/|deep_link|dev/|monitoring|runs?\b|vibe|reload)")


def is_loopback(host: str) -> bool:
    """Return whether a name to listen on is reachable from this computer only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def require_password(host: str, password: tuple[str, str] | None) -> None:
    """Raise UserError for an address that others can reach without a password."""
    if not is_loopback(host) and password is None:
        raise UserError(
            f"Listening on {host} lets other computers in, and no password is set.",
            code="no_password",
            next_step="Add --auth USER:PASSWORD, or leave --host away.",
        )


def parse_password(auth: str | None) -> tuple[str, str] | None:
    """Return user and password of "USER:PASSWORD". Raises UserError for anything else or a short password."""
    if auth is None:
        return None
    user, colon, password = auth.partition(":")
    if not colon or not user or len(password) < 8:
        raise UserError("--auth takes USER:PASSWORD, with a password of at least 8 characters.", code="bad_password")
    return user, password


class Perimeter:
    """Lets requests of this app's own pages and of local programs through, and no others.

    `host` is what the server listens on, `max_upload_bytes` the limit of one upload.
    """

    def __init__(self, app: Any, host: str = "127.0.0.1", max_upload_bytes: int = 1 << 30) -> None:
        self.app = app
        self.local = is_loopback(host)
        self.names = {"localhost"} if self.local else {"localhost", host.lower(), socket.gethostname().lower()}
        self.max_upload_bytes = max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._refusal(scope, headers)
        if refused:
            await _answer(scope, send, *refused)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = {name for name, _ in HEADERS}
                kept = [(n, v) for n, v in message.get("headers", []) if n.lower() not in ours]
                message["headers"] = [*kept, *HEADERS]
            await send(message)

        await self.app(scope, _bounded(receive, self._limit(scope)), with_headers)

    def _refusal(self, scope: Scope, headers: dict[bytes, str]) -> tuple[int, str] | None:
        host = headers.get(b"host", "")
        if not self._is_ours(host):
            return 400, "This address is not one of LongDoc's. Open it by the address that it printed at the start."
        origin = headers.get(b"origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "Another site asked for this; LongDoc answers its own pages only."
        site = headers.get(b"sec-fetch-site", "none")
        opened = scope.get("method") == "GET" and headers.get(b"sec-fetch-mode") == "navigate"
        if site in ("cross-site", "same-site") and not opened:
            return 403, "Another site asked for this; LongDoc answers its own pages only."
        if _CLOSED.match(scope["path"]):
            return 404, "There is nothing here."
        length = headers.get(b"content-length", "0")
        if not length.isdigit() or int(length) > self._limit(scope):
            return 413, "This is larger than LongDoc takes at once."
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name in self.names:
            return True
        try:  # a name can be pointed at this machine by its owner, an address cannot
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback if self.local else True

    def _limit(self, scope: Scope) -> int:
        is_upload = scope["path"].rstrip("/").endswith("/upload")
        return self.max_upload_bytes + _SLACK_BYTES if is_upload else MAX_CALL_BYTES


def _bounded(receive: Receive, limit: int) -> Receive:
    """Return `receive` that ends a body which grows past `limit` without having said so."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > limit:
                return {"type": "http.disconnect"}
        return message

    return bounded


async def _answer(scope: Scope, send: Send, status: int, text: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
