"""Nobody may buy the shop empty."""

from shop.errors import ShopError

MOST_OF_ONE = 40


def check(sku, count):
    if not 0 < count <= MOST_OF_ONE:
        raise ShopError(f"between 1 and {MOST_OF_ONE} of {sku}, please")
