"""Server-sent events of a chat completion, taken apart. Bounded: a server is a stranger too."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from longdoc.backends import remote_errors as errors

_MAX_LINE = 1_000_000  # bytes of one event
_MAX_TEXT = 4_000_000  # characters of one answer


@dataclass(frozen=True)
class Delta:
    """One event. `done` is the protocol's own end mark."""

    text: str = ""
    finish_reason: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    done: bool = False


async def bounded_lines(url: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Cut a stream into lines of at most _MAX_LINE bytes. Raises RemoteError for a longer one."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _MAX_LINE:
            raise errors.protocol(url, "one of its events is far too long")
        for line in lines:
            yield line.decode("utf-8", "replace")
    yield rest.decode("utf-8", "replace")


async def parse_events(url: str, lines: AsyncIterator[str]) -> AsyncIterator[Delta]:
    """Yield what each data line says. Raises RemoteError for an error event or something else than the protocol."""
    written = 0
    async for line in lines:
        if not line.startswith("data:"):
            continue  # comments, event names, blank lines
        data = line[5:].strip()
        if data == "[DONE]":
            yield Delta(done=True)
            return
        delta = _delta(url, data)
        written += len(delta.text)
        if written > _MAX_TEXT:
            raise errors.protocol(url, "its answer does not end")
        yield delta


def _delta(url: str, data: str) -> Delta:
    try:
        event = json.loads(data)
        if event.get("error"):
            raise errors.in_stream(url, event["error"])
        usage = event.get("usage")
        choices = event.get("choices") or [{}]
        piece = choices[0].get("delta") or {}
        text = piece.get("content") or ""
        if not isinstance(text, str):
            raise TypeError
        reason = str(choices[0].get("finish_reason") or "")
        return Delta(text, reason, usage if isinstance(usage, Mapping) else {})
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise errors.protocol(url, "an event of its answer cannot be understood") from error
