"""Customers by mail, whatever the case of the letters."""

from shop.errors import NotFound

_customers = {}


def put(customer):
    _customers[customer.mail.lower()] = customer


def get(mail):
    try:
        return _customers[mail.lower()]
    except KeyError:
        raise NotFound("no such account") from None
