import pytest
from shop.errors import ShopError
from shop.shipping.parcel import box_for


def test_the_smallest_box_is_taken():
    assert box_for(400, 30) == "letter"
    assert box_for(900, 200) == "tube"
    with pytest.raises(ShopError):
        box_for(40_000, 50)
