"""Fill an empty shop with ten things to try it out."""

from shop.catalog import stock
from shop.catalog.product import Product
from shop.catalog.repository import put

THINGS = (
    ("R1", "Hemp rope 12 mm", 320, 110),
    ("R2", "Nylon rope 8 mm", 210, 45),
    ("L1", "Storm lamp", 5900, 1400),
    ("L2", "Lamp glass", 1250, 300),
    ("W1", "Flat wick", 180, 10),
    ("D1", "Oak cleat", 1490, 420),
    ("D2", "Bronze shackle", 990, 160),
    ("D3", "Ash block", 3350, 380),
    ("S1", "Splicing fid", 1690, 90),
    ("B1", "Tide table", 1180, 210),
)

for sku, name, cents, grams in THINGS:
    put(Product(sku, name, cents, grams))
    stock.receive(sku, 12)
