from datetime import datetime

from shop.shipping.pickup import can_fetch


def test_the_shed_opens_with_the_tide():
    assert can_fetch(datetime(2026, 5, 4, 10), 180)
    assert not can_fetch(datetime(2026, 5, 4, 10), 215)
    assert not can_fetch(datetime(2026, 5, 6, 10), 100)
