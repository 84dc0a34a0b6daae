"""One worker: who may use the model next.

Bounded, and fair between owners: whoever was served longest ago goes first, so
that one person's hundred questions do not keep another waiting. Knows owners and
places only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from longdoc.errors import Stopped, UserError

_LOOK_S = 0.2  # how often a waiting request looks at its stop flag


@dataclass(frozen=True, eq=False)
class _Ticket:
    owner: str


class Queue:
    """At most one holder at a time and `places` waiting."""

    def __init__(self, places: int = 32) -> None:
        self._places = places
        self._changed = threading.Condition()
        self._waiting: list[_Ticket] = []
        self._running = False
        self._served: dict[str, int] = {}  # owner -> number of the turn it last had
        self._turns = 0

    @contextmanager
    def turn(self, owner: str, stop: threading.Event, on_place: Callable[[int], None]) -> Iterator[None]:
        """Wait for the worker and hold it for the block; `on_place(n)` tells how many requests come before.

        Raises UserError `busy` at once when all places are taken, Stopped when `stop` is set while waiting.
        """
        self._wait(owner, stop, on_place)
        try:
            yield
        finally:
            with self._changed:
                self._running = False
                self._changed.notify_all()

    def _wait(self, owner: str, stop: threading.Event, on_place: Callable[[int], None]) -> None:
        ticket = _Ticket(owner)
        told = 0
        with self._changed:
            if len(self._waiting) >= self._places:
                raise UserError(
                    f"LongDoc is busy: {len(self._waiting)} requests are waiting already.",
                    code="busy",
                    next_step="Try again in a moment.",
                )
            self._waiting.append(ticket)
        try:
            while True:
                with self._changed:
                    order = self._order()
                    if not self._running and order[0] is ticket:
                        self._start(ticket)
                        return
                    place = order.index(ticket) + self._running
                if stop.is_set():
                    raise Stopped
                if place != told:
                    on_place(place)  # outside the lock: it may be slow
                    told = place
                with self._changed:
                    if self._running or self._order()[0] is not ticket:
                        self._changed.wait(_LOOK_S)
        except BaseException:
            with self._changed:
                if ticket in self._waiting:
                    self._waiting.remove(ticket)
                self._changed.notify_all()
            raise

    def _start(self, ticket: _Ticket) -> None:
        self._waiting.remove(ticket)
        self._turns += 1
        self._served[ticket.owner] = self._turns
        self._running = True

    def _order(self) -> list[_Ticket]:
        """Return waiting tickets in the order in which they would be served if no more came."""
        served, turns = dict(self._served), self._turns
        left, order = list(self._waiting), []
        while left:
            # min() takes the earliest of several tickets of one owner.
            ticket = min(left, key=lambda candidate: served.get(candidate.owner, 0))
            left.remove(ticket)
            order.append(ticket)
            turns += 1
            served[ticket.owner] = turns
        return order
