"""A form may be sent only by a page that we made."""

import hashlib
import hmac

from shop.errors import ShopError


def stamp(session, key):
    return hmac.new(key, session.encode(), hashlib.sha256).hexdigest()[:32]


def check(session, key, given):
    if not hmac.compare_digest(stamp(session, key), given):
        raise ShopError("please send the form again")
