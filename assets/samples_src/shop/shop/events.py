"""A tiny bus: the order module says what happened, mail and stock listen."""

from collections import defaultdict

_listeners = defaultdict(list)


def listen(name, function):
    _listeners[name].append(function)


def tell(name, **facts):
    for function in _listeners[name]:
        function(**facts)
