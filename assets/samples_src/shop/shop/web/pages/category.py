"""A category and what lies in it."""

from shop.catalog.category import parent_of
from shop.catalog.repository import everything
from shop.web.html import layout, link
from shop.web.response import Response


def page(request):
    name = request.path.rsplit("/", 1)[-1]
    things = [p for p in everything() if p.category == name]
    above = link(f"/c/{parent_of(name)}", "up") if parent_of(name) else ""
    return Response(layout(name, above + "".join(link(f"/p/{p.sku}", p.name) for p in things)))
