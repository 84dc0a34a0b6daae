"""Which page answers which path."""

from shop.errors import NotFound
from shop.web.pages import account, cart, category, checkout, contact, home, order, product, search

PAGES = {
    "": home.page,
    "search": search.page,
    "c": category.page,
    "p": product.page,
    "cart": cart.page,
    "checkout": checkout.page,
    "order": order.page,
    "account": account.page,
    "contact": contact.page,
}


def find_page(path):
    first = path.strip("/").split("/")[0]
    if first not in PAGES:
        raise NotFound("this page has drifted away")
    return PAGES[first]
