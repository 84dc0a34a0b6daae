"""The running server: who gets in, what is answered, what other programs may call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from running import start_server, stop_server
from scripted import Scripted

SCRIPT = {"rent": ("The rent is 400 euros.", "400 euros")}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    started = start_server(tmp_path_factory.mktemp("live"), Scripted(SCRIPT))
    yield started
    stop_server(started)


def test_pages_and_their_files_are_served_from_here_only(server: Any) -> None:
    for path in ("", "compare", "models"):
        page = httpx.get(server.url + path)
        assert page.status_code == 200
        assert "longdoc.css" in page.text
        assert "fonts.googleapis" not in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert httpx.get(server.url + "longdoc/ui/core.js").status_code == 200
    for name in ("..%2fapp.py", "nothing.js", "%2e%2e%2f%2e%2e%2fapp.py"):
        assert httpx.get(server.url + f"longdoc/ui/{name}").status_code == 404


def test_foreign_sites_cannot_call_upload_or_read(server: Any) -> None:
    foreign = {"origin": "https://evil.test"}
    files = {"files": ("a.txt", b"x")}
    assert httpx.post(server.url + "gradio_api/upload", files=files, headers=foreign).status_code == 403
    assert httpx.post(server.url + "gradio_api/component_server", json={}, headers=foreign).status_code == 403
    assert httpx.get(server.url, headers={"host": "evil.test"}).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "gradio_api/file=/etc/passwd", "file=/etc/passwd", "gradio_api/proxy=https://x.test/", "monitoring",
        "longdoc/original/nothing", "longdoc/page/nothing/1.png", "docs", "openapi.json", "redoc",
    ],
)  # fmt: skip
def test_files_of_the_machine_are_not_served(server: Any, path: str) -> None:
    answer = httpx.get(server.url + path)
    assert answer.status_code in (401, 403, 404, 405)
    assert "root:" not in answer.text


def test_database_and_library_are_not_served(server: Any) -> None:
    for path in (server.context.settings.database, server.context.settings.home):
        assert httpx.get(f"{server.url}gradio_api/file={path}").status_code == 404


def test_only_three_endpoints_are_public_and_they_work(server: Any, tmp_path: Path) -> None:
    client = Client(server.url, verbose=False, analytics_enabled=False)
    api = client.view_api(return_format="dict", print_info=False)
    assert sorted(api["named_endpoints"]) == ["/ask", "/compare", "/ingest", "/transcribe"]
    assert not api["unnamed_endpoints"]
    note = tmp_path / "note.txt"
    note.write_text("Preamble.\nThe rent is 400 euros.\nThe end of it.\n")
    added = client.predict(handle_file(str(note)), api_name="/ingest")
    assert added["title"] == "note.txt"
    answered = client.predict([added["document"]], "How much is the rent?", api_name="/ask")
    answer = answered["answers"][0]
    assert answer["text"] == "400 euros"
    assert "The rent is 400 euros." in answer["citations"][0]["quote"]
    assert answer["citations"][0]["status"] == "verified"
    compared = client.predict([added["document"]], "How much is the rent?", api_name="/compare")
    assert [a["mode"] for a in compared["answers"]] == ["single", "chunked", "none"]
    for documents, question in ((["nothing"], "who?"), ([], "who?"), ([added["document"]], "")):
        with pytest.raises(Exception, match=r"\w"):
            client.predict(documents, question, api_name="/ask")
    with pytest.raises(Exception, match=r"\w"):
        client.predict({"path": "/etc/passwd"}, api_name="/ingest")
    assert len(server.context.library.documents()) == 1


def test_a_password_guards_pages_pictures_originals_and_calls(tmp_path: Path) -> None:
    import socket

    from longdoc.settings import Settings
    from longdoc.ui.context import Context
    from longdoc.ui.server import start

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    context = Context(Settings(home=tmp_path / "home"), load=lambda name, _: Scripted())
    app, url = start(context, port=port, password=("me", "long enough"))
    try:
        for path in ("longdoc/original/x", "longdoc/page/x/1.png", "gradio_api/info"):
            assert httpx.get(url + path).status_code == 401
        assert httpx.post(url + "gradio_api/component_server", json={}).status_code == 401
        assert httpx.post(url + "gradio_api/upload", files={"files": ("a", b"x")}).status_code == 401
        with httpx.Client() as visitor:
            wrong = visitor.post(url + "login", data={"username": "me", "password": "wrong"})
            assert wrong.status_code == 400
            right = visitor.post(url + "login", data={"username": "me", "password": "long enough"})
            assert right.status_code == 200
            assert visitor.get(url + "longdoc/original/x").status_code == 404
    finally:
        app.close(verbose=False)
        context.close()
