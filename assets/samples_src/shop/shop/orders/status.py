"""Which status may follow which."""

from shop.clock import now
from shop.errors import ShopError

NEXT = {"new": {"paid", "cancelled"}, "paid": {"sent", "cancelled"}, "sent": {"returned"}}


def move(order, status):
    if status not in NEXT.get(order.status, ()):
        raise ShopError(f"{order.number} is {order.status}, not {status}")
    order.history.append((now(), order.status))
    order.status = status
