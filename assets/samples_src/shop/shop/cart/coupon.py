"""Coupons take off a fixed sum, once a cart."""

from shop.clock import now
from shop.errors import ShopError

COUPONS = {"HERRING26": (500, "2026-06-30"), "FIRSTKNOT": (300, "2027-12-31")}  # cents, last day


def redeem(cart, code):
    cents, last_day = COUPONS.get(code.upper(), (0, ""))
    if not cents or now().date().isoformat() > last_day:
        raise ShopError("this coupon is not valid")
    cart.coupon = code.upper()
    return cents
