from fractions import Fraction

from shop.money.rounding import half_up, to_step


def test_halves_go_away_from_zero():
    assert [half_up(Fraction(n, 2)) for n in (1, 3, -1, -3)] == [1, 2, -1, -2]


def test_steps():
    assert to_step(Fraction(1252), 5) == 1250
    assert to_step(Fraction(12525, 10), 5) == 1255
