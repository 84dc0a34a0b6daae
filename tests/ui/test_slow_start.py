"""A computer so busy that opening the port takes long: the start waits for it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from running import start_server, stop_server
from scripted import Scripted


def test_the_start_waits_longer_than_the_library_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    startup = uvicorn.Server.startup

    async def slow(self: Any, sockets: Any = None) -> None:
        await asyncio.sleep(6)  # Gradio's own limit is 5
        await startup(self, sockets)

    monkeypatch.setattr(uvicorn.Server, "startup", slow)
    monkeypatch.setattr("gradio.networking.url_ok", lambda url: False)  # what its check says under load
    server = start_server(tmp_path / "home", Scripted({}))
    try:
        assert httpx.get(server.url, timeout=60).status_code == 200
    finally:
        stop_server(server)
