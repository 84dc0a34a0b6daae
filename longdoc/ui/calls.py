"""Calls of a page to the server: names to functions, JSON both ways, errors in words.

Every page gives one `Calls` to its HTML component. Arguments come from a browser and
are checked against the annotations of the function before it runs.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_origin, get_type_hints

from longdoc.errors import LongDocError, UserError

log = logging.getLogger("longdoc.ui")


class Calls:
    """What a page may ask. Add functions with `add`; their names are theirs in the page's script."""

    def __init__(self, *functions: Callable[..., Any]) -> None:
        self._functions: dict[str, Callable[..., Any]] = {}
        self.add(*functions)

    def add(self, *functions: Callable[..., Any]) -> None:
        for function in functions:
            self._functions[function.__name__] = function

    def call(self, data: Any) -> dict[str, Any]:
        """Run `{"name": ..., "args": {...}}` and return `{"ok": true, "value": ...}` or the error in words."""
        try:
            name, given = _parts(data)
            function = self._functions.get(name)
            if function is None:
                raise UserError("The page asked for something that this version does not know.", next_step="Reload it.")
            return {"ok": True, "value": function(**_checked(function, given))}
        except LongDocError as error:
            return {"ok": False, "code": error.code, "message": error.message, "next_step": error.next_step}
        except Exception:
            log.exception("A call of a page failed")
            return {
                "ok": False,
                "code": "internal",
                "message": "Something went wrong inside LongDoc.",
                "next_step": "Reload the page and try again.",
            }


def _parts(data: Any) -> tuple[str, Mapping[str, Any]]:
    if isinstance(data, Mapping):
        name, given = data.get("name"), data.get("args", {})
        if isinstance(name, str) and isinstance(given, Mapping) and all(isinstance(key, str) for key in given):
            return name, given
    raise UserError("The page sent something that cannot be read.", next_step="Reload it.")


def _checked(function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments if each has the type that the function says. Raises UserError."""
    hints = get_type_hints(function)
    parameters = inspect.signature(function).parameters
    unknown = set(given) - set(parameters)
    missing = [n for n, p in parameters.items() if p.default is inspect.Parameter.empty and n not in given]
    wrong = [name for name, value in given.items() if name in hints and not _fits(value, hints[name])]
    if unknown or missing or wrong:
        raise UserError("The page sent something that does not fit.", code="bad_arguments", next_step="Reload it.")
    return dict(given)


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a JSON value is of a type such as int, str | None, list[str] or dict[str, Any]."""
    if hint is Any:
        return True
    origin, args = get_origin(hint), get_args(hint)
    if origin is list:
        return isinstance(value, list) and all(_fits(item, args[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(k, args[0]) and _fits(v, args[1]) for k, v in value.items())
    if args:  # a union
        return any(_fits(value, arg) for arg in args)
    if hint is type(None):
        return value is None
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53
    return isinstance(value, hint)
