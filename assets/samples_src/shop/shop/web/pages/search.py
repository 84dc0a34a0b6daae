"""Results of a search."""

from shop.catalog.search import search
from shop.web.html import layout, link
from shop.web.paging import page_of
from shop.web.response import Response


def page(request):
    found, last = page_of(search(request.query.get("q", "")), int(request.query.get("page", 1)))
    items = "".join(f"<li>{link(f'/p/{p.sku}', p.name)}</li>" for p in found)
    return Response(layout("Search", f"<ul>{items}</ul><p>{last} pages</p>"))
