"""One product, its price with tax, and a button."""

from shop.catalog.repository import get
from shop.money.rounding import half_up
from shop.money.tax import with_tax
from shop.money.text import price
from shop.web.html import escape, layout
from shop.web.response import Response


def page(request):
    product = get(request.path.rsplit("/", 1)[-1])
    gross = half_up(with_tax(product.net_cents))
    return Response(layout(product.name, f"<p>{price(gross)} a {escape(product.sold_by)}</p>"))
