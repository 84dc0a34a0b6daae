"""Carts that nobody touched for three days are emptied."""

from datetime import timedelta

from shop.cart.repository import all_carts, drop
from shop.clock import now
from shop.settings import CART_LIFETIME_HOURS


def expire():
    oldest = now() - timedelta(hours=CART_LIFETIME_HOURS)
    stale = [cart.session for cart in all_carts() if cart.touched < oldest]
    for session in stale:
        drop(session)
    return len(stale)
