"""Cancel an order: things go back on the shelf, money goes back to the customer."""

from shop.catalog.stock import receive
from shop.orders.status import move
from shop.payment.refund import refund


def cancel(order):
    was_paid = order.status == "paid"
    move(order, "cancelled")
    for line in order.lines:
        receive(line.sku, line.count)
    return refund(order, 100) if was_paid else None
