"""Calls from a page run only with arguments that fit, and fail in words."""

from __future__ import annotations

from typing import Any

import pytest

from longdoc.errors import UserError
from longdoc.ui.calls import Calls


def double(number: int, name: str = "x", tags: list[str] | None = None) -> list[Any]:
    return [number * 2, name, tags]


def refuse() -> None:
    raise UserError("It cannot be done.", code="no", next_step="Do another thing.")


def break_() -> None:
    raise RuntimeError("secret path /home/me")


calls = Calls(double, refuse, break_)


def test_a_call_returns_its_value() -> None:
    made = calls.call({"name": "double", "args": {"number": 2, "tags": ["a"]}})
    assert made == {"ok": True, "value": [4, "x", ["a"]]}


@pytest.mark.parametrize(
    "data",
    [
        None, [], "double", {}, {"name": 3}, {"name": "nothing"}, {"name": "double"}, {"name": "__init__", "args": {}},
        {"name": "double", "args": []}, {"name": "double", "args": {"number": "2"}},
        {"name": "double", "args": {"number": True}}, {"name": "double", "args": {"number": 1, "tags": [1]}},
        {"name": "double", "args": {"number": 1, "self": 2}}, {"name": "double", "args": {"number": 1 << 60}},
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_words(data: Any) -> None:
    made = calls.call(data)
    assert made["ok"] is False
    assert made["message"]
    assert made["next_step"]


def test_errors_keep_their_words() -> None:
    made = calls.call({"name": "refuse", "args": {}})
    assert (made["code"], made["message"], made["next_step"]) == ("no", "It cannot be done.", "Do another thing.")


def test_faults_of_our_own_say_nothing_of_the_machine() -> None:
    made = calls.call({"name": "break_", "args": {}})
    assert made["ok"] is False
    assert "home" not in str(made)
