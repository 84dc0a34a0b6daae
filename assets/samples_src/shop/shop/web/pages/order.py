"""How an order is doing."""

from shop.orders.repository import get_order
from shop.web.html import escape, layout
from shop.web.response import Response


def page(request):
    order = get_order(request.path.rsplit("/", 1)[-1])
    return Response(layout(f"Order {order.number}", f"<p>It is {escape(order.status)}.</p>"))
