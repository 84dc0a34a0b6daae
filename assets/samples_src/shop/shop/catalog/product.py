"""A product and its unit price without tax."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    sku: str
    name: str
    net_cents: int
    grams: int
    category: str = "misc"
    sold_by: str = "piece"  # or "metre"
