"""One point for each full ten euros paid; 50 points are a coil of twine."""

GIFT_AT = 50


def earn(customer, paid_cents):
    customer.points += paid_cents // 1000


def gifts(customer):
    count, customer.points = divmod(customer.points, GIFT_AT)
    return count
