"""Thank you for your order."""

from shop.events import listen
from shop.mail.outbox import write
from shop.money.text import price


def send(order, total):
    write(order.customer, f"Your order {order.number}", f"Thank you. Together that makes {price(total)}.")


listen("order_placed", send)
