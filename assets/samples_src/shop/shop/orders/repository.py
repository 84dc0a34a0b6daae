"""Orders by number."""

from shop.errors import NotFound

_orders = {}


def put(order):
    _orders[order.number] = order


def get_order(number):
    if number not in _orders:
        raise NotFound(f"no order {number}")
    return _orders[number]


def orders_of(customer):
    return [order for order in _orders.values() if order.customer == customer]
