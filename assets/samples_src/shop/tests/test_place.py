import pytest
from shop.cart.add import add
from shop.cart.repository import cart_of
from shop.catalog import stock
from shop.errors import OutOfStock
from shop.orders.place import place


def test_placing_takes_things_from_the_shelf():
    cart = cart_of("s")
    add(cart, "L1", 9)
    assert place(cart, "a@b", "DK").status == "new"
    assert stock.low() == ["L1"]
    with pytest.raises(OutOfStock):
        place(cart, "a@b", "DK")
