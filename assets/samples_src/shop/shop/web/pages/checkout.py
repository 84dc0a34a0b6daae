"""Place the order and go to the till."""

from shop.cart.repository import cart_of, drop
from shop.orders.place import place
from shop.web.html import layout, link
from shop.web.response import Response


def page(request):
    customer, country = request.query.get("mail", "guest"), request.query.get("country", "DK")
    order = place(cart_of(request.session), customer, country)
    drop(request.session)
    return Response(layout("Thank you", link(f"/order/{order.number}", order.number)))
