"""Asking a model on a server: documents go out as chat messages, what it quotes is checked here."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from bench import Bench

from longdoc.answer import ask
from longdoc.cli import main
from longdoc.errors import PromptTooLong, RemoteError
from longdoc.summarize import summarize

FACT = "The tenant must give thirty days of written notice."


class Server(ThreadingHTTPServer):
    """A server that answers every chat with `answers`, in turn, word by word."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.window = 4000

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._send("application/json", json.dumps({"data": [{"id": "m", "max_model_len": self.server.window}]}))

    def do_POST(self) -> None:
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        words = self.server.answers.pop(0).split(" ")
        chunks = [{"choices": [{"delta": {"content": word + " "}}]} for word in words]
        chunks.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
        self._send("text/event-stream", body)

    def _send(self, kind: str, body: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def test_a_server_gets_marked_documents_and_its_quotes_are_checked(
    bench: Bench, tmp_path: Path, server: Server
) -> None:
    item = bench.write(tmp_path / "lease.txt", f"The house is old.\n\n{FACT}\n")
    server.answers = [f'The tenant gives "{FACT}" and "pays for the roof of the house".']
    answer = ask(bench.desk, [item], "What notice?", "single", replace(bench.how, model=server.address))
    (message,) = server.asked[0]["messages"]
    assert message["content"].count(item.marker) == 2
    assert message["content"].endswith("\nQuestion: What notice?")
    assert [(c.status, c.quote) for c in answer.citations] == [
        ("verified", FACT),
        ("not_found", "pays for the roof of the house"),
    ]
    assert answer.plan is not None
    assert answer.plan.window == 4000


def test_a_server_that_says_not_stated_is_believed_and_passages_offered(
    bench: Bench, tmp_path: Path, server: Server
) -> None:
    item = bench.write(tmp_path / "lease.txt", f"{FACT}\n")
    server.answers = ['"Not stated."']
    answer = ask(bench.desk, [item], "Does the tenant own a dog?", "single", replace(bench.how, model=server.address))
    assert answer.stop_reason == "not_stated"
    assert {c.status for c in answer.citations} == {"attended"}


def test_documents_over_a_servers_window_are_not_sent(bench: Bench, tmp_path: Path, server: Server) -> None:
    server.window = 500
    item = bench.write(tmp_path / "lease.txt", f"{FACT}\n" * 60)
    with pytest.raises(PromptTooLong):
        ask(bench.desk, [item], "What notice?", "single", replace(bench.how, model=server.address))
    assert server.asked == []


def test_an_unreachable_server_is_one_error(bench: Bench, tmp_path: Path) -> None:
    item = bench.write(tmp_path / "lease.txt", f"{FACT}\n")
    with pytest.raises(RemoteError):
        ask(bench.desk, [item], "What notice?", "single", replace(bench.how, model="http://127.0.0.1:9/v1"))


def test_a_summary_is_written_section_by_section_and_tied_to_evidence(
    bench: Bench, tmp_path: Path, server: Server
) -> None:
    item = bench.write(tmp_path / "lease.txt", f"The rent is 1,240 euros a month.\n\n{FACT}\n")
    server.answers = [
        "None stated.",
        f'- Thirty days of notice are due. "{FACT}"\n- The roof leaks. "The roof leaks badly in winter."',
        '* The rent is 1,240 euros a month. ("The rent is 1,240 euros a month.")',
        '"None stated"',
        "Not stated.",
    ]
    found = summarize(bench.desk, item, "contract", replace(bench.how, model=server.address))
    assert found.method == "written"
    assert [len(section.items) for section in found.sections] == [1, 2, 1, 1, 1]
    assert [section.items[0].text for section in found.sections] == [
        "None stated",
        "Thirty days of notice are due.",
        "The rent is 1,240 euros a month.",
        "None stated",
        "None stated",
    ]
    notice, roof = found.sections[1].items
    assert [c.status for c in notice.citations] == ["verified"]
    assert notice.citations[0].quote == FACT
    assert [c.status for c in roof.citations] == ["not_found"]
    assert len(server.asked) == 5


def test_the_command_line_says_where_documents_go(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LONGDOC_HOME", str(tmp_path / "home"))
    (tmp_path / "a.txt").write_text(f"{FACT}\n")
    server.answers = ["Thirty days."]
    code = main(["ask", str(tmp_path / "a.txt"), "-q", "What notice?", "--model", server.address, "--json"])
    out, err = capsys.readouterr()
    assert code == 0
    assert "documents go to a server on this machine" in err
    assert json.loads(out)["answers"][0]["text"] == "Thirty days."
