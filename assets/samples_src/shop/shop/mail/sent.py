"""Your parcel is on its way."""

from shop.mail.outbox import write
from shop.shipping.tracking import link


def send(order, carrier, number):
    write(order.customer, f"Order {order.number} is on its way", f"Follow it here: {link(carrier, number)}")
