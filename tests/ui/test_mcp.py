"""Where the extra is installed, the public endpoints are tools, and nothing else is."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mcp") is None, reason="the extra is not installed (pip install -r requirements-mcp.txt)"
)


def test_a_program_adds_and_asks_by_tools_and_reaches_no_other_file(tmp_path: Path) -> None:
    import httpx
    from running import start_server, stop_server
    from scripted import Scripted

    server = start_server(tmp_path / "home", Scripted({"red": ("The red door is number 11.", "number 11")}))

    async def talk() -> tuple[list[str], Any, list[bool]]:
        from mcp import ClientSession
        from mcp.client.streamable_http import streamablehttp_client

        address = f"{server.url}gradio_api/mcp/"
        async with streamablehttp_client(address) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            names = [tool.name for tool in (await session.list_tools()).tools]
            files = {"files": ("note.txt", b"The red door is number 11.\n")}
            (path,) = httpx.post(f"{server.url}gradio_api/upload", files=files).json()
            added = await session.call_tool("ingest", {"file": {"path": path, "orig_name": "note.txt"}})
            document = ast.literal_eval(added.content[0].text)["document"]
            made = await session.call_tool("ask", {"documents": [document], "question": "Which is the red door?"})
            strange = ("/etc/passwd", "http://foreign.test/x.pdf")
            refused = [(await session.call_tool("ingest", {"file": {"path": one}})).isError for one in strange]
            return names, ast.literal_eval(made.content[0].text), [bool(one) for one in refused]

    try:
        names, made, refused = asyncio.run(talk())
    finally:
        stop_server(server)
    assert names == ["ingest", "transcribe", "ask", "compare"]
    assert made["answers"][0]["text"] == "number 11"
    assert refused == [True, True]
