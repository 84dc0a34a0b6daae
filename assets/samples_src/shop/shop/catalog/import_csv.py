"""Read the price list of the wholesaler: sku;name;price;grams."""

import csv

from shop.catalog.product import Product
from shop.catalog.repository import put


def import_prices(file):
    count = 0
    for row in csv.DictReader(file, delimiter=";"):
        net = round(float(row["price"].replace(",", ".")) * 100)
        put(Product(row["sku"], row["name"], net, int(row["grams"])))
        count += 1
    return count
