"""Rebates on the goods of an order, before tax."""

from fractions import Fraction

STEPS = ((50_000, 8), (20_000, 5), (10_000, 3))  # cents from, per cent


def volume_rebate(goods: int) -> Fraction:
    for least, percent in STEPS:
        if goods >= least:
            return Fraction(goods * percent, 100)
    return Fraction(0)
