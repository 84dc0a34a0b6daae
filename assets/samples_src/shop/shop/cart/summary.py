"""What the cart page shows before shipping and tax."""

from shop.catalog.repository import get


def goods_net(lines):
    """Return the net value of goods in cents; `lines` maps SKU to count."""
    return sum(get(sku).net_cents * count for sku, count in lines.items())


def weight(lines):
    return sum(get(sku).grams * count for sku, count in lines.items())
