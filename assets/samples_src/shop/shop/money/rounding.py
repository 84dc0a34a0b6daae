"""Rounding rules."""

from fractions import Fraction


def half_up(value: Fraction) -> int:
    """Round to a whole number; halves go away from zero."""
    sign = -1 if value < 0 else 1
    return sign * int(abs(value) + Fraction(1, 2))


def to_step(value: Fraction, step: int) -> int:
    return step * half_up(value / step)
