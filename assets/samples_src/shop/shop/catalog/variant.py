"""Ropes come in diameters, lamps in colours: variants share a product page."""

from dataclasses import replace


def variants(product, options):
    """Return one product per option: name -> extra cents."""
    return [
        replace(product, sku=f"{product.sku}-{name}", net_cents=product.net_cents + extra)
        for name, extra in options.items()
    ]
