"""Products by SKU."""

from shop.errors import NotFound

_products = {}


def put(product):
    _products[product.sku] = product


def get(sku):
    if sku not in _products:
        raise NotFound(f"we do not sell {sku}")
    return _products[sku]


def everything():
    return list(_products.values())
