"""A real server, `transformers serve` with the bundled reader, answers through longdoc/backends/remote.py."""

import importlib.util
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from standin import settings_in

from longdoc.backends.remote import RemoteBackend

READER = Path(__file__).resolve().parents[2] / "models" / "reader"

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not (READER / "model.safetensors").is_file(), reason="the bundled reader has no weights yet"),
    pytest.mark.skipif(importlib.util.find_spec("openai") is None, reason="transformers serve needs openai"),
]


@pytest.fixture
def address(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(READER), "--port", str(port)]
    command += ["--host", "127.0.0.1", "--device", "cpu"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub"), "OMP_NUM_THREADS": "1"}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        try:
            for _ in range(600):
                if server.poll() is not None:
                    pytest.fail(f"transformers serve ended: {(tmp_path / 'log').read_text()[-2000:]}")
                try:
                    if httpx.get(f"http://127.0.0.1:{port}/health", timeout=1).status_code == 200:
                        break
                except httpx.HTTPError:
                    time.sleep(0.2)
            yield f"http://127.0.0.1:{port}/v1#{READER}"
        finally:
            server.terminate()
            server.wait(20)


def test_transformers_serve_answers_with_the_bundled_reader(address, tmp_path):
    backend = RemoteBackend(address, settings_in(tmp_path, remote_window=2048))
    assert backend.info.window == 2048
    text = "The tenant of flat 4 is Mara Quist. The monthly rent is 1,240 euros.\n"
    messages = [{"role": "user", "content": f"{text}\nQuestion: How much is the monthly rent?"}]
    seen = []
    found = backend.generate(messages, max_new_tokens=24, stop=threading.Event(), on_progress=seen.append)
    assert found.text.strip()
    assert found.stop_reason in ("end", "length")
    assert found.usage.output_tokens > 0
    assert found.usage.prompt_tokens > 20
    assert seen[-1].text == found.text
