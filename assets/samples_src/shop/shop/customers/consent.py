"""Who wants the newsletter said so, and when is written down."""

from shop.clock import now

_log = []


def agree(customer, wants):
    customer.news = wants
    _log.append((now(), customer.mail, wants))


def proof(mail):
    return [entry for entry in _log if entry[1] == mail]
