"""Value added tax."""

from fractions import Fraction

from shop.settings import VAT_PERMILLE

REDUCED_PERMILLE = 70  # books and charts


def with_tax(net: Fraction, permille: int = VAT_PERMILLE) -> Fraction:
    return net * (1000 + permille) / 1000


def tax_inside(gross: int, permille: int = VAT_PERMILLE) -> Fraction:
    return Fraction(gross * permille, 1000 + permille)
