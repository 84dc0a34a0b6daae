"""The payment company calls back when a transfer has arrived."""

import hashlib
import hmac

from shop.errors import ShopError


def verify(body, signature, key):
    expected = hmac.new(key, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise ShopError("this call was not signed by the payment company")
