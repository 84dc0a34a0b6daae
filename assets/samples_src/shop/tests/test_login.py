import pytest
from shop.customers.login import login
from shop.customers.register import register
from shop.errors import ShopError


def test_five_wrong_tries_close_the_door():
    register("m@q", "Mara", "ten letters")
    assert login("M@q", "ten letters").name == "Mara"
    for _ in range(5):
        with pytest.raises(ShopError, match="wrong"):
            login("m@q", "guess")
    with pytest.raises(ShopError, match="15 minutes"):
        login("m@q", "ten letters")
