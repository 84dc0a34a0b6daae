"""Raise or lower the prices of a category by some per cent, to whole ten cents."""

from dataclasses import replace
from fractions import Fraction

from shop.admin.roles import require
from shop.catalog.repository import everything, put
from shop.money.rounding import to_step


def reprice(person, category, percent):
    require(person, "prices")
    for product in everything():
        if product.category == category:
            put(replace(product, net_cents=to_step(Fraction(product.net_cents * (100 + percent), 100), 10)))
