"""Save and load products."""

from shop.catalog.product import Product


def save(connection, product):
    values = (product.sku, product.name, product.net_cents, product.grams)
    connection.execute("INSERT OR REPLACE INTO product (sku, name, net_cents, grams) VALUES (?, ?, ?, ?)", values)


def load(connection, sku):
    row = connection.execute("SELECT sku, name, net_cents, grams FROM product WHERE sku = ?", (sku,)).fetchone()
    return Product(*row) if row else None
