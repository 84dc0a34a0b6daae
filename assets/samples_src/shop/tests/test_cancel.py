from shop.catalog import stock
from shop.orders.cancel import cancel
from shop.orders.order import Order, OrderLine
from shop.payment.ledger import book, paid_for


def test_cancelling_gives_everything_back():
    order = Order("n7", "c", [OrderLine("W1", 5, 180)], status="paid")
    book("n7", 1070, "x")
    assert cancel(order) == 1070
    assert paid_for("n7") == 0
    assert stock._shelves["W1"] == 45
