"""Everything that differs between the shop on a laptop and the shop on the quay."""

import os

PORT = int(os.environ.get("SHOP_PORT", "8087"))
DATABASE = os.environ.get("SHOP_DATABASE", "shop.sqlite")
VAT_PERMILLE = 190
FREE_SHIPPING_FROM = 7500  # cents
CART_LIFETIME_HOURS = 72
LOW_STOCK = 4
