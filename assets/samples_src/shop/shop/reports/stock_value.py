"""What lies on the shelves, at three fifths of its price."""

from shop.catalog.repository import get


def stock_value(counts):
    return sum(get(sku).net_cents * count for sku, count in counts.items()) * 3 // 5
