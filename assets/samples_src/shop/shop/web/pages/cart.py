"""The cart, net, with a hint on free shipping."""

from shop.cart.repository import cart_of
from shop.cart.summary import goods_net
from shop.money.text import price
from shop.settings import FREE_SHIPPING_FROM
from shop.web.html import layout
from shop.web.response import Response


def page(request):
    net = goods_net(cart_of(request.session).lines)
    missing = max(0, FREE_SHIPPING_FROM - net)
    return Response(layout("Cart", f"<p>{price(net)}; {price(missing)} to free shipping</p>"))
