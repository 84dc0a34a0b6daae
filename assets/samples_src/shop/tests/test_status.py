import pytest
from shop.errors import ShopError
from shop.orders.order import Order
from shop.orders.status import move


def test_an_order_cannot_be_sent_before_it_is_paid():
    order = Order("n", "c", [])
    with pytest.raises(ShopError):
        move(order, "sent")
    move(order, "paid")
    move(order, "sent")
    assert len(order.history) == 2
