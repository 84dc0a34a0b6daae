"""Take things out of the cart again."""

from shop.clock import now


def remove(cart, sku, count=None):
    left = 0 if count is None else cart.lines.get(sku, 0) - count
    if left > 0:
        cart.lines[sku] = left
    else:
        cart.lines.pop(sku, None)
    cart.touched = now()
