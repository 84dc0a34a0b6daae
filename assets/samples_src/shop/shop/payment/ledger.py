"""Every movement of money, never changed, only added to."""

_entries = []


def book(number, cents, reference):
    _entries.append((number, cents, reference))


def paid_for(number):
    return sum(cents for n, cents, _ in _entries if n == number)
