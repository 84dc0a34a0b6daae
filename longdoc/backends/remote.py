"""A model on a server that speaks the OpenAI protocol: vLLM, SGLang, llama.cpp, `transformers serve`.

A model name is the server's address, "http://host:port/v1", with "#model" where it
serves several. Chat messages go in, text comes out as it is written; tokens,
attention and caches are the server's own. Documents leave this machine through
this file only, to the address a person chose: redirects are not followed, and a
server on this machine is never reached through a proxy.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from longdoc.backends import remote_errors as errors
from longdoc.backends.remote_stream import Delta, bounded_lines, parse_events
from longdoc.errors import RemoteError, Stopped
from longdoc.settings import Settings
from longdoc.types import Generation, ModelInfo, Progress, Usage

_CONNECT_S = 10.0
_ASK_S = 15.0  # for small questions such as the list of models
_MAX_LIST_BYTES = 4 << 20
_LOOK_S = 0.1  # how often the stop flag is looked at
_BYTES_PER_TOKEN = 3.0  # for estimates: most tokenizers need fewer tokens than that gives


def is_address(model: str) -> bool:
    """Tell whether a model name is a server's address."""
    return model.lower().startswith(("http://", "https://"))


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has for a tokenizer that is not here; rather too many."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // int(_BYTES_PER_TOKEN))


class RemoteBackend:
    """One server and model. Any thread may use it.

    Raises RemoteError, with a stable code: unreachable, timeout, refused, protocol, broken,
    window_unknown, server, bad_address.
    """

    def __init__(self, address: str, settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.url, self._model = _parse(address)
        self._settings, self._transport = settings, transport
        self._info: ModelInfo | None = None
        self._lock = threading.Lock()

    @property
    def info(self) -> ModelInfo:
        """What the server tells of its model; asked once. Raises RemoteError."""
        with self._lock:
            if self._info is None:
                self._info = asyncio.run(self._ask_info())
            return self._info

    def generate(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_new_tokens: int,
        stop: threading.Event,
        on_progress: Callable[[Progress], None],
    ) -> Generation:
        """Send chat messages and return the answer, streamed through `on_progress`.

        Stopped while answering, it returns what there is. Raises Stopped before that, RemoteError,
        PromptTooLong when the server finds the prompt too long.
        """
        began = time.perf_counter()
        body: dict[str, Any] = {
            "messages": [dict(message) for message in messages],
            "max_tokens": max_new_tokens,
            "temperature": 0.0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        name = self._model or self.info.name.partition("#")[2]
        if name:
            body["model"] = name
        answer = _Answer(began, max_new_tokens, on_progress)
        try:
            asyncio.run(self._until_stop(self._stream(body, answer), stop))
        except Stopped:
            if not answer.text:
                raise
            answer.finish_reason = "stopped"
        return answer.generation()

    def close(self) -> None:
        """Nothing is held between requests."""

    async def _until_stop(self, work: Any, stop: threading.Event) -> None:
        """Run a request; cut the connection when `stop` is set."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_LOOK_S)
                if stop.is_set() and not task.done():
                    raise Stopped
            task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _stream(self, body: dict[str, Any], answer: _Answer) -> None:
        timeout = httpx.Timeout(self._settings.remote_timeout_s, connect=_CONNECT_S)
        with errors.translated(self.url, lambda: len(answer.text)):
            async with (
                self._client(timeout) as client,
                client.stream("POST", f"{self.url}/chat/completions", json=body) as response,
            ):
                if response.status_code != 200:
                    raise errors.of_status(self.url, response.status_code, await errors.read_some(response))
                kind = response.headers.get("content-type", "")
                if "text/event-stream" not in kind:
                    raise errors.protocol(
                        self.url, f"it sent {kind.partition(';')[0] or 'something unnamed'}, no stream"
                    )
                async for delta in parse_events(self.url, bounded_lines(self.url, response.aiter_bytes())):
                    answer.add(delta)
                    if delta.done:
                        return
        if not answer.finish_reason:
            raise errors.broken(self.url, len(answer.text))

    async def _ask_info(self) -> ModelInfo:
        """Ask for model and window, unless both are given: some servers cannot list their models."""
        name, window = self._model, self._settings.remote_window
        if not (name and window):
            with errors.translated(self.url, lambda: 0):
                async with self._client(httpx.Timeout(_ASK_S, connect=_CONNECT_S)) as client:
                    status, content = await _get(client, f"{self.url}/models")
                    if status != 200:
                        raise errors.of_status(self.url, status, content)
                    models = _models(self.url, content)
                    if name:
                        found = next((model for model in models if model.get("id") == name), {})
                    else:
                        found = models[0] if models else {}
                    name = name or str(found.get("id", ""))
                    window = window or _window(found) or await self._props_window(client)
        if not window:
            raise RemoteError(
                f"The server at {self.url} does not tell how many tokens a prompt may have.",
                code="window_unknown",
                next_step="Set LONGDOC_REMOTE_WINDOW to its context length.",
            )
        return ModelInfo(
            f"{self.url}#{name}" if name else self.url,
            "remote", None, "", window, window, 0, 0, 0, 0, 0, 0, 0, 0.0,
            note="Runs on a server: the documents are sent there.",
        )  # fmt: skip

    async def _props_window(self, client: httpx.AsyncClient) -> int:
        """Return the context length that llama.cpp tells, else 0."""
        try:
            _, content = await _get(client, f"{self.url.removesuffix('/v1')}/props")
            settings = json.loads(content)["default_generation_settings"]
            return max(int(settings["n_ctx"]), 0)
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return 0

    def _client(self, timeout: httpx.Timeout) -> httpx.AsyncClient:
        key = self._settings.remote_api_key
        return httpx.AsyncClient(
            timeout=timeout,
            headers={"authorization": f"Bearer {key}"} if key else {},
            transport=self._transport,
            trust_env=not _is_here(self.url),
            follow_redirects=False,
        )


class _Answer:
    """The answer so far."""

    def __init__(self, began: float, max_new_tokens: int, on_progress: Callable[[Progress], None]) -> None:
        self._began, self._limit, self._on_progress = began, max_new_tokens, on_progress
        self.text, self.finish_reason, self.first_s = "", "", 0.0
        self._pieces = 0
        self._usage: Mapping[str, Any] = {}

    def add(self, delta: Delta) -> None:
        self._usage = delta.usage or self._usage
        self.finish_reason = delta.finish_reason or self.finish_reason
        if delta.text:
            self.first_s = self.first_s or time.perf_counter() - self._began
            self.text += delta.text
            self._pieces += 1
            self._on_progress(Progress("answering", self._pieces, self._limit, None, self.text))
        if delta.done and not self.finish_reason:
            self.finish_reason = "stop"  # some servers only close the stream in good order

    def generation(self) -> Generation:
        total = time.perf_counter() - self._began
        details = self._usage.get("prompt_tokens_details")
        usage = Usage(
            prompt_tokens=_count(self._usage, "prompt_tokens"),
            cached_tokens=_count(details if isinstance(details, Mapping) else {}, "cached_tokens"),
            output_tokens=_count(self._usage, "completion_tokens") or self._pieces,
            read_s=self.first_s,
            first_token_s=self.first_s,
            total_s=total,
        )
        reason = {"stop": "end", "length": "length", "stopped": "stopped"}.get(self.finish_reason, "end")
        return Generation((), self.text, reason, usage)


def _parse(address: str) -> tuple[str, str]:
    """Return (base address ending in a path such as /v1, model name or ""). Raises RemoteError."""
    try:
        parts = urlsplit(address.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username or parts.password or parts.query or any(ch.isspace() for ch in address.strip()):
        raise RemoteError(
            f"{address.strip()[:200]!r} is not the address of a server.",
            code="bad_address",
            next_step='Write it as "http://host:port/v1", with "#model" if it serves several.',
        )
    path = parts.path.rstrip("/").removesuffix("/chat/completions") or "/v1"
    return urlunsplit((parts.scheme, parts.netloc, path, "", "")), parts.fragment


def _is_here(url: str) -> bool:
    """Tell whether an address is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _get(client: httpx.AsyncClient, url: str) -> tuple[int, bytes]:
    async with client.stream("GET", url) as response:
        return response.status_code, await errors.read_some(response, _MAX_LIST_BYTES)


def _models(url: str, content: bytes) -> list[Mapping[str, Any]]:
    """Return the server's list of models. Raises RemoteError where it is none."""
    try:
        data = json.loads(content)["data"]
        if not isinstance(data, list):
            raise TypeError
        return [model for model in data if isinstance(model, Mapping)]
    except (ValueError, KeyError, TypeError) as error:
        raise errors.protocol(url, "its list of models cannot be understood") from error


def _window(model: Mapping[str, Any]) -> int:
    """Return the context length a server declares for a model: vLLM and SGLang, then names others use."""
    for name in ("max_model_len", "context_length", "context_window", "max_context_length", "n_ctx"):
        value = model.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    meta = model.get("meta")
    return _window({"n_ctx": meta.get("n_ctx")}) if isinstance(meta, Mapping) else 0


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value > 0 else 0
