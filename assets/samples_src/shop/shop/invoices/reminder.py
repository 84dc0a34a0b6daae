"""Reminders after 14, 28 and 42 days; only the last one costs something."""

FEES = {14: 0, 28: 0, 42: 750}


def due(days_open):
    passed = [day for day in FEES if days_open >= day]
    return (len(passed), FEES[passed[-1]]) if passed else (0, 0)
