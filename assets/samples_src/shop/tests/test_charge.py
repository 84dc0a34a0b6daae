from shop.orders.order import Order, OrderLine
from shop.payment.charge import charge
from shop.payment.gateway import Gateway


def test_the_card_is_charged_the_rounded_total():
    asked = {}
    gateway = Gateway(lambda path, data: asked.update(data) or {"state": "ok", "id": "ch1"})
    order = Order("n8", "c", [OrderLine("L1", 1, 5900)])
    assert charge(order, gateway, "tok") == "ch1"
    assert asked["amount"] == 7020
    assert order.status == "paid"
