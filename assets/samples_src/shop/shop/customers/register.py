"""Open an account."""

from shop.customers.customer import Customer
from shop.customers.passwords import scramble
from shop.customers.repository import put
from shop.errors import ShopError


def register(mail, name, password):
    if "@" not in mail or len(password) < 10:
        raise ShopError("a mail address and ten characters, please")
    customer = Customer(mail, name, scramble(password))
    put(customer)
    return customer
