"""Give money back, wholly or in part."""

from shop.payment.ledger import book, paid_for


def refund(order, percent):
    cents = paid_for(order.number) * percent // 100
    book(order.number, -cents, "refund")
    return cents
