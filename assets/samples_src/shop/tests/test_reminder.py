from shop.invoices.reminder import due


def test_only_the_third_reminder_costs():
    assert [due(day) for day in (13, 14, 28, 42)] == [(0, 0), (1, 0), (2, 0), (3, 750)]
