"""Order numbers: year, running number, check digit."""

from itertools import count

from shop.clock import now

_running = count(1)


def check_digit(digits):
    return sum(int(d) * (3 if k % 2 else 1) for k, d in enumerate(digits)) % 10


def next_number():
    digits = f"{now():%y}{next(_running):05d}"
    return f"{digits}-{check_digit(digits)}"
