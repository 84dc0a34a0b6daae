"""An invoice shows the rounded total and the tax inside it."""

from dataclasses import dataclass

from shop.money.rounding import half_up
from shop.money.tax import tax_inside
from shop.orders.total import rounded_total


@dataclass(frozen=True)
class Invoice:
    number: str
    gross: int
    tax: int


def invoice_for(order):
    gross = rounded_total(order)
    return Invoice(f"R{order.number}", gross, half_up(tax_inside(gross)))
