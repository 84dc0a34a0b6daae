"""Frozen dataclasses to JSON and back, by their type hints. Knows nothing of tables.

Fields added later take their defaults when an older record is read, and fields
that are no longer known are skipped, so stored answers outlive changes of the
types. Text may hold lone surrogates (broken files do): JSON escapes them.
"""

from __future__ import annotations

import json
import types
import zlib
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_json(value: Any) -> str:
    """Return JSON of a dataclass, or of lists and dicts of plain values and dataclasses."""
    return json.dumps(value, default=_plain, separators=(",", ":"))


def from_json(kind: type[T], text: str) -> T:
    """Return a dataclass of `kind` from its JSON. Raises ValueError if it does not fit."""
    try:
        value: T = build(kind, json.loads(text))
        return value
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is not a stored {kind.__name__}") from error


def build(kind: Any, value: Any) -> Any:
    """Return `value` (as JSON gives it) as an instance of the type hint `kind`."""
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise TypeError(f"a {kind.__name__} is stored as an object")
        hints = _hints(kind)
        return kind(**{f.name: build(hints[f.name], value[f.name]) for f in fields(kind) if f.name in value})
    origin, args = get_origin(kind), get_args(kind)
    if origin is tuple:
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(build(args[0], item) for item in value)
        return tuple(build(arg, item) for arg, item in zip(args, value, strict=True))
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        return build(next(arg for arg in args if arg is not type(None)), value)
    if origin in (list, frozenset, set):
        return origin(build(args[0], item) for item in value)
    if origin in (dict, Mapping) or origin is Literal or kind is Any:
        return value
    return float(value) if kind is float and isinstance(value, int) else value


def pack_text(text: str) -> bytes:
    """Return text compressed; lone surrogates survive."""
    return zlib.compress(text.encode("utf-8", "surrogatepass"), 3)


def unpack_text(data: bytes) -> str:
    """Return the text of `pack_text`. Raises ValueError when the bytes are damaged."""
    try:
        return zlib.decompress(data).decode("utf-8", "surrogatepass")
    except (zlib.error, UnicodeDecodeError) as error:
        raise ValueError("stored text is damaged") from error


def storable(text: str) -> str:
    """Return text that SQLite accepts as TEXT: lone surrogates replaced, the length unchanged."""
    try:
        text.encode("utf-8")
        return text
    except UnicodeEncodeError:
        return "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= ch <= "\udfff" else ch for ch in text)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")
