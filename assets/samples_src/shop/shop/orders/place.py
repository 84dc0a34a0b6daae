"""Turn a cart into an order."""

from shop.cart.coupon import COUPONS
from shop.catalog import stock
from shop.catalog.repository import get
from shop.events import tell
from shop.orders.number import next_number
from shop.orders.order import Order, OrderLine
from shop.orders.repository import put
from shop.orders.total import rounded_total
from shop.shipping.rates import shipping_for


def place(cart, customer, country):
    lines = [OrderLine(sku, n, get(sku).net_cents) for sku, n in cart.lines.items()]
    for line in lines:
        stock.take(line.sku, line.count)
    coupon = COUPONS.get(cart.coupon, (0, ""))[0]
    order = Order(next_number(), customer, lines, shipping_for(cart.lines, country), coupon)
    put(order)
    tell("order_placed", order=order, total=rounded_total(order))
    return order
