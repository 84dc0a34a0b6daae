"""A tiny Hugging Face hub on this computer: models as {path: bytes}, for tests without a network."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """`models` maps OWNER/NAME to files; `pause_s` passes between pieces of a file of `piece` bytes."""

    daemon_threads = True

    def __init__(self, models: Mapping[str, Mapping[str, bytes]], licence: str = "apache-2.0") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.models, self.licence = models, licence
        self.pause_s, self.piece = 0.0, 1 << 16
        self.asked: list[str] = []  # ranges of weights that were asked for

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def running(models: Mapping[str, Mapping[str, bytes]], licence: str = "apache-2.0") -> Iterator[Hub]:
    hub = Hub(models, licence)
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = self.path.split("?")[0].strip("/")
        if path.startswith("api/models/"):
            name = "/".join(path.split("/")[2:4])
            if name not in self.server.models:
                self._send(404, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"}, body)
                return
            files = self.server.models[name]
            siblings = [{"rfilename": file, "size": len(data)} for file, data in files.items()]
            made = {"id": name, "modelId": name, "sha": COMMIT, "siblings": siblings}
            made |= {"cardData": {"license": self.server.licence}, "tags": [], "private": False}
            self._send(200, json.dumps(made).encode(), {"Content-Type": "application/json"}, body)
            return
        owner, model, _, _, *rest = path.split("/")
        data = self.server.models.get(f"{owner}/{model}", {}).get("/".join(rest))
        if data is None:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"}, body)
            return
        etag = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        asked = self.headers.get("Range", "")
        if body and path.endswith((".safetensors", ".bin")):
            self.server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
        if start:
            etag["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._send(206 if start else 200, data[start:], etag, body)

    def _send(self, code: int, data: bytes, headers: Mapping[str, str], body: bool) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if not body:
            return
        try:
            for at in range(0, len(data), self.server.piece):
                self.wfile.write(data[at : at + self.server.piece])
                if self.server.pause_s:
                    self.wfile.flush()
                    time.sleep(self.server.pause_s)
        except OSError:  # the client had enough
            pass
