import pytest
from shop.cart.add import add
from shop.cart.remove import remove
from shop.cart.repository import cart_of
from shop.errors import NotFound, ShopError


def test_things_go_in_and_out():
    cart = cart_of("s")
    add(cart, "W1", 3)
    remove(cart, "W1", 1)
    assert cart.count() == 2


def test_unknown_and_too_many_are_refused():
    with pytest.raises(NotFound):
        add(cart_of("s"), "X9")
    with pytest.raises(ShopError):
        add(cart_of("s"), "W1", 41)
