"""How many of each product lie on the shelves."""

from shop.errors import OutOfStock
from shop.settings import LOW_STOCK

_shelves = {}


def receive(sku, count):
    _shelves[sku] = _shelves.get(sku, 0) + count


def take(sku, count):
    if _shelves.get(sku, 0) < count:
        raise OutOfStock(f"only {_shelves.get(sku, 0)} of {sku} left")
    _shelves[sku] -= count


def low():
    return sorted(sku for sku, count in _shelves.items() if count <= LOW_STOCK)
