"""Only this app's own pages and local programs get through."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from longdoc.errors import UserError
from longdoc.ui.perimeter import CONTENT_SECURITY_POLICY, Perimeter, is_loopback, parse_password, require_password


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())}")


def client(host: str = "127.0.0.1", **options: Any) -> TestClient:
    app = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST"])])
    return TestClient(Perimeter(app, host, **options), base_url="http://127.0.0.1:7860")


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "[::1]:7860", "127.9.9.9"])
def test_own_names_are_answered(host: str) -> None:
    assert client().get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.test", "127.0.0.1.evil.test", "192.168.1.4:7860", "localhost.evil.test", "", "["]
)
def test_foreign_names_are_refused(host: str) -> None:
    assert client().get("/", headers={"host": host}).status_code == 400


def test_a_wider_address_takes_addresses_but_no_foreign_names() -> None:
    wide = client("0.0.0.0")
    assert wide.get("/", headers={"host": "192.168.1.4:7860"}).status_code == 200
    assert wide.get("/", headers={"host": "evil.test"}).status_code == 400


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://127.0.0.1:9999", "http://localhost:7860"])
def test_foreign_origins_are_refused(origin: str) -> None:
    for path in ("/gradio_api/upload", "/gradio_api/component_server", "/gradio_api/queue/join"):
        assert client().post(path, headers={"origin": origin}).status_code == 403


def test_own_origin_and_programs_without_one_are_answered() -> None:
    assert client().post("/x", headers={"origin": "http://127.0.0.1:7860"}).status_code == 200
    assert client().post("/x").status_code == 200


def test_cross_site_fetches_are_refused_but_opening_a_link_is_not() -> None:
    fetched = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    opened = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client().get("/longdoc/original/x", headers=fetched).status_code == 403
    assert client().get("/", headers=opened).status_code == 200


@pytest.mark.parametrize(
    "path", ["/gradio_api/file=/etc/passwd", "/file=/etc/passwd", "/gradio_api/proxy=https://x.test", "/monitoring"]
)
def test_unused_doors_are_closed(path: str) -> None:
    assert client().get(path).status_code == 404


def test_every_answer_carries_the_policy() -> None:
    for answer in (client().get("/"), client().get("/", headers={"host": "evil.test"})):
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "https:" not in CONTENT_SECURITY_POLICY


def test_large_calls_are_refused_and_uploads_have_their_own_limit() -> None:
    small = client(max_upload_bytes=8 << 20)
    assert small.post("/gradio_api/component_server", content=b"x" * (5 << 20)).status_code == 413
    assert small.post("/gradio_api/upload", content=b"x" * (5 << 20)).status_code == 200
    assert small.post("/gradio_api/upload", content=b"x" * (10 << 20)).status_code == 413


def test_wider_addresses_need_a_password() -> None:
    for host in ("0.0.0.0", "192.168.1.4", "::", "example.org"):
        assert not is_loopback(host)
        with pytest.raises(UserError, match="password"):
            require_password(host, None)
        require_password(host, ("me", "long enough"))
    require_password("127.0.0.1", None)


@pytest.mark.parametrize("auth", ["", "me", ":secret-word", "me:", "me:short"])
def test_weak_passwords_are_refused(auth: str) -> None:
    with pytest.raises(UserError):
        parse_password(auth)


def test_a_password_may_hold_colons() -> None:
    assert parse_password("me:long:enough") == ("me", "long:enough")
