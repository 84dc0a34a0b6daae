from shop.cart.cart import Cart
from shop.cart.merge import merge


def test_carts_join_up_to_the_limit():
    account, visit = Cart("a", {"W1": 30}), Cart("v", {"W1": 20, "L1": 1}, "HERRING26")
    assert merge(account, visit).lines == {"W1": 40, "L1": 1}
    assert account.coupon == "HERRING26"
    assert not visit.lines
