"""Charge a card for an order."""

from shop.events import tell
from shop.orders.status import move
from shop.orders.total import rounded_total
from shop.payment.ledger import book


def charge(order, gateway, token):
    cents = rounded_total(order)
    reference = gateway.charge(cents, token)
    book(order.number, cents, reference)
    move(order, "paid")
    tell("order_paid", order=order)
    return reference
