from shop.orders.order import Order, OrderLine
from shop.orders.total import rounded_total


def order(*lines, **more):
    return Order("n", "c", [OrderLine(sku, n, cents) for sku, n, cents in lines], **more)


def test_the_total_is_rounded_once_to_five_cents():
    assert rounded_total(order(("W1", 3, 111))) == 395  # 333 net, 396.27 with tax


def test_many_small_lines_are_not_rounded_one_by_one():
    assert rounded_total(order(*[("W1", 1, 1)] * 10)) == 10


def test_a_coupon_never_makes_a_total_negative():
    assert rounded_total(order(("W1", 1, 180), coupon_cents=500)) == 0
