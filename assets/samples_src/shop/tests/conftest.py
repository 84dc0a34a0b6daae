"""Every test starts with empty shelves and a stopped clock."""

from datetime import UTC, datetime

import pytest
from shop import clock
from shop.cart import repository as carts
from shop.catalog import repository, stock
from shop.catalog.product import Product


@pytest.fixture(autouse=True)
def shed():
    for shelf in (repository._products, stock._shelves, carts._carts):
        shelf.clear()
    clock.stop_at(datetime(2026, 5, 4, 12, tzinfo=UTC))
    repository.put(Product("L1", "Storm lamp", 5900, 1400, "light"))
    repository.put(Product("W1", "Flat wick", 180, 10, "light"))
    stock.receive("L1", 9)
    stock.receive("W1", 40)
