"""The till on the quay: print an order's total and the change."""

import sys

from shop.money.text import price
from shop.orders.repository import get_order
from shop.orders.total import rounded_total


def change(number, given_cents):
    return given_cents - rounded_total(get_order(number))


if __name__ == "__main__":
    print(price(change(sys.argv[1], int(sys.argv[2]))))
