"""What can go wrong with a server, each as one clear sentence. No httpx error leaves this package."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from longdoc.errors import LongDocError, PromptTooLong, RemoteError

_SAID = 300  # characters of a server's own words that are shown
_TOO_LONG = re.compile(r"context.{0,20}(length|size|window)|exceed_context|too many tokens|prompt is too long", re.I)


@contextmanager
def translated(url: str, written: Callable[[], int]) -> Iterator[None]:
    """Turn httpx's exceptions into RemoteError; `written` tells how much of an answer had come."""
    try:
        yield
    except (httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise _unreachable(url, "it does not respond") from error
    except httpx.TimeoutException as error:
        raise RemoteError(
            f"The server at {url} fell silent for too long.",
            code="timeout",
            next_step="Try again, or raise LONGDOC_REMOTE_TIMEOUT_S.",
        ) from error
    except httpx.ConnectError as error:
        raise _unreachable(url, _why(error)) from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError) as error:
        raise RemoteError(f"{url} is not the address of a server.", code="bad_address") from error
    except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
        raise broken(url, written()) from error
    except (httpx.HTTPError, OSError) as error:
        raise protocol(url, _why(error)) from error


def of_status(url: str, status: int, body: bytes) -> LongDocError:
    """Return the error for an answer that is not 200."""
    said, fields = _message(body)
    words = f": {said}" if said else ""
    if status in (401, 403):
        return RemoteError(
            f"The server at {url} refuses the key{words}.", code="refused", next_step="Set LONGDOC_REMOTE_API_KEY."
        )
    if status in (400, 413, 422) and (_TOO_LONG.search(said) or _TOO_LONG.search(str(fields.get("type", "")))):
        return _prompt_too_long(url, said, fields)
    if status == 429:
        return RemoteError(f"The server at {url} is busy{words}.", code="server", next_step="Try again in a moment.")
    if 300 <= status < 400:
        return RemoteError(
            f"The server at {url} sends us to another address, which is not followed.",
            code="refused",
            next_step="Give the address it should be asked at.",
        )
    if status == 404:
        return RemoteError(
            f"The server at {url} does not know that model or address{words}.",
            code="not_found",
            next_step='Write it as "http://host:port/v1#model".',
        )
    return RemoteError(f"The server at {url} answered with error {status}{words}.", code="server")


def in_stream(url: str, error: Any) -> RemoteError:
    """Return the error for an error that a server sends in place of an answer."""
    said = error.get("message", "") if isinstance(error, dict) else error
    return RemoteError(f"The server at {url} failed while answering: {_one_line(str(said))}.", code="server")


def protocol(url: str, why: str) -> RemoteError:
    return RemoteError(
        f"The server at {url} does not speak the OpenAI protocol: {why}.",
        code="protocol",
        next_step="Check the address; it usually ends in /v1.",
    )


def broken(url: str, written: int) -> RemoteError:
    return RemoteError(
        f"The connection to the server at {url} broke after {written:,} characters of the answer.",
        code="broken",
        next_step="Ask again.",
    )


async def read_some(response: httpx.Response, limit: int = 65_536) -> bytes:
    """Return the beginning of a body."""
    data = b""
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) >= limit:
            break
    return data[:limit]


def _prompt_too_long(url: str, said: str, fields: dict[str, Any]) -> PromptTooLong:
    """Return the error with the number of tokens over, where the server tells both numbers."""
    window, asked = fields.get("n_ctx"), fields.get("n_prompt_tokens")
    if not (isinstance(window, int) and isinstance(asked, int)):
        numbers = [int(number) for number in re.findall(r"\b\d{3,9}\b", said.replace(",", ""))]
        window, asked = (numbers[0], max(numbers)) if len(numbers) > 1 else (0, 0)
    over = max(asked - window, 0)
    how_much = f" by {over:,} tokens" if over else ""
    return PromptTooLong(
        f"The prompt is over the window of the server at {url}{how_much}.",
        over_tokens=over,
        next_step="Leave out a source, ask in Chunked, or set LONGDOC_REMOTE_WINDOW to the server's context length.",
    )


def _unreachable(url: str, why: str) -> RemoteError:
    return RemoteError(
        f"The server at {url} cannot be reached: {why}.",
        code="unreachable",
        next_step="Start it, or check the address.",
    )


def _message(body: bytes) -> tuple[str, dict[str, Any]]:
    """Return a server's own words in one line, and the fields of its error."""
    try:
        content = json.loads(body)
    except ValueError:
        return "", {}
    if not isinstance(content, dict):
        return "", {}
    error = content.get("error")
    fields = error if isinstance(error, dict) else content
    said = fields.get("message") or fields.get("detail") or (error if isinstance(error, str) else "")
    return _one_line(said if isinstance(said, str) else json.dumps(said)), fields


def _one_line(text: str) -> str:
    clean = " ".join("".join(ch if ch.isprintable() else " " for ch in text).split()).rstrip(".")
    return clean if len(clean) <= _SAID else f"{clean[:_SAID]}…"


def _why(error: Exception) -> str:
    return _one_line(str(error)) or type(error).__name__
