"""Carts by session."""

from shop.cart.cart import Cart

_carts = {}


def cart_of(session):
    return _carts.setdefault(session, Cart(session))


def drop(session):
    _carts.pop(session, None)


def all_carts():
    return list(_carts.values())
