import pytest
from shop.cart.coupon import redeem
from shop.cart.repository import cart_of
from shop.errors import ShopError


def test_a_coupon_is_good_until_its_last_day():
    assert redeem(cart_of("s"), "herring26") == 500


def test_an_invented_coupon_is_not():
    with pytest.raises(ShopError):
        redeem(cart_of("s"), "FREE")
