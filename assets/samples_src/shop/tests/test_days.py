from datetime import date, datetime

from shop.shipping.days import arrival


def test_afternoon_orders_travel_a_day_later():
    assert arrival(datetime(2026, 5, 7, 9), "near") == date(2026, 5, 11)
    assert arrival(datetime(2026, 5, 7, 15), "near") == date(2026, 5, 12)
