"""Who may do what behind the counter."""

from shop.errors import ShopError

MAY = {"astrid": {"prices", "stock", "refunds"}, "nils": {"stock"}, "bookkeeper": {"reports"}}


def require(person, right):
    if right not in MAY.get(person, ()):
        raise ShopError(f"{person} may not touch {right}")
