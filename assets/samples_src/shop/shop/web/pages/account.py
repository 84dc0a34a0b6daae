"""Orders and points of a customer."""

from shop.customers.repository import get
from shop.orders.repository import orders_of
from shop.web.html import layout
from shop.web.response import Response


def page(request):
    customer = get(request.query.get("mail", ""))
    count = len(orders_of(customer.mail))
    return Response(layout(customer.name, f"<p>{count} orders, {customer.points} points</p>"))
