"""Returned goods: all of the price within 14 days, four fifths within 60."""

from shop.clock import now
from shop.errors import ShopError


def share_refunded(sent_on):
    days = (now() - sent_on).days
    if days > 60:
        raise ShopError("too late to return")
    return 100 if days <= 14 else 80
