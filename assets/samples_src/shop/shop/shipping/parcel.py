"""Which box: the smallest that holds weight and longest side."""

from shop.errors import ShopError

BOXES = (("letter", 500, 35), ("small", 5_000, 60), ("large", 31_000, 120), ("tube", 12_000, 210))  # grams, cm


def box_for(grams, longest_cm):
    for name, most, side in BOXES:
        if grams <= most and longest_cm <= side:
            return name
    raise ShopError("this has to be fetched at the quay")
