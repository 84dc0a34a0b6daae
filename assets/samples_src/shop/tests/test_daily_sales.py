from shop.orders.order import Order, OrderLine
from shop.reports.daily_sales import daily_sales


def test_cancelled_orders_do_not_count():
    lines = [OrderLine("L1", 1, 5900)]
    orders = [Order("a", "c", lines, status=s) for s in ("paid", "cancelled", "sent")]
    assert daily_sales(orders) == 14_040
