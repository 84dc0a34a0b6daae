"""What a payment costs us; the customer never sees it."""

from fractions import Fraction

FEES = {"card": (25, 14), "mobilepay": (10, 10), "transfer": (0, 0)}  # cents, per mille


def fee(method, cents):
    fixed, permille = FEES[method]
    return fixed + Fraction(cents * permille, 1000)
