"""Fetch it yourself: the shed is open when the tide is not too high."""

OPEN = {1: (9, 17), 2: (9, 17), 4: (9, 17), 5: (10, 13)}  # ISO weekday: hours


def can_fetch(moment, level_cm):
    hours = OPEN.get(moment.isoweekday())
    return bool(hours) and hours[0] <= moment.hour < hours[1] and level_cm < 210
