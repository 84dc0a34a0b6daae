"""Bring an old database up to date, one step at a time."""

STEPS = (
    "ALTER TABLE product ADD COLUMN category TEXT DEFAULT 'misc'",
    "ALTER TABLE orders ADD COLUMN coupon_cents INTEGER DEFAULT 0",
    "CREATE INDEX orders_by_customer ON orders (customer)",
)


def migrate(connection):
    done = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, step in enumerate(STEPS[done:], done + 1):
        with connection:
            connection.execute(step)
            connection.execute(f"PRAGMA user_version = {number}")
