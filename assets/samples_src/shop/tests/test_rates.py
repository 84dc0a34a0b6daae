from shop.shipping.rates import shipping_for


def test_shipping_by_zone_and_weight():
    assert shipping_for({"L1": 1}, "DK") == 550
    assert shipping_for({"L1": 2}, "DK") == 0
    assert shipping_for({"L1": 2}, "IS") == 1570
