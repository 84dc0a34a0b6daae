import pytest
from shop.money.discount import volume_rebate


@pytest.mark.parametrize(("goods", "rebate"), [(9_999, 0), (10_000, 300), (20_000, 1_000), (50_000, 4_000)])
def test_rebates_begin_at_their_step(goods, rebate):
    assert volume_rebate(goods) == rebate
