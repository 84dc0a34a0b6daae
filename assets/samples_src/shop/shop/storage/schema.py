"""Tables, in the order in which they can be made."""

TABLES = (
    "CREATE TABLE product (sku TEXT PRIMARY KEY, name TEXT, net_cents INTEGER, grams INTEGER)",
    "CREATE TABLE orders (number TEXT PRIMARY KEY, customer TEXT, status TEXT)",
    "CREATE TABLE order_line (number TEXT REFERENCES orders, sku TEXT REFERENCES product, count INTEGER)",
)


def create(connection):
    for table in TABLES:
        connection.execute(table)
