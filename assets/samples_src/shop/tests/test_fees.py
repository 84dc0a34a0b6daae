from shop.payment.fees import fee
from shop.payment.methods import methods


def test_fees_and_methods():
    assert fee("card", 10_000) == 165
    assert "invoice" in methods("DE", 30_000)
    assert "invoice" not in methods("DE", 30_001)
