from fractions import Fraction

from shop.money.tax import REDUCED_PERMILLE, tax_inside, with_tax


def test_tax_goes_in_and_comes_out():
    gross = with_tax(Fraction(1000))
    assert gross == 1190
    assert tax_inside(int(gross)) == 190


def test_charts_are_taxed_less():
    assert with_tax(Fraction(100), REDUCED_PERMILLE) == 107
