from datetime import timedelta

import pytest
from shop.clock import now
from shop.errors import ShopError
from shop.orders.returns import share_refunded


def test_the_sooner_the_better():
    assert share_refunded(now() - timedelta(days=14)) == 100
    assert share_refunded(now() - timedelta(days=15)) == 80
    with pytest.raises(ShopError):
        share_refunded(now() - timedelta(days=61))
