from datetime import timedelta

from shop.cart.expiry import expire
from shop.cart.repository import cart_of
from shop.clock import now, stop_at


def test_carts_live_three_days():
    cart_of("old")
    stop_at(now() + timedelta(hours=73))
    cart_of("new")
    assert expire() == 1
