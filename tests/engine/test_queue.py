"""longdoc/engine/queue.py: one at a time, fair, bounded, and everyone knows his place."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longdoc.engine.queue import Queue
from longdoc.errors import Stopped, UserError


def run_all(owners: list[str], places: int = 32) -> list[str]:
    """Let one request hold the worker until all others wait in the given order; return the order of service."""
    queue, served = Queue(places), []
    waiting = {i: threading.Event() for i in range(len(owners))}

    def ask(i: int) -> None:
        with queue.turn(owners[i], threading.Event(), lambda place: waiting[i].set()):
            served.append(owners[i])

    threads = []
    with queue.turn("first", threading.Event(), lambda place: None):
        for i in range(len(owners)):
            thread = threading.Thread(target=ask, args=(i,))
            thread.start()
            threads.append(thread)
            assert waiting[i].wait(10)
    for thread in threads:
        thread.join(10)
    return served


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from("abc"), max_size=8))
def test_everyone_is_served_once_and_nobody_twice_while_another_waits(owners):
    served = run_all(owners)
    assert sorted(served) == sorted(owners)
    for i, owner in enumerate(served):
        for other in set(served[i:]) - {owner}:
            # Whoever still waits was not served less often than the one served now, up to one turn.
            assert served[:i].count(other) + 1 >= served[: i + 1].count(owner)


def test_a_crowd_of_one_persons_questions_does_not_hold_up_another():
    assert run_all(["a", "a", "a", "a", "b"])[:2] == ["a", "b"]


def test_the_place_in_the_queue_is_told_and_falls():
    queue, places, seen = Queue(), [], threading.Event()
    release = [threading.Event(), threading.Event()]
    holding = [threading.Event(), threading.Event()]

    def hold(i):
        with queue.turn(f"h{i}", threading.Event(), lambda place: None):
            holding[i].set()
            release[i].wait(10)

    def told(place):
        places.append(place)
        seen.set()

    threads = [threading.Thread(target=hold, args=(0,))]
    threads[0].start()
    assert holding[0].wait(10)
    threads.append(threading.Thread(target=hold, args=(1,)))
    threads[1].start()
    while not queue._waiting:
        pass
    done = threading.Event()

    def ask():
        with queue.turn("me", threading.Event(), told):
            done.set()

    threads.append(threading.Thread(target=ask))
    threads[2].start()
    assert seen.wait(10)
    release[0].set()
    assert holding[1].wait(10)
    release[1].set()
    assert done.wait(10)
    for thread in threads:
        thread.join(10)
    assert places[0] == 2
    assert places == sorted(set(places), reverse=True)


def test_a_full_queue_is_busy_at_once():
    queue = Queue(places=1)
    stop, waits = threading.Event(), threading.Event()

    def wait():
        with pytest.raises(Stopped), queue.turn("b", stop, lambda place: waits.set()):
            pass

    with queue.turn("a", threading.Event(), lambda place: None):
        thread = threading.Thread(target=wait)
        thread.start()
        assert waits.wait(10)
        with pytest.raises(UserError, match="busy") as error, queue.turn("c", threading.Event(), lambda place: None):
            pass
        assert error.value.code == "busy"
        stop.set()
        thread.join(10)
    with queue.turn("c", threading.Event(), lambda place: None):
        pass


def test_whoever_stops_waiting_leaves_no_gap():
    queue, stop, waits = Queue(), threading.Event(), threading.Event()
    result = []

    def wait():
        try:
            with queue.turn("b", stop, lambda place: waits.set()):
                result.append("served")
        except Stopped:
            result.append("stopped")

    with queue.turn("a", threading.Event(), lambda place: None):
        thread = threading.Thread(target=wait)
        thread.start()
        assert waits.wait(10)
        stop.set()
        thread.join(10)
    assert result == ["stopped"]
    with queue.turn("a", threading.Event(), lambda place: None):
        pass


def test_an_error_in_a_turn_gives_the_worker_back():
    queue = Queue()
    with pytest.raises(KeyError), queue.turn("a", threading.Event(), lambda place: None):
        raise KeyError
    with queue.turn("b", threading.Event(), lambda place: None):
        pass
