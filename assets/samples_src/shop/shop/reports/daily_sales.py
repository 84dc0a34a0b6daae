"""What was sold in a day: the sum of rounded order totals."""

from shop.orders.total import rounded_total

COUNTED = ("paid", "sent")


def daily_sales(orders):
    return sum(rounded_total(order) for order in orders if order.status in COUNTED)
